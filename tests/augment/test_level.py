"""Gain, loudness, noise, background and rooms: levels are what was asked for, for every finite clip."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import convolve

from ser_hf.augment import add_background, add_noise_snr, add_room, gain, set_loudness, shift_waveform, speed
from ser_hf.base.errors import SerHfError

RATE = 16_000


def decibels(signal: np.ndarray, under: np.ndarray) -> float:
    return float(10 * np.log10((signal.astype(np.float64) ** 2).mean() / (under.astype(np.float64) ** 2).mean()))


def clip(length: int = 8000, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, length).astype(np.float32)


def of_kind(kind: str, length: int) -> np.ndarray:
    return {
        "noise": clip(length),
        "silence": np.zeros(length, np.float32),
        "constant": np.ones(length, np.float32),
        "impulse": np.eye(1, length, length // 2, dtype=np.float32)[0],
        "loud": 1e6 * clip(length),
        "faint": np.float32(1e-30) * clip(length),
        "denormal": np.full(length, 1e-42, np.float32),
    }[kind]


KINDS = st.sampled_from(["noise", "silence", "constant", "impulse", "loud", "faint", "denormal"])


@given(kind=KINDS, other=KINDS, length=st.integers(1, 400), other_length=st.integers(1, 900), seed=st.integers(0, 99))
def test_any_finite_clip_stays_finite_float32_of_its_length_and_the_input_stays(
    kind, other, length, other_length, seed
):
    samples, second = of_kind(kind, length), of_kind(other, other_length)
    before = samples.copy(), second.copy()
    changes = [
        gain(samples, -6),
        set_loudness(samples, -20),
        add_noise_snr(samples, 10, np.random.default_rng(seed)),
        add_background(samples, second, 5, np.random.default_rng(seed)),
        shift_waveform(samples, 0.3),
    ]
    if second.any():
        changes.append(add_room(samples, second))
    for found in changes:
        assert (found.shape, found.dtype) == ((length,), np.float32)
        assert np.isfinite(found).all()
        assert samples.any() or not found.any(), "silence stays silent"
        assert not np.shares_memory(found, samples)
    np.testing.assert_array_equal(samples, before[0])
    np.testing.assert_array_equal(second, before[1])


@pytest.mark.parametrize("change", [-60, -6.02, 0, 12])
def test_gain_is_in_decibels(change):
    assert decibels(gain(clip(), change), clip()) == pytest.approx(change, abs=1e-3)
    np.testing.assert_array_equal(gain(clip(), 0), clip())


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1, 1e4])
def test_loudness_is_the_level_asked_for_whatever_it_was(scale):
    found = set_loudness(np.float32(scale) * clip(), -23)
    assert decibels(found, np.ones(1)) == pytest.approx(-23, abs=1e-3)
    assert np.corrcoef(found, clip())[0, 1] == pytest.approx(1)


@pytest.mark.parametrize("ratio", [-5, 0, 20, 40])
def test_noise_lies_so_many_decibels_under_the_clip(ratio):
    samples = 0.1 * clip(100_000)
    noise = add_noise_snr(samples, ratio, np.random.default_rng(0)) - samples
    assert decibels(samples, noise) == pytest.approx(ratio, abs=0.1)
    assert np.mean(np.abs(noise) < noise.std()) == pytest.approx(0.6827, abs=0.01)


@pytest.mark.parametrize("ratio", [-5, 0, 20])
@pytest.mark.parametrize("length", [1000, 8000, 30_000])
def test_a_background_lies_so_many_decibels_under_the_clip_whatever_its_length(ratio, length):
    samples, background = clip(), clip(length, seed=1) + np.linspace(0, 1, length, dtype=np.float32)
    added = add_background(samples, background, ratio, np.random.default_rng(0)) - samples
    assert decibels(samples, added) == pytest.approx(ratio, abs=0.01)
    period = np.tile(background, 1 + 2 * len(samples) // length)
    places = np.correlate(period.astype(np.float64), added.astype(np.float64), "valid")
    norms = np.sqrt(np.convolve(period.astype(np.float64) ** 2, np.ones(len(added)), "valid") * (added**2).sum())
    assert (places / norms).max() == pytest.approx(1, abs=1e-4), "it is a stretch of it, or all of it over and over"


def test_a_background_starts_anywhere():
    background = np.arange(1, 101, dtype=np.float32)
    for length in (10, 300):
        quiet = np.full(length, 1e-3, np.float32)
        found = [add_background(quiet, background, 0, np.random.default_rng(seed)) for seed in range(50)]
        assert len({tuple(samples) for samples in found}) > 25


@given(length=st.integers(1, 300), taps=st.integers(1, 500), seed=st.integers(0, 2**32 - 1))
def test_a_room_is_a_convolution_as_loud_as_before_with_the_direct_path_in_place(length, taps, seed):
    rng = np.random.default_rng(seed)
    samples = rng.normal(0, 0.1, length).astype(np.float32)
    impulse = (rng.normal(0, 1, taps) * np.exp(-np.arange(taps) / 50)).astype(np.float32)
    direct = int(np.abs(impulse).argmax())
    expected = convolve(samples.astype(np.float64), impulse.astype(np.float64), method="direct")[direct:][:length]
    expected = np.pad(expected, (0, length - len(expected)))
    expected *= np.sqrt((samples.astype(np.float64) ** 2).mean() / (expected**2).mean())
    found = add_room(samples, impulse)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max() + 1e-9, rtol=1e-4)


def test_a_room_without_echo_changes_nothing_but_its_delay_is_taken_out():
    for delay in (0, 1, 777):
        impulse = np.zeros(2000, np.float32)
        impulse[delay] = 0.3
        np.testing.assert_allclose(add_room(clip(), impulse), clip(), atol=1e-6)


def test_a_silent_impulse_response_is_refused():
    with pytest.raises(SerHfError, match="impulse response of 9 samples is silent; expected one with a direct path"):
        add_room(clip(), np.zeros(9, np.float32))


@given(length=st.integers(1, 3000), factor=st.floats(0.5, 2), kind=KINDS)
def test_speed_gives_the_length_promised(length, factor, kind):
    found = speed(of_kind(kind, length), factor)
    assert (found.shape, found.dtype) == ((max(1, round(length / factor)),), np.float32)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.1, 1.2345])
def test_speed_changes_pitch_and_tempo_together(factor):
    tone = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
    found = speed(tone, factor)
    expected = np.sin(2 * np.pi * 440 * factor * np.arange(len(found)) / RATE)
    np.testing.assert_allclose(found[500:-500], expected[500:-500], atol=2e-3)
    np.testing.assert_array_equal(speed(tone, 1.0), tone)
    assert not np.shares_memory(speed(tone, 1.0), tone)


@pytest.mark.parametrize(("factor", "said"), [(0.0, "at 0.0 times"), (float("nan"), "at nan times")])
def test_an_impossible_speed_is_refused(factor, said):
    with pytest.raises(SerHfError, match=said):
        speed(clip(), factor)


def test_a_shift_moves_and_loses_nothing():
    samples = np.arange(10, dtype=np.float32)
    assert shift_waveform(samples, 0.2).tolist() == [8, 9, 0, 1, 2, 3, 4, 5, 6, 7]
    assert shift_waveform(samples, -0.2).tolist() == [2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    for share in (0, 1, -1):
        np.testing.assert_array_equal(shift_waveform(samples, share), samples)
