"""A trainer whose steps do not depend on how many processes or accumulated batches share their clips."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from accelerate.data_loader import BatchSamplerShard
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState

from .even_batches import EvenBatches
from .training_arguments import SerTrainingArguments

WEIGHT = "batch_weight"
"""What a collator may add to a batch: how much it weighs beside others; by default one for each clip."""
_SHARE = "share_of_step"


class SharingTrainer(Trainer):
    """A trainer whose loss is the mean over the clips of a step, whoever computes them.

    transformers averages the mean losses of batches and processes, in which clips of a small batch count for more, and
    accelerate fills the last batches up with clips that were there before. Here every clip of an epoch is trained on
    once, and counts as much as in one process with one batch; so do those of the validation in its loss. What is no
    mean over clips remains a matter of one process's batch: batch normalisation, the CCC loss of ratings, the partners
    of mixup and CutMix.

    Args:
        given: everything goes to `transformers.Trainer`.
    """

    args: SerTrainingArguments

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._deal: EvenBatches | None = None
        self.add_callback(_Sharing(self))

    def get_train_dataloader(self) -> Any:
        """The stock one; under several processes the clips of a step are dealt evenly."""
        if self.args.world_size > 1:
            torch.manual_seed(self.args.seed)  # of the order, which processes must agree on
        loader = super().get_train_dataloader()
        shard = getattr(loader, "batch_sampler", None)
        if isinstance(shard, BatchSamplerShard):
            processes = self.args.world_size
            together = self.args.clips_together or self._train_batch_size * processes
            drop_last = self.args.dataloader_drop_last
            self._deal = EvenBatches(shard.batch_sampler.sampler, together, processes, drop_last)
            shard.batch_sampler, shard.batch_size = self._deal, None
        return loader

    def set_order(self, epoch: int) -> None:
        """Settles the order of an epoch; accelerate forgets to where it skips batches, after resuming."""
        if self._deal is not None:
            self._deal.set_epoch(epoch)

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list[Any], Any]:
        """The batches of a step, each with its share of it."""
        batches, items = super().get_batch_samples(epoch_iterator, num_batches, device)
        weights = [torch.as_tensor(batch.pop(WEIGHT, len(batch["labels"])), dtype=torch.float64) for batch in batches]
        if len(batches) == 1 and self.args.world_size == 1:
            return batches, items
        weights = [weight.to(device, torch.float32) for weight in weights]  # Apple's GPUs know no float64
        last = self.accelerator.gradient_state.end_of_dataloader
        for i in range(len(batches)):
            if self._stands_in(last=last and i == len(batches) - 1):
                weights[i] = torch.zeros_like(weights[i])
        whole = self.accelerator.gather(torch.stack(weights).sum().reshape(1)).sum() if batches else None
        # gradients are averaged over processes, and the loss is divided by the batches of the step
        often = len(batches) * self.args.world_size
        for batch, weight in zip(batches, weights, strict=True):
            batch[_SHARE] = often * weight / whole
        return batches, items

    def _stands_in(self, *, last: bool) -> bool:
        return self._deal is not None and self._deal.stands_in(self.args.process_index, last=last)

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The mean loss of a batch, in training times its share of the step."""
        share = inputs.get(_SHARE)
        loss, outputs = self.mean_loss(model, {name: value for name, value in inputs.items() if name != _SHARE})
        loss = loss if share is None else loss * share
        return (loss, outputs) if return_outputs else loss

    def mean_loss(self, model: Any, inputs: dict[str, Any]) -> tuple[torch.Tensor, Any]:
        """The mean loss of a batch, and the model's outputs."""
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True)
        return loss, outputs

    def prediction_step(
        self, model: Any, inputs: dict[str, Any], prediction_loss_only: bool, ignore_keys: list[str] | None = None
    ) -> tuple[Any, Any, Any]:
        """The stock one, of clips that were not seen already: the last batches are filled up with such ones.

        What is gathered of these is dropped; their places are taken by copies of the last clip's.
        """
        size = len(next(iter(inputs.values())))
        own = self._own(size)
        found = super().prediction_step(
            model, {name: value[:own] for name, value in inputs.items()}, prediction_loss_only, ignore_keys
        )
        loss, *others = found
        return loss, *(_filled(one, size) for one in others)

    def _own(self, size: int) -> int:
        """How many clips of a batch of the validation are this process's own; one where there is none."""
        state, process = self.accelerator.gradient_state, self.args.process_index
        if self.args.world_size == 1 or not state.end_of_dataloader or state.remainder <= 0:
            return size
        own: int = max(1, min(size, state.remainder - process * size))
        return own


def _filled(found: Any, size: int) -> Any:
    """A tensor, or a tuple of them, with as many rows as ``size``."""
    if isinstance(found, tuple):
        return tuple(_filled(one, size) for one in found)
    if found is None or len(found) == size:
        return found
    return torch.cat([found, found[-1:].expand(size - len(found), *found.shape[1:])])


class _Sharing(TrainerCallback):
    """What every process must agree on, and what it must not."""

    def __init__(self, trainer: SharingTrainer) -> None:
        self.trainer = trainer

    def on_train_begin(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Dropout of its own in every process; a resumed run finds what it was in its checkpoint."""
        if args.world_size > 1:
            torch.manual_seed(args.seed + args.process_index)

    def on_epoch_begin(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Before the first batch of an epoch is asked for."""
        self.trainer.set_order(int((state.epoch or 0) + 1e-6))
