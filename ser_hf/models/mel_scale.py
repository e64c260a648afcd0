"""Mel scales and their triangular filters, computed in float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MEL_SCALES = ("slaney", "htk")
"""``"slaney"``: linear to 1 kHz, logarithmic above (Slaney, "Auditory Toolbox", Interval Research report 1998-010);
``"htk"``: ``2595 log10(1 + f / 700)`` (Young et al., "The HTK Book")."""

MEL_NORMS = ("slaney", "none")
"""``"slaney"``: every triangle has the same area; ``"none"``: every triangle has the height 1."""

_LINEAR_HZ = 200.0 / 3.0
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_HZ
_LOG_STEP = math.log(6.4) / 27.0


def hz_to_mel(frequencies: Any, scale: str) -> Array:
    """Mels of frequencies in Hz.

    >>> hz_to_mel([0, 1000], "slaney")
    array([ 0., 15.])
    """
    hz: Array = np.asarray(frequencies, dtype=np.float64)
    if scale == "htk":
        return np.asarray(2595.0 * np.log10(1.0 + hz / 700.0))
    above = _BREAK_MEL + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(hz < _BREAK_HZ, hz / _LINEAR_HZ, above)


def mel_to_hz(mels: Any, scale: str) -> Array:
    """Frequencies in Hz of mels."""
    mel: Array = np.asarray(mels, dtype=np.float64)
    if scale == "htk":
        return np.asarray(700.0 * (10.0 ** (mel / 2595.0) - 1.0))
    above = _BREAK_HZ * np.exp(_LOG_STEP * (np.maximum(mel, _BREAK_MEL) - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, mel * _LINEAR_HZ, above)


def mel_filters(
    sampling_rate: int, n_fft: int, n_mels: int, f_min: float, f_max: float, scale: str = "slaney", norm: str = "slaney"
) -> Array:
    """Triangles over the bins of a Fourier transform, their corners at equal distances in mel.

    A triangle narrower than the distance of two bins can miss them all; its row is zeros.

    Args:
        sampling_rate: Hz.
        n_fft: length of the transform.
        n_mels: number of triangles.
        f_min: lower corner of the first, in Hz.
        f_max: upper corner of the last, in Hz.
        scale: one of `MEL_SCALES`.
        norm: one of `MEL_NORMS`.

    Returns:
        ``(n_mels, n_fft // 2 + 1)``.
    """
    bins = np.fft.rfftfreq(n_fft, 1.0 / sampling_rate)
    corners = mel_to_hz(np.linspace(hz_to_mel(f_min, scale), hz_to_mel(f_max, scale), n_mels + 2), scale)
    low, middle, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rise = (bins - low) / (middle - low)
    fall = (high - bins) / (high - middle)
    triangles = np.maximum(0.0, np.minimum(rise, fall))
    return triangles * (2.0 / (high - low)) if norm == "slaney" else triangles
