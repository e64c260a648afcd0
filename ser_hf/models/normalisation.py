"""Normalisations of features, each clip by itself or by what a training set says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

NORMALISATIONS = ("scaled", "none", "clip", "statistics")
_FLAT = 1e-8


def normalise_clips(features: torch.Tensor) -> torch.Tensor:
    """Gives every clip of ``(B, n, n_frames)`` mean 0 and deviation 1, in place; what never varies becomes zeros."""
    features.sub_(features[:, :1, :1].clone())  # what is the same everywhere becomes zero exactly
    std, mean = torch.std_mean(features, dim=(1, 2), correction=0, keepdim=True)
    return features.sub_(mean).div_(std.clamp_min(_FLAT))


def normalise_rows(features: torch.Tensor, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """Takes ``mean`` off the rows of ``(B, n, n_frames)`` and divides them by ``std``, in place."""
    return features.sub_(features.new_tensor(mean)[:, None]).div_(features.new_tensor(std)[:, None])


def check_statistics(normalisation: str, mean: Sequence[float] | None, std: Sequence[float] | None, rows: int) -> None:
    """Refuses what `normalise_rows` cannot use for that many rows, and numbers for another normalisation.

    Raises:
        ValueError: numbers are missing, not finite, no deviations, or not asked for.
    """
    if normalisation != "statistics":
        if mean is not None or std is not None:
            raise ValueError(f"mean and std are for normalisation 'statistics', not {normalisation!r}")
        return
    for name, values in (("mean", mean), ("std", std)):
        if values is None or len(values) != rows:
            raise ValueError(
                f"normalisation 'statistics' needs {rows} numbers in {name}, one for every row of the features, found "
                f"{'none' if values is None else len(values)}; compute them over the training set"
            )
        if not np.isfinite(values).all() or (name == "std" and min(values) <= 0):
            raise ValueError(
                f"feature setting {name} holds {min(values)} to {max(values)}; expected finite numbers"
                f"{' above 0' if name == 'std' else ''}"
            )
