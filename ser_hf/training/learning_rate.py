"""A learning rate that falls by a share with every epoch, under any schedule of transformers."""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


class LearningRateDecay(TrainerCallback):
    """Multiplies the schedule by ``decay ** epoch``; with ``lr_scheduler_type: constant`` it is exponential decay.

    transformers has no such schedule. The bases of the schedule are set from the initial rates, which are saved with
    the optimiser, so that a resumed run has the rates it would have had.

    Args:
        decay: share of the rate that is left after an epoch.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay

    def on_epoch_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        optimizer: Any = None,
        lr_scheduler: Any = None,
        **kwargs: Any,
    ) -> None:
        """Lowers the rates of every group for the epoch, its first step included."""
        bases = getattr(lr_scheduler, "scheduler", lr_scheduler).base_lrs  # accelerate may have wrapped it
        for number, group in enumerate(optimizer.param_groups):
            base = group["initial_lr"] * self.decay ** int((state.epoch or 0) + 1e-6)
            group["lr"] *= base / bases[number]
            bases[number] = base
