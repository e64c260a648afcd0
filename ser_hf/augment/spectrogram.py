"""Augmentation of log-mel spectrograms: SpecAugment's masks and a shift in time.

Park DS et al. (2019). SpecAugment. Interspeech, doi 10.21437/Interspeech.2019-2680 (masks, without time warping).
Tensors ``(B, n_mels, n_frames)`` in and out; every example draws its own parameters from the generator given.
"""

from __future__ import annotations

import numpy as np
import torch


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
