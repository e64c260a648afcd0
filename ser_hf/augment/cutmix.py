"""CutMix: a rectangle of another example in the place of one's own, and its share of the label.

Yun et al. (2019). CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features. ICCV,
doi 10.1109/ICCV.2019.00612.
"""

from __future__ import annotations

import numpy as np
import torch

from ._boxes import box_mask


def cutmix(
    features: torch.Tensor, labels: torch.Tensor, alpha: float, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pastes into every example a rectangle from the same place of another of the batch.

    Args:
        features: ``(B, n_mels, n_frames)``.
        labels: soft labels ``(B, C)``, each summing to 1.
        alpha: of the Beta distribution the share kept is drawn from, once per example.
        rng: where shares, places and partners come from.

    Returns:
        Features and labels of the same shapes; labels are weighted by the area really pasted, after whole bins and
        frames and the edges have cut the rectangle.
    """
    batch, mels, frames = features.shape
    side = np.sqrt(1 - rng.beta(alpha, alpha, size=batch))
    top, bottom = _span(side, mels, rng)
    left, right = _span(side, frames, rng)
    partner = torch.from_numpy(rng.permutation(batch)).to(features.device)
    pasted = (bottom - top) * (right - left) / (mels * frames)
    inside = box_mask(features.shape, top, bottom, left, right).to(features.device)
    share = torch.from_numpy(pasted)[:, None].to(labels)
    return torch.where(inside, features[partner], features), labels * (1 - share) + labels[partner] * share


def _span(side: np.ndarray, length: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """First and one after the last step of spans of ``side`` of ``length`` about a middle drawn evenly."""
    size = np.rint(side * length).astype(np.int64)
    start = rng.integers(0, length, size=len(side)) - size // 2
    return np.clip(start, 0, length), np.clip(start + size, 0, length)
