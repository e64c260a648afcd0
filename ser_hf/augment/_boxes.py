"""Rectangles in spectrograms, one per example."""

from __future__ import annotations

import numpy as np
import torch


def box_mask(
    shape: torch.Size, top: np.ndarray, bottom: np.ndarray, left: np.ndarray, right: np.ndarray
) -> torch.Tensor:
    """True inside the rectangles; bool ``(B, n_mels, n_frames)``.

    Args:
        shape: ``(B, n_mels, n_frames)``.
        top: first mel bin of each, ``(B,)``.
        bottom: the mel bin after the last.
        left: first frame.
        right: the frame after the last.
    """
    mels, frames = np.arange(shape[1])[None, :, None], np.arange(shape[2])[None, None, :]
    top, bottom, left, right = (edge[:, None, None] for edge in (top, bottom, left, right))
    return torch.from_numpy((mels >= top) & (mels < bottom) & (frames >= left) & (frames < right))
