"""Augmentation of log-mel spectrograms: SpecAugment's masks, a shift in time, stretching.

Park DS et al. (2019). SpecAugment. Interspeech, doi 10.21437/Interspeech.2019-2680 (masks, without time warping).
Tensors ``(B, n_mels, n_frames)`` in and out; every example draws its own parameters from the generator given.
"""

from __future__ import annotations

import numpy as np
import torch

from ._affine import resample


def mask(
    features: torch.Tensor, axis: int, count: int, width: int, rng: np.random.Generator, value: float = 0.0
) -> torch.Tensor:
    """Sets ``count`` bands of up to ``width`` steps along ``axis`` to ``value``.

    Args:
        features: ``(B, n_mels, n_frames)``.
        axis: 1 for frequency masks, 2 for time masks.
        count: masks per example.
        width: widest mask in steps; drawn uniformly from 0 to ``width``, and never wider than the axis.
        rng: where the positions come from.
        value: what masked points become.
    """
    batch, length = features.shape[0], features.shape[axis]
    widths = rng.integers(0, min(width, length) + 1, size=(batch, count, 1))
    starts = (rng.random((batch, count, 1)) * (length - widths + 1)).astype(np.int64)
    steps = np.arange(length)
    hidden = torch.from_numpy(((steps >= starts) & (steps < starts + widths)).any(axis=1))
    return features.masked_fill(hidden.unsqueeze(3 - axis).to(features.device), value)


def shift(features: torch.Tensor, most: int, rng: np.random.Generator) -> torch.Tensor:
    """Rolls every example in time by up to ``most`` frames, either way."""
    steps = rng.integers(-most, most + 1, size=len(features))
    return torch.stack([example.roll(int(n), dims=-1) for example, n in zip(features, steps, strict=True)])


def stretch(features: torch.Tensor, time: float, frequency: float, rng: np.random.Generator) -> torch.Tensor:
    """Stretches every example about its middle in time and about its lowest bin in frequency.

    In time it is a change of tempo at the same pitch; over mel bins a rough change of pitch and vocal-tract length,
    after Jaitly & Hinton (2013), Vocal Tract Length Perturbation. Bilinear; beyond an edge its last value goes on.

    Args:
        features: ``(B, n_mels, n_frames)``.
        time: factors are drawn evenly from ``1 - time`` to ``1 + time``.
        frequency: the same over mel bins.
        rng: where the factors come from.
    """
    batch = len(features)
    wide = 1 + time * rng.uniform(-1, 1, batch)
    high = 1 + frequency * rng.uniform(-1, 1, batch)
    theta = np.zeros((batch, 2, 3))
    theta[:, 0, 0] = 1 / wide
    theta[:, 1, 1], theta[:, 1, 2] = 1 / high, 1 / high - 1
    return resample(features, theta, "border")
