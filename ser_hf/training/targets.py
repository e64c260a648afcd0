"""Ratings on a scale as targets beside the classes: which, on what scale, and with what share of the loss."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np

from ser_hf.base.errors import RecipeError, unknown
from ser_hf.finetuning import TRANSFORMER
from ser_hf.records import AROUSAL, DOMINANCE, VALENCE

from .recipe import Recipe

DIMENSIONS = (VALENCE, AROUSAL, DOMINANCE)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Targets:
    """The dimensions a model rates, with the mean and deviation that the training split has of each."""

    names: tuple[str, ...]
    means: tuple[float, ...]
    stds: tuple[float, ...]

    @classmethod
    def of(cls, names: list[str], train: Any = None) -> Targets:
        """Measures them on the training split; without one the scale is 0 and 1.

        Raises:
            RecipeError: no training clip has a rating of a target.
        """
        if train is None:
            return cls(tuple(names), (0.0,) * len(names), (1.0,) * len(names))
        found = [ratings(train, [name])[:, 0] for name in names]
        for name, values in zip(names, found, strict=True):
            rated = int(np.isfinite(values).sum())
            if not rated:
                raise RecipeError(f"targets: no training clip has a rating of {name}; leave it out")
            if rated < len(values):
                logger.warning(
                    "targets: %d of %d training clips have no rating of %s; they count for the classes alone",
                    *(len(values) - rated, len(values), name),
                )
        stds = [float(np.nanstd(values)) or 1.0 for values in found]
        return cls(tuple(names), tuple(float(np.nanmean(values)) for values in found), tuple(stds))

    def settings(self, weight: float) -> dict[str, Any]:
        """As settings of a model's configuration."""
        if not self.names:
            return {}
        return {
            "targets": [*self.names],
            "target_mean": [*self.means],
            "target_std": [*self.stds],
            "target_weight": weight,
        }


def ratings(rows: Any, names: list[str]) -> np.ndarray:
    """The ratings ``(N, T)`` of rows, NaN where nobody rated."""
    columns = [[np.nan if value is None else value for value in rows[name][:]] for name in names]
    return np.asarray(columns, np.float64).reshape(len(names), len(rows)).T


def check_targets(recipe: Recipe) -> None:
    """Refuses targets that nobody rates, that a model cannot have, and a weight out of place.

    Raises:
        RecipeError: with the key.
    """
    names, weight = recipe.loss.targets, recipe.loss.target_weight
    for name in names:
        if name not in DIMENSIONS:
            raise RecipeError(f"targets: {unknown('dimension', name, DIMENSIONS)}")
    if len(set(names)) < len(names):
        raise RecipeError(f"targets: {', '.join(names)}: one is named twice")
    if names and recipe.model.model == TRANSFORMER:
        raise RecipeError("targets: model 'transformer' has no head for ratings; take one of ser_hf's own networks")
    if "target_weight" in recipe.given and not names:
        raise RecipeError("target_weight is of the targets, and there are none; add `targets: [arousal, valence]`")
    if not 0 < weight <= 1:
        raise RecipeError(f"target_weight is {weight}; expected more than 0, up to 1 (the ratings alone)")
