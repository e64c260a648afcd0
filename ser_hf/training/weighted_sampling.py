"""A trainer that draws its training clips by weight, in one process or several."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from .ser_trainer import SerTrainer


class EpochWeightedSampler(torch.utils.data.WeightedRandomSampler):
    """Draws clips with replacement, in proportion to their weights.

    The draw of an epoch depends on the seed and the epoch alone: processes agree on it and take turns with its batches,
    and a resumed run goes on with the same clips.

    Args:
        weights: of the clips, ``(n,)``; an epoch draws ``n`` clips.
        seed: the same in every process.
    """

    def __init__(self, weights: np.ndarray, seed: int) -> None:
        super().__init__(weights.tolist(), len(weights), generator=torch.Generator())
        self.seed, self.epoch = seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Told by the trainer before every epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        self.generator.manual_seed(self.seed + self.epoch)
        return super().__iter__()


class WeightedTrainer(SerTrainer):
    """A trainer that draws its training clips by weight.

    Args:
        sample_weights: of the training clips, ``(n,)``.
        given: everything else goes to `transformers.Trainer`.
    """

    def __init__(self, *, sample_weights: np.ndarray, **given: Any) -> None:
        super().__init__(**given)
        self.sample_weights = sample_weights

    def _get_train_sampler(self, train_dataset: Any = None) -> EpochWeightedSampler:
        seed = self.args.seed if self.args.data_seed is None else self.args.data_seed
        return EpochWeightedSampler(self.sample_weights, seed)
