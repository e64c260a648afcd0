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
from .sharing import WEIGHT
from .soft_labels import check_smoothing, smoothed, soft_labels, weighted

_BELOW_ONE = ("time_stretch", "frequency_stretch")
_MOST = {"rotation": 180, "erasing": 1}
_ONE_BY_ONE = (
    *("time_stretch", "frequency_stretch", "time_shift", "rotation", "zoom", "brightness", "spectrogram_noise"),
    *("frequency_masks", "time_masks", "erasing"),
)
"""What is drawn for a clip alone."""


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
        seed: the same in every process. What chance decides for a clip follows from it, the epoch and the clip's row,
            whichever process or worker makes the batch, in a resumed run as in an unbroken one; the partners of mixup
            and CutMix are of the batch, and follow from its rows.
        repeats: whether a clip may come more than once an epoch; it is then another one every time, and what chance
            decides for it follows from the rows of its batch.
    """

    num_classes: int
    augment: AugmentArguments = field(default_factory=AugmentArguments)
    label_smoothing: float = 0.0
    class_weights: np.ndarray | None = None
    seed: int = 0
    repeats: bool = False

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
        are mixed as the labels are; a clip mixed with one that nobody rated has none. With class weights there is also
        what the batch weighs, which `SerTrainer` takes off.
        """
        features = torch.from_numpy(np.stack([row[INPUT_FEATURES] for row in rows]))
        labels = torch.tensor([row["labels"] for row in rows])
        targets = torch.tensor([row.get("targets", ()) for row in rows])
        batch = {INPUT_FEATURES: features, "labels": labels, **({"targets": targets} if targets.shape[1] else {})}
        if rows[0]["training"]:
            batch |= self._augmented(features, self._soft(labels, rows), targets, rows)
        return batch

    def _soft(self, ids: torch.Tensor, rows: list[dict[str, Any]]) -> torch.Tensor:
        labels = soft_labels(ids, self.num_classes)
        for label, row in zip(labels, rows, strict=True):
            if row.get(LABEL_DISTRIBUTION) is not None:
                label[:] = torch.as_tensor(row[LABEL_DISTRIBUTION])
        return labels

    def _augmented(
        self, features: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor, rows: list[dict[str, Any]]
    ) -> dict[str, torch.Tensor]:
        both = torch.cat([smoothed(labels, self.label_smoothing), targets.to(labels.dtype)], dim=1)
        whole = self._rng(*rows)
        if any(getattr(self.augment, name) for name in _ONE_BY_ONE):
            own = [whole] * len(rows) if self.repeats else [self._rng(row) for row in rows]
            features = torch.cat([self._changed(x[None], rng) for x, rng in zip(features, own, strict=True)])
        features, both = self._mixed(features, both, whole)
        batch = {INPUT_FEATURES: features, "labels": both[:, : self.num_classes]}
        if targets.shape[1]:
            batch["targets"] = both[:, self.num_classes :]
        if self.class_weights is not None:
            weights = torch.from_numpy(self.class_weights).to(both.dtype)
            batch["labels"], batch[WEIGHT] = weighted(batch["labels"], weights)
        return batch

    def _rng(self, *rows: dict[str, Any]) -> np.random.Generator:
        """Of one row, or of a batch of them; rows without numbers are drawn for as they come."""
        if "row" not in rows[0]:
            return self.rng
        return np.random.default_rng([self.seed, int(self._epoch), *(row["row"] for row in rows)])

    def _changed(self, features: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        return self._masked(self._moved(features, rng), rng)

    def _moved(self, features: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        strength = self.augment
        if strength.time_stretch or strength.frequency_stretch:
            features = stretch(features, strength.time_stretch, strength.frequency_stretch, rng)
        if strength.time_shift:
            features = shift(features, strength.time_shift, rng)
        if strength.rotation:
            features = rotate(features, strength.rotation, rng)
        return zoom(features, strength.zoom, rng) if strength.zoom else features

    def _masked(self, features: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        strength = self.augment
        if strength.brightness:
            features = brighten(features, strength.brightness, rng)
        if strength.spectrogram_noise:
            features = spectrogram_noise(features, strength.spectrogram_noise, rng)
        if strength.frequency_masks:
            features = mask(features, 1, strength.frequency_masks, strength.frequency_mask_width, rng)
        if strength.time_masks:
            features = mask(features, 2, strength.time_masks, strength.time_mask_width, rng)
        return erase(features, strength.erasing, rng) if strength.erasing else features

    def _mixed(
        self, features: torch.Tensor, labels: torch.Tensor, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        blend, paste = self.augment.mixup_alpha, self.augment.cutmix_alpha
        if blend and paste:
            blend, paste = (blend, 0.0) if rng.random() < 0.5 else (0.0, paste)
        if blend:
            return mixup(features, labels, blend, rng)
        return cutmix(features, labels, paste, rng) if paste else (features, labels)
