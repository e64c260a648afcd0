"""Resampling against SciPy and against sines known in closed form."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from ser_hf.audio import resample
from ser_hf.base.errors import AudioError


def sine(frequency: float, rate: int, seconds: float = 1.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


@pytest.mark.parametrize("rate", [8000, 22050, 24414, 44100, 48000, 96000])
@pytest.mark.parametrize("frequency", [100.0, 1000.0, 3000.0])
def test_a_sine_stays_the_same_sine(rate: int, frequency: float) -> None:
    resampled = resample(sine(frequency, rate), rate, 16000)
    expected = sine(frequency, 16000)
    assert resampled.dtype == np.float32
    middle = slice(800, min(len(resampled), len(expected)) - 800)
    np.testing.assert_allclose(resampled[middle], expected[middle], atol=2e-4)


@pytest.mark.parametrize("rate", [24414, 48000, 96000])
def test_it_agrees_with_scipy_on_band_limited_noise(rate: int) -> None:
    noise = np.random.default_rng(0).standard_normal(rate)
    samples = signal.sosfiltfilt(signal.butter(8, 5000, fs=rate, output="sos"), noise).astype(np.float32)
    g = math.gcd(rate, 16000)
    reference = signal.resample_poly(samples.astype(np.float64), 16000 // g, rate // g, window=("kaiser", 12.0))
    resampled = resample(samples, rate, 16000)
    error = (resampled - reference[: len(resampled)])[800:-800]
    assert np.sqrt(np.mean(error**2)) < 2e-3 * np.sqrt(np.mean(reference**2))


@pytest.mark.parametrize("rate", [48000, 96000])
def test_what_the_target_cannot_hold_is_removed(rate: int) -> None:
    assert np.abs(resample(sine(11000, rate), rate, 16000)[800:-800]).max() < 1e-4


def test_equal_rates_change_nothing() -> None:
    samples = sine(300, 16000)
    assert resample(samples, 16000, 16000) is samples


@given(
    st.integers(0, 5000), st.sampled_from([8000, 16000, 22050, 24414, 44100, 48000, 96000]), st.integers(4000, 48000)
)
@settings(max_examples=60, deadline=None)
def test_the_duration_is_kept(length: int, rate: int, target: int) -> None:
    resampled = resample(np.zeros(length, np.float32), rate, target)
    assert abs(len(resampled) - length * target / rate) <= 1
    assert resampled.dtype == np.float32


@pytest.mark.parametrize(("rate", "target"), [(0, 16000), (16000, 0), (-8000, 16000), (16000, -1), (0, 0)])
def test_rates_that_are_not_positive_are_refused(rate: int, target: int) -> None:
    with pytest.raises(AudioError, match=f"positive .* not {rate} -> {target}"):
        resample(np.zeros(10, np.float32), rate, target)


def test_only_mono_is_taken() -> None:
    with pytest.raises(AudioError, match=r"mono samples of shape \(n,\), found shape \(10, 2\)"):
        resample(np.zeros((10, 2), np.float32), 8000, 16000)


def test_rates_without_a_common_factor_cost_nothing_extra() -> None:
    samples = np.random.default_rng(0).standard_normal(2 * 24414).astype(np.float32)
    resample(samples, 24414, 16000)
    start = time.perf_counter()
    for _ in range(10):
        resample(samples, 24414, 16000)
    assert time.perf_counter() - start < 1.0, "a polyphase resampler takes seconds per clip here"
