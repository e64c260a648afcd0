"""Mel-frequency cepstral coefficients and their slopes over time, equal to librosa's, on any device."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from .log_mel import LogMelSettings, log_mel

DELTA_WIDTH = 9
LIBROSA = LogMelSettings(reference=1.0)
"""Settings of the spectrogram behind ``librosa.feature.mfcc``: 0 dB is a power of 1."""


def mfcc(waveforms: torch.Tensor, settings: LogMelSettings = LIBROSA, n_mfcc: int = 20) -> torch.Tensor:
    """Mel-frequency cepstral coefficients, by default those of ``librosa.feature.mfcc`` within 1e-3.

    Another reference than `LIBROSA`'s moves the first coefficient only.

    Args:
        waveforms: see `log_mel`.
        settings: of the spectrogram, in decibels.
        n_mfcc: coefficients, up to ``n_mels``.

    Returns:
        ``(B, n_mfcc, n_frames)`` float32.

    Raises:
        ValueError: the waveforms have another shape, the scale is not decibels or ``n_mfcc`` is out of its range.
    """
    if settings.scale != "db":
        raise ValueError(f"cepstral coefficients are of a spectrogram in decibels, and scale is {settings.scale!r}")
    return cepstrum(log_mel(waveforms, settings), n_mfcc)


def cepstrum(spectrograms: torch.Tensor, n_mfcc: int) -> torch.Tensor:
    """The first coefficients of the orthonormal cosine transform (type II) over the mel bins.

    Args:
        spectrograms: ``(B, n_mels, n_frames)`` in dB.
        n_mfcc: coefficients, up to ``n_mels``.

    Returns:
        ``(B, n_mfcc, n_frames)`` float32.

    Raises:
        ValueError: ``n_mfcc`` is out of its range.
    """
    n_mels = spectrograms.shape[1]
    if not 1 <= n_mfcc <= n_mels:
        raise ValueError(f"n_mfcc is {n_mfcc}, expected 1 to {n_mels}, the number of mel bins")
    # float64, because a graphics card may round factors of a float32 product to ten bits, an error of half a decibel
    return torch.matmul(cosines(n_mfcc, n_mels, str(spectrograms.device)), spectrograms.double()).float()


@lru_cache(maxsize=16)
def cosines(n_mfcc: int, n_mels: int, device: str = "cpu") -> torch.Tensor:
    """The rows of `cepstrum`'s transform: ``(n_mfcc, n_mels)`` float64, of length 1."""
    middles = (np.arange(n_mels) + 0.5) / n_mels
    rows = np.cos(np.pi * np.outer(np.arange(n_mfcc), middles)) * np.sqrt(2.0 / n_mels)
    rows[0] /= np.sqrt(2.0)
    return torch.from_numpy(rows).to(device)


def delta(features: torch.Tensor, width: int = DELTA_WIDTH, order: int = 1) -> torch.Tensor:
    """Derivative over time of the polynomial of degree ``order`` that fits ``width`` frames best.

    Equal to ``librosa.feature.delta`` (Savitzky and Golay, Analytical Chemistry 1964, doi 10.1021/ac60214a047). The
    frames at both ends, which lack neighbours, have the value of the nearest that does not.

    Args:
        features: ``(..., n_frames)``, at least ``width`` frames.
        width: frames, an odd number above ``order``.
        order: 1 for the slope (deltas), 2 for the curvature (delta-deltas).

    Returns:
        the same shape, float32.

    Raises:
        ValueError: there are too few frames, or a setting is out of its range.
    """
    if width % 2 == 0 or not 1 <= order < width:
        raise ValueError(f"expected an odd width above order >= 1, found width {width} and order {order}")
    n_frames = features.shape[-1]
    if n_frames < width:
        raise ValueError(f"a derivative over {width} frames needs as many, found {n_frames}; make the clip longer")
    valid = n_frames - width + 1
    slope = torch.zeros(*features.shape[:-1], valid, dtype=torch.float32, device=features.device)
    for i, weight in enumerate(_derivative(width, order)):
        slope.add_(features[..., i : i + valid], alpha=weight)
    half = width // 2
    first, last = slope[..., :1], slope[..., -1:]
    return torch.cat([first.expand(*first.shape[:-1], half), slope, last.expand(*last.shape[:-1], half)], dim=-1)


@lru_cache(maxsize=16)
def _derivative(width: int, order: int) -> tuple[float, ...]:
    """Weights of ``width`` values that give the highest derivative of the polynomial fitted to them."""
    places = np.arange(width) - width // 2
    fit = np.linalg.pinv(np.vander(places, order + 1, increasing=True).astype(np.float64))
    return tuple(float(weight) for weight in fit[order] * np.prod(np.arange(1, order + 1)))


def with_deltas(features: torch.Tensor, deltas: int) -> torch.Tensor:
    """Features ``(B, n, n_frames)`` over their derivatives: ``(B, (1 + deltas) * n, n_frames)``.

    Args:
        features: e.g. of `mfcc`.
        deltas: 0, 1 (slopes) or 2 (slopes and curvatures).

    Raises:
        ValueError: there are too few frames.
    """
    return torch.cat([features, *(delta(features, order=order) for order in range(1, deltas + 1))], dim=1)


def check_mfcc(features: str, scale: str, n_mfcc: int, n_mels: int, deltas: int, n_frames: int) -> None:
    """Refuses settings of a feature extractor that give no coefficients.

    Raises:
        ValueError: deltas of a spectrogram, a scale other than decibels, or too many coefficients or too few frames.
    """
    if features != "mfcc":
        raise ValueError(f"feature setting deltas is {deltas}: it is for features 'mfcc'")
    if scale != "db":
        raise ValueError(f"features 'mfcc' are of a spectrogram in decibels, and scale is {scale!r}")
    if not 1 <= n_mfcc <= n_mels:
        raise ValueError(f"feature setting n_mfcc is {n_mfcc}, expected 1 to n_mels, {n_mels}")
    if deltas and n_frames < DELTA_WIDTH:
        raise ValueError(f"feature setting deltas needs {DELTA_WIDTH} frames, and the clips have {n_frames}")
