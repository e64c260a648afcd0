"""Tempo, pitch and noise: each changes what it says and nothing else, for every finite clip."""

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchaudio.functional import phase_vocoder

from ser_hf.augment import add_noise, pitch_shift, tempo_and_pitch, time_stretch
from ser_hf.augment._vocoder import at_tempo
from ser_hf.base.errors import SerHfError

RATE = 16_000


def tone(pitch: float, seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * pitch * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def pitch_of(samples: np.ndarray, rate: int = RATE) -> float:
    """The loudest frequency in Hz, away from the edges."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 8 * len(middle)))
    return float(spectrum.argmax() * rate / (8 * len(middle)))


def chirp(seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    time = np.arange(int(seconds * rate)) / rate
    return (0.4 * np.sin(2 * np.pi * (200 * time + 600 * time**2))).astype(np.float32)


@pytest.mark.parametrize("factor", [0.8, 0.93, 1.0, 1.2])
@pytest.mark.parametrize("rate", [16_000, 24_414, 48_000])
def test_stretching_changes_the_length_and_not_the_pitch(factor, rate):
    found = time_stretch(tone(440, rate=rate), factor, rate)
    assert len(found) == round(rate / factor)
    assert pitch_of(found, rate) == pytest.approx(440, abs=1)
    loud = found[rate // 5 : -rate // 5]
    assert np.sqrt((loud**2).mean()) == pytest.approx(0.5 / np.sqrt(2), rel=0.15)


@pytest.mark.parametrize("semitones", [-2, -0.7, 0, 1.3, 2, 12])
@pytest.mark.parametrize("rate", [16_000, 24_414, 48_000])
def test_a_shift_changes_the_pitch_and_not_the_length(semitones, rate):
    found = pitch_shift(tone(440, rate=rate), rate, semitones)
    assert len(found) == rate
    assert pitch_of(found, rate) == pytest.approx(440 * 2 ** (semitones / 12), abs=1)


def test_both_at_once():
    found = tempo_and_pitch(tone(300), RATE, 0.8, 2)
    assert len(found) == 20_000
    assert pitch_of(found) == pytest.approx(300 * 2 ** (2 / 12), abs=1)


def test_what_happens_when_is_stretched_too():
    clip = np.zeros(RATE, np.float32)
    clip[4000:8000] = tone(1000)[:4000]
    for factor in (0.8, 1.2):
        found = time_stretch(clip, factor)
        middle = (np.arange(len(found)) * found**2).sum() / (found**2).sum()
        assert middle == pytest.approx(6000 / factor, abs=200)


def test_both_agree_with_librosa():
    noisy = chirp() + np.random.default_rng(0).normal(0, 0.01, RATE).astype(np.float32)
    slower = librosa.effects.time_stretch(noisy.astype(np.float64), rate=0.8, n_fft=1024)
    np.testing.assert_allclose(time_stretch(noisy, 0.8), slower, atol=2e-3)
    higher = librosa.effects.pitch_shift(noisy.astype(np.float64), sr=RATE, n_steps=1.5, n_fft=1024)
    np.testing.assert_allclose(pitch_shift(noisy, RATE, 1.5), higher, atol=2e-3)


@given(
    frames=st.integers(1, 80),
    bins=st.integers(1, 9),
    factor=st.integers(32, 128).map(lambda n: n / 64),  # places without rounding: frames are not a matter of it
    scale=st.sampled_from([1.0, 1e-30]),
    seed=st.integers(0, 99),
)
def test_the_vocoder_is_that_of_torchaudio(frames, bins, factor, scale, seed):
    rng = np.random.default_rng(seed)
    spectrum = scale * (rng.normal(size=(frames, bins)) + 1j * rng.normal(size=(frames, bins)))
    spectrum = np.where(rng.random((frames, bins)) < 0.9, spectrum, 0).astype(np.complex64)  # some bins are silent
    advance = torch.linspace(0, np.pi * 256, bins, dtype=torch.float64)[:, None]
    expected = phase_vocoder(torch.from_numpy(spectrum.T.astype(np.complex128)), factor, advance).T.numpy()
    np.testing.assert_allclose(at_tempo(spectrum, factor), expected, rtol=1e-6, atol=1e-6 * np.abs(spectrum).max())


@settings(max_examples=60)
@given(
    length=st.integers(1, 3000),
    kind=st.sampled_from(["noise", "silence", "constant", "impulse", "loud", "faint"]),
    rate=st.sampled_from([100, 8000, 16_000, 24_414, 48_000]),
    factor=st.floats(0.8, 1.2),
    semitones=st.floats(-2, 2),
)
def test_any_finite_clip_stays_finite_float32_of_the_length_promised(length, kind, rate, factor, semitones):
    noise = np.random.default_rng(length).uniform(-1, 1, length).astype(np.float32)
    clip = {
        "noise": noise,
        "silence": np.zeros(length, np.float32),
        "constant": np.ones(length, np.float32),
        "impulse": np.eye(1, length, length // 2, dtype=np.float32)[0],
        "loud": 1e6 * noise,
        "faint": np.float32(1e-30) * noise,
    }[kind]
    before = clip.copy()
    found = tempo_and_pitch(clip, rate, factor, semitones)
    assert found.dtype == np.float32
    assert found.shape == (max(1, round(length / factor)),)
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= 8 * np.abs(clip).max()
    np.testing.assert_array_equal(clip, before)


def test_silence_stays_silent():
    assert not tempo_and_pitch(np.zeros(5000, np.float32), RATE, 1.1, -2).any()


def test_no_change_gives_equal_samples_of_its_own():
    clip = chirp()
    for found in (time_stretch(clip, 1.0), pitch_shift(clip, RATE, 0.0), add_noise(clip, 0.0, np.random.default_rng())):
        np.testing.assert_array_equal(found, clip)
        assert not np.shares_memory(found, clip)


def test_the_number_of_threads_changes_no_bit_and_is_left_as_it_was():
    clip, threads = chirp(2.0), torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        found = tempo_and_pitch(clip, RATE, 0.9, 1.0)
        assert torch.get_num_threads() == 2
        torch.set_num_threads(1)
        np.testing.assert_array_equal(found, tempo_and_pitch(clip, RATE, 0.9, 1.0))
    finally:
        torch.set_num_threads(threads)


def test_noise_is_white_gaussian_of_the_amplitude_given():
    noise = add_noise(np.zeros(200_000, np.float32), 0.005, np.random.default_rng(0))
    assert noise.dtype == np.float32
    assert noise.std() == pytest.approx(0.005, rel=0.01)
    assert noise.mean() == pytest.approx(0, abs=5e-5)
    assert np.mean(np.abs(noise) < 0.005) == pytest.approx(0.6827, abs=0.01)
    power = np.abs(np.fft.rfft(noise)) ** 2
    halves = power[: len(power) // 2].mean() / power[len(power) // 2 :].mean()
    assert halves == pytest.approx(1, abs=0.05)


def test_noise_repeats_with_its_seed_and_is_added():
    clip = chirp()
    one, same, other = (add_noise(clip, 0.01, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    bare = add_noise(np.zeros_like(clip), 0.01, np.random.default_rng(1))
    np.testing.assert_allclose(one - clip, bare, atol=1e-6)


@pytest.mark.parametrize(
    ("samples", "rate", "factor", "semitones", "said"),
    [
        (np.zeros((2, 9), np.float32), RATE, 1.1, 0, r"shape \(n,\), found shape \(2, 9\)"),
        (np.zeros(0, np.float32), RATE, 1.1, 0, r"found shape \(0,\)"),
        (np.zeros(9, np.float32), RATE, 0.0, 0, "cannot stretch by 0.0"),
        (np.zeros(9, np.float32), RATE, float("nan"), 0, "cannot stretch by nan"),
        (np.zeros(9, np.float32), RATE, 1.0, float("inf"), "shift by inf semitones"),
        (np.zeros(9, np.float32), 0, 1.0, 1.0, "at 0 Hz"),
    ],
)
def test_what_cannot_be_done_is_said(samples, rate, factor, semitones, said):
    with pytest.raises(SerHfError, match=said):
        tempo_and_pitch(samples, rate, factor, semitones)
