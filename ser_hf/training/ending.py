"""A training that is asked to end saves a checkpoint first."""

from __future__ import annotations

from typing import Any

import torch
from torch import distributed
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ser_hf.base.ending import Asked, Ended


class Ending(TrainerCallback):
    """Saves a checkpoint after the step in which a signal came, and then ends the training by `Ended`.

    A signal that comes while the validation is scored waits for the checkpoint after it. Several processes, of which
    the signal may reach one earlier than another, agree on the step.

    Attributes:
        asked: what was asked; nothing where signals are not noted.
    """

    def __init__(self) -> None:
        self.asked = Asked()
        self._group: Any = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Opens a way for processes to agree that does not wait for a GPU."""
        self._group = distributed.new_group(backend="gloo") if args.world_size > 1 else None

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Asks for a checkpoint."""
        if self._agreed():
            control.should_save = True

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Ends, now that the checkpoint is there.

        Raises:
            Ended: it was asked for.
        """
        if self._agreed():
            raise Ended(self.asked.number)

    def _agreed(self) -> bool:
        if self._group is not None:
            number = torch.tensor(self.asked.number)
            distributed.all_reduce(number, distributed.ReduceOp.MAX, group=self._group)
            self.asked.number = int(number)
        return bool(self.asked.number)
