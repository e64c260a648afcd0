"""Mixup: convex combinations of pairs of examples and of their labels.

Zhang H et al. (2018). mixup: Beyond Empirical Risk Minimization. ICLR, arXiv:1710.09412.
"""

from __future__ import annotations

import numpy as np
import torch


def mixup(
    features: torch.Tensor, labels: torch.Tensor, alpha: float, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mixes every example with another of the batch.

    Args:
        features: ``(B, ...)``.
        labels: soft labels ``(B, C)``, each summing to 1.
        alpha: of the Beta distribution the share is drawn from, once per example.
        rng: where shares and partners come from.

    Returns:
        Mixed features and labels of the same shapes.
    """
    batch = len(features)
    drawn = rng.beta(alpha, alpha, size=batch).astype(np.float32)
    share = torch.from_numpy(np.maximum(drawn, 1 - drawn)).to(features.device)
    partner = torch.from_numpy(rng.permutation(batch)).to(features.device)
    wide = share.view(-1, *[1] * (features.ndim - 1))
    mixed = features * wide + features[partner] * (1 - wide)
    return mixed, labels * share[:, None] + labels[partner] * (1 - share[:, None])
