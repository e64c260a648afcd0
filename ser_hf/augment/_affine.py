"""Resampling a batch of spectrograms by an affine map per example."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F


def resample(features: torch.Tensor, theta: np.ndarray, padding: str) -> torch.Tensor:
    """Reads every example at the places its map points to, bilinearly.

    Half precisions are computed in float32: their places would be off by whole frames.

    Args:
        features: ``(B, n_mels, n_frames)``.
        theta: ``(B, 2, 3)``: place in the result -> place in the example, as ``(time, mel)`` from -1 to 1.
        padding: what lies beyond the edges: ``"border"`` or ``"reflection"``.
    """
    exact = features.dtype in (torch.float32, torch.float64)
    maps = (features if exact else features.float()).unsqueeze(1)
    grid = F.affine_grid(torch.from_numpy(theta).to(maps), list(maps.shape), align_corners=False)
    found = F.grid_sample(maps, grid, mode="bilinear", padding_mode=padding, align_corners=False)
    return found.squeeze(1).to(features.dtype)
