"""Vocal tract length perturbation: the same words by a longer or shorter vocal tract, as by another speaker.

Jaitly N & Hinton GE (2013). Vocal Tract Length Perturbation (VTLP) improves speech recognition. ICML Workshop on Deep
Learning for Audio, Speech and Language Processing.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional as F

from ser_hf.base.errors import SerHfError

from .waveform import check_mono, one_thread, window_size

_F_HI = 4800.0
"""Hz, of the paper: above the formants that matter. At rates under 16 kHz the same share of half the rate."""
_SHARE = 0.6


def warp_vocal_tract(samples: np.ndarray, sampling_rate: int, factor: float) -> np.ndarray:
    """Warps the frequency axis; formants and pitch move, the tempo stays.

    A frequency is multiplied by the factor up to ``f_hi = 4800 Hz`` (of what goes in, or comes out, whichever is
    larger), and from there on a straight line leads to half the sampling rate, which stays. The magnitudes of the
    spectrum are read at the warped bins, and every bin goes on turning as fast as the warped frequency in it does:
    with the phases as they were, a tone that was moved would be cut into pieces by the frames.

    Args:
        samples: float32 ``(n,)``.
        sampling_rate: in Hz.
        factor: above 1 a shorter tract: higher formants.

    Returns:
        float32 ``(n,)``.

    Raises:
        SerHfError: samples that are not one row of one or more, or a factor or rate that is not above 0.
    """
    check_mono(samples)
    if not (sampling_rate > 0 and 0 < factor < math.inf):
        raise SerHfError(f"cannot warp by {factor} at {sampling_rate} Hz; expected a factor and a rate above 0")
    waveform = torch.from_numpy(np.array(samples, dtype=np.float32))
    if factor == 1:
        return waveform.numpy()
    size = window_size(sampling_rate)
    window, hop = torch.hann_window(size), size // 4
    with one_thread():
        padded = F.pad(waveform, (size // 2, size // 2))
        frames = torch.stft(padded, size, hop, window=window, center=False, return_complex=True)
        warped = torch.from_numpy(_warped(frames.T.numpy(), factor, sampling_rate, hop)).T
        return torch.istft(warped, size, hop, window=window, length=len(waveform)).numpy()


def warp_frequencies(frequencies: np.ndarray, sampling_rate: float, factor: float) -> np.ndarray:
    """Where frequencies in Hz come to lie, in Hz.

    >>> warp_frequencies(np.array([1000.0, 4000.0, 8000.0]), 16_000, 1.1).round()
    array([1100., 4400., 8000.])
    """
    warped: np.ndarray = np.interp(frequencies, *_knots(sampling_rate, factor))
    return warped


def _knots(sampling_rate: float, factor: float) -> tuple[list[float], list[float]]:
    """Frequencies before and after, between which lines are straight."""
    nyquist = sampling_rate / 2
    high = min(_F_HI, _SHARE * nyquist) * min(factor, 1)
    return [0, high / factor, nyquist], [0, high, nyquist]


def _warped(frames: np.ndarray, factor: float, sampling_rate: int, hop: int) -> np.ndarray:
    """The spectrum ``(n_frames, n_bins)`` complex64, warped."""
    bins = frames.shape[1]
    width, size = sampling_rate / 2 / (bins - 1), 2 * (bins - 1)
    before, after = _knots(sampling_rate, factor)
    places = np.interp(width * np.arange(bins), after, before) / width
    low = np.minimum(places.astype(np.int64), bins - 2)
    share, near = (places - low).astype(np.float32), np.rint(places).astype(np.int64)
    level = np.abs(frames)
    level = level[:, low] * (1 - share) + level[:, low + 1] * share
    # phases at the middle of the window, where neighbouring bins of one tone agree
    middle = 1.0 - 2.0 * (np.arange(bins) % 2)
    read = frames[:, near].astype(np.complex128) * middle[near]
    expected = 2 * np.pi * hop * near / size
    off = np.angle(read[1:] * read[:-1].conj() * np.exp(-1j * expected))
    heard = width * (near + off * size / (2 * np.pi * hop))
    advance = 2 * np.pi * hop / sampling_rate * np.interp(heard, before, after)
    phase = np.cumsum(np.concatenate([np.angle(read[:1]), advance]), axis=0)
    warped: np.ndarray = (level * np.exp(1j * phase) * middle).astype(np.complex64)
    return warped
