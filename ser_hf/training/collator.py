"""Rows -> batches; augmentation happens here, to rows that say they are for training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from ser_hf.augment import mask, mixup, shift, stretch
from ser_hf.errors import RecipeError
from ser_hf.records import INPUT_FEATURES

from .arguments import AugmentArguments


@dataclass
class SerCollator:
    """Stacks rows; stretches, shifts, masks, mixes and smooths the labels of those for training.

    Attributes:
        num_classes: of the label scheme.
        augment: strengths.
        label_smoothing: share of every training label spread over all classes.
        seed: of its own generator; differs between processes.
    """

    num_classes: int
    augment: AugmentArguments = field(default_factory=AugmentArguments)
    label_smoothing: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value in vars(self.augment).items():
            if value < 0 or (name.endswith("_stretch") and value >= 1):
                below = " and below 1" if name.endswith("_stretch") else ""
                raise RecipeError(f"{name} is {value}; expected 0 (off) or more{below}")
        if not 0 <= self.label_smoothing < 1:
            raise RecipeError(f"label_smoothing_factor is {self.label_smoothing}; expected 0 or more and below 1")
        self.rng = np.random.default_rng(self.seed)

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Gives ``input_features (B, n_mels, n_frames)`` and ``labels``: ids ``(B,)``, soft ``(B, C)`` in training."""
        features = torch.from_numpy(np.stack([row[INPUT_FEATURES] for row in rows]))
        labels = torch.tensor([row["labels"] for row in rows])
        if rows[0]["training"]:
            features, labels = self._augmented(features, labels)
        return {INPUT_FEATURES: features, "labels": labels}

    def _augmented(self, features: torch.Tensor, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        strength = self.augment
        labels = F.one_hot(ids, self.num_classes).float()
        labels = labels * (1 - self.label_smoothing) + self.label_smoothing / self.num_classes
        if strength.time_stretch or strength.frequency_stretch:
            features = stretch(features, strength.time_stretch, strength.frequency_stretch, self.rng)
        if strength.time_shift:
            features = shift(features, strength.time_shift, self.rng)
        if strength.frequency_masks:
            features = mask(features, 1, strength.frequency_masks, strength.frequency_mask_width, self.rng)
        if strength.time_masks:
            features = mask(features, 2, strength.time_masks, strength.time_mask_width, self.rng)
        if strength.mixup_alpha:
            features, labels = mixup(features, labels, strength.mixup_alpha, self.rng)
        return features, labels
