"""The vocal tract of a synthetic voice: five resonators in cascade whose frequencies move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

_HOP = 256
_WINDOW = 2 * _HOP
_FFT = 2 * _WINDOW
_WIDTHS = (70.0, 100.0, 140.0)
_UPPER = ((3500.0, 220.0), (4500.0, 300.0))
"""Frequency and bandwidth in Hz of the two formants that stand still."""


@dataclass(frozen=True, slots=True)
class Trajectory:
    """Where the formants are when.

    Attributes:
        times: in seconds, ascending ``(k,)``.
        formants: the first three in Hz at those times ``(k, 3)``, straight lines between.
        scale: factor on every formant, larger for a shorter tract.
    """

    times: np.ndarray
    formants: np.ndarray
    scale: float


def through(source: np.ndarray, rate: int, trajectory: Trajectory, tilt: float, breath: float) -> np.ndarray:
    """Filters ``source`` ``(n,)`` by overlap-add: for one window the tract stands still.

    Args:
        source: the glottis.
        rate: sampling rate in Hz.
        trajectory: the formants.
        tilt: slope added to the spectrum in dB per octave.
        breath: 0 to 1, widens the resonances.
    """
    count = len(source) // _HOP + 2
    padded = np.zeros((count + 1) * _HOP)
    padded[_HOP : _HOP + len(source)] = source
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
    spectra = np.fft.rfft(sliding_window_view(padded, _WINDOW)[::_HOP] * window, _FFT)
    times = np.arange(count) * _HOP / rate
    frames = np.fft.irfft(spectra * _response(times, rate, trajectory, tilt, breath), _FFT).reshape(count, -1, _HOP)
    out = np.zeros((count + frames.shape[1], _HOP))
    for i in range(frames.shape[1]):
        out[i : i + count] += frames[:, i]
    return out.ravel()[_HOP : _HOP + len(source)]


def _response(times: np.ndarray, rate: int, trajectory: Trajectory, tilt: float, breath: float) -> np.ndarray:
    """Frequency response ``(len(times), bins)`` of the tract."""
    frequencies = np.fft.rfftfreq(_FFT, 1 / rate)
    z = np.exp(-2j * np.pi * frequencies / rate)
    moving = [np.interp(times, trajectory.times, column) for column in trajectory.formants.T]
    gain, denominator = np.ones((len(times), 1)), np.ones((len(times), len(z)), complex)
    for formant, width in (*zip(moving, _WIDTHS, strict=True), *_UPPER):
        b, c = _poles(np.atleast_1d(formant)[:, None] * trajectory.scale, width * (1 + breath), rate)
        gain = gain * (1 - b - c)
        denominator *= 1 - (b + c * z) * z
    slope = (np.maximum(frequencies, 100.0) / 1000) ** (tilt / 6.02)
    response: np.ndarray = gain * slope / denominator
    return response


def _poles(frequency: np.ndarray, width: float, rate: int) -> tuple[np.ndarray, float]:
    """Coefficients of two conjugate poles: the resonator is 1 / (1 - b / z - c / z ** 2)."""
    radius = float(np.exp(-np.pi * width / rate))
    return 2 * radius * np.cos(2 * np.pi * frequency / rate), -radius * radius
