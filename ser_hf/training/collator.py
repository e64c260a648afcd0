"""Rows -> batches; augmentation happens here, to rows that say they are for training."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from ser_hf.augment import brighten, cutmix, erase, mask, mixup, rotate, shift, spectrogram_noise, stretch, zoom
from ser_hf.base.errors import RecipeError
from ser_hf.records import INPUT_FEATURES, LABEL_DISTRIBUTION

from .arguments import AugmentArguments
from .soft_labels import check_smoothing, smoothed, soft_labels, weighted

_BELOW_ONE = ("time_stretch", "frequency_stretch")
_MOST = {"rotation": 180, "erasing": 1}


def check_strengths(augment: AugmentArguments) -> None:
    """Checks what the collator reads of the arguments: the numbers.

    Raises:
        RecipeError: one is out of its range.
    """
    for name, value in vars(augment).items():
        if isinstance(value, list):
            continue
        most = _MOST.get(name, math.inf)
        if not 0 <= value <= most or value == math.inf or (name in _BELOW_ONE and value >= 1):
            limit = " and below 1" if name in _BELOW_ONE else f", up to {most}" if name in _MOST else ""
            raise RecipeError(f"{name} is {value}; expected 0 (off) or more{limit}")


@dataclass
class SerCollator:
    """Stacks rows; augments, mixes and smooths the labels of those for training.

    The label of a row for training is the raters' distribution where it carries one, else its class alone.

    In this order, whatever is on: stretching, shift in time, rotation, zoom, brightness, noise, frequency masks, time
    masks, random erasing, then mixup or CutMix; a batch draws evenly which of the two where both are on. Masks come
    after what moves and blurs, and stay straight and sharp.

    Attributes:
        num_classes: of the label scheme.
        augment: strengths.
        label_smoothing: share of every training label spread over all classes.
        class_weights: of the classes in the training loss, ``(num_classes,)``; None weighs them all alike.
        seed: differs between processes. What chance decides for a batch follows from it, the epoch and the batch's
            rows, whichever worker makes it, in a resumed run as in an unbroken one.
    """

    num_classes: int
    augment: AugmentArguments = field(default_factory=AugmentArguments)
    label_smoothing: float = 0.0
    class_weights: np.ndarray | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        check_strengths(self.augment)
        check_smoothing(self.label_smoothing)
        # in shared memory: workers that live on from epoch to epoch have a copy of everything else
        self._epoch = torch.zeros(1, dtype=torch.int64)
        self._epoch.share_memory_()  # type: ignore[no-untyped-call]
        self.rng = np.random.default_rng(self.seed)

    def set_epoch(self, epoch: int) -> None:
        """Changes what chance decides, here and in the workers of a data loader."""
        self._epoch.fill_(epoch)

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Gives ``input_features (B, n_mels, n_frames)`` and ``labels``: ids ``(B,)``, soft ``(B, C)`` in training.

        Soft labels of a clip sum to 1, with class weights over the batch to 1 on average. Ratings, ``targets (B, T)``,
        are mixed as the labels are; a clip mixed with one that nobody rated has none.
        """
        features = torch.from_numpy(np.stack([row[INPUT_FEATURES] for row in rows]))
        labels = torch.tensor([row["labels"] for row in rows])
        targets = torch.tensor([row.get("targets", ()) for row in rows])
        if rows[0]["training"]:
            if "row" in rows[0]:
                self.rng = np.random.default_rng([self.seed, int(self._epoch), *(row["row"] for row in rows)])
            features, labels, targets = self._augmented(features, self._soft(labels, rows), targets)
        return {INPUT_FEATURES: features, "labels": labels, **({"targets": targets} if targets.shape[1] else {})}

    def _soft(self, ids: torch.Tensor, rows: list[dict[str, Any]]) -> torch.Tensor:
        labels = soft_labels(ids, self.num_classes)
        for label, row in zip(labels, rows, strict=True):
            if row.get(LABEL_DISTRIBUTION) is not None:
                label[:] = torch.as_tensor(row[LABEL_DISTRIBUTION])
        return labels

    def _augmented(
        self, features: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        both = torch.cat([smoothed(labels, self.label_smoothing), targets.to(labels.dtype)], dim=1)
        features, both = self._mixed(self._masked(self._moved(features)), both)
        labels, targets = both[:, : self.num_classes], both[:, self.num_classes :]
        if self.class_weights is not None:
            labels = weighted(labels, torch.from_numpy(self.class_weights).to(labels.dtype))
        return features, labels, targets

    def _moved(self, features: torch.Tensor) -> torch.Tensor:
        strength, rng = self.augment, self.rng
        if strength.time_stretch or strength.frequency_stretch:
            features = stretch(features, strength.time_stretch, strength.frequency_stretch, rng)
        if strength.time_shift:
            features = shift(features, strength.time_shift, rng)
        if strength.rotation:
            features = rotate(features, strength.rotation, rng)
        return zoom(features, strength.zoom, rng) if strength.zoom else features

    def _masked(self, features: torch.Tensor) -> torch.Tensor:
        strength, rng = self.augment, self.rng
        if strength.brightness:
            features = brighten(features, strength.brightness, rng)
        if strength.spectrogram_noise:
            features = spectrogram_noise(features, strength.spectrogram_noise, rng)
        if strength.frequency_masks:
            features = mask(features, 1, strength.frequency_masks, strength.frequency_mask_width, rng)
        if strength.time_masks:
            features = mask(features, 2, strength.time_masks, strength.time_mask_width, rng)
        return erase(features, strength.erasing, rng) if strength.erasing else features

    def _mixed(self, features: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        blend, paste = self.augment.mixup_alpha, self.augment.cutmix_alpha
        if blend and paste:
            blend, paste = (blend, 0.0) if self.rng.random() < 0.5 else (0.0, paste)
        if blend:
            return mixup(features, labels, blend, self.rng)
        return cutmix(features, labels, paste, self.rng) if paste else (features, labels)
