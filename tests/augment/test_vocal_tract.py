"""Vocal tract length perturbation: tones move where the paper says, and the fast way is the naive one."""

import cmath
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.augment import warp_frequencies, warp_vocal_tract
from ser_hf.augment.vocal_tract import _warped
from ser_hf.base.errors import SerHfError

RATE = 16_000


def as_in_the_paper(f: float, rate: float, alpha: float, f_hi: float = 4800) -> float:
    """Jaitly & Hinton 2013, their equation for a frequency."""
    if f <= f_hi * min(alpha, 1) / alpha:
        return f * alpha
    s = rate / 2
    return s - (s - f_hi * min(alpha, 1)) / (s - f_hi * min(alpha, 1) / alpha) * (s - f)


@given(f=st.floats(0, 8000), alpha=st.floats(0.5, 2))
def test_frequencies_are_warped_as_in_the_paper(f, alpha):
    assert warp_frequencies(np.array([f]), RATE, alpha)[0] == pytest.approx(as_in_the_paper(f, RATE, alpha), abs=1e-6)


def test_at_a_low_rate_the_line_bends_lower():
    found = warp_frequencies(np.array([1000.0, 2000.0, 4000.0]), 8000, 1.2)
    np.testing.assert_allclose(found, [as_in_the_paper(f, 8000, 1.2, 2400) for f in (1000, 2000, 4000)])


@pytest.mark.parametrize("frequency", [150.0, 440.0, 1234.5, 3000.0, 6500.0])
@pytest.mark.parametrize("factor", [0.85, 0.93, 1.07, 1.15])
def test_a_tone_moves_to_its_frequency_and_stays_a_tone(frequency, factor):
    tone = (0.5 * np.sin(2 * np.pi * frequency * np.arange(RATE) / RATE)).astype(np.float32)
    moved = warp_vocal_tract(tone, RATE, factor)
    assert (moved.shape, moved.dtype) == (tone.shape, np.float32)
    inner = moved[2048:-2048] * np.hanning(RATE - 4096)
    power = np.abs(np.fft.rfft(inner, 1 << 18)) ** 2
    axis = np.fft.rfftfreq(1 << 18, 1 / RATE)
    expected = as_in_the_paper(frequency, RATE, factor)
    assert axis[power.argmax()] == pytest.approx(expected, abs=2)
    assert power[np.abs(axis - expected) < 15].sum() > 0.97 * power.sum(), "a tone stays a tone"
    assert 0.75 < np.std(moved[2048:-2048]) / np.std(tone) < 1.05, "a lobe read between its bins is lower"


def naive(frames: np.ndarray, factor: float, rate: int, hop: int) -> np.ndarray:
    count, bins = frames.shape
    size, width = 2 * (bins - 1), rate / (2 * (bins - 1))
    bend = 4800 * min(factor, 1)
    slope = (rate / 2 - bend / factor) / (rate / 2 - bend)
    result = np.zeros(frames.shape, complex)
    for k in range(bins):
        there = k * width
        place = (there / factor if there <= bend else rate / 2 - slope * (rate / 2 - there)) / width
        low, r = min(math.floor(place), bins - 2), round(place)
        phase = cmath.phase(frames[0, r] * (-1) ** r)
        for t in range(count):
            if t:
                turned = cmath.phase(frames[t, r]) - cmath.phase(frames[t - 1, r]) - 2 * math.pi * hop * r / size
                turned = (turned + math.pi) % (2 * math.pi) - math.pi
                heard = min(max(width * (r + turned * size / (2 * math.pi * hop)), 0), rate / 2)
                phase += 2 * math.pi * hop / rate * as_in_the_paper(heard, rate, factor)
            level = abs(frames[t, low]) * (low + 1 - place) + abs(frames[t, low + 1]) * (place - low)
            result[t, k] = level * cmath.exp(1j * phase) * (-1) ** k
    return result


@pytest.mark.parametrize("factor", [0.9, 1.13])
def test_it_is_the_naive_loop(factor):
    noise = torch.from_numpy(np.random.default_rng(0).normal(size=1200).astype(np.float32))
    frames = torch.stft(noise, 128, 32, window=torch.hann_window(128), center=False, return_complex=True).T.numpy()
    expected, found = naive(frames, factor, RATE, 32), _warped(frames, factor, RATE, 32)
    # without the bin of 0 Hz: it is real, and half a turn of it is one forwards or backwards
    np.testing.assert_allclose(found[:, 1:], expected[:, 1:], atol=2e-3 * np.abs(expected).max())


def test_one_is_no_change_and_the_input_is_left_alone():
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 3000).astype(np.float32)
    given_ = noise.copy()
    np.testing.assert_array_equal(warp_vocal_tract(noise, RATE, 1), noise)
    warp_vocal_tract(noise, RATE, 1.1)
    np.testing.assert_array_equal(noise, given_)
    assert not warp_vocal_tract(np.zeros(500, np.float32), RATE, 1.1).any()
    assert warp_vocal_tract(noise[:1], RATE, 0.9).shape == (1,)


@pytest.mark.parametrize(("samples", "rate", "factor"), [(np.zeros((2, 3)), RATE, 1.1), (np.zeros(5), RATE, 0.0)])
def test_what_cannot_be_is_refused(samples, rate, factor):
    with pytest.raises(SerHfError, match="expected"):
        warp_vocal_tract(samples.astype(np.float32), rate, factor)
