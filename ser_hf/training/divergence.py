"""A training whose loss is no number any more is stopped where that is seen, with what is left of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ser_hf.base.errors import DivergedError

from .whole_checkpoints import numbered


class Divergence:
    """Looks at every loss, and at the weights before they are written.

    One loss that is NaN or infinite is enough: its gradients make all weights so, and no later step mends them. That
    float16's loss scale was too large shows in its gradients alone, of which the scaler leaves the step out.

    Args:
        trainer: whose state, learning rate and folder messages tell of.
    """

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer
        self._last: tuple[float, int] | None = None

    def see_loss(self, loss: torch.Tensor, share: float) -> None:
        """Notes the loss of a batch.

        Args:
            loss: one number; under several processes, all of which must ask, one of each.
            share: of the batch in its step, by which the loss was multiplied.

        Raises:
            DivergedError: it is NaN or infinite.
        """
        value = self._of_all(loss.detach().float().reshape(1)) / share
        step = self.trainer.state.global_step + 1
        if not math.isfinite(value):
            raise self.error(f"the loss of step {step} is {value:g}")
        self._last = value, step

    def see_weights(self, model: nn.Module) -> None:
        """Looks at weights, and at what normalisation layers have counted.

        Raises:
            DivergedError: one is NaN or infinite.
        """
        named = [*model.named_parameters(), *model.named_buffers()]
        broken = [name for name, tensor in named if tensor.is_floating_point() and not torch.isfinite(tensor).all()]
        found = torch.tensor([math.nan if broken else 0.0], device=self.trainer.args.device)
        if not math.isfinite(self._of_all(found)):
            which = f", e.g. {broken[0]}" if broken else ""
            raise self.error(f"weights are NaN or infinite after step {self.trainer.state.global_step}{which}")

    def error(self, what: str) -> DivergedError:
        """In one line what happened, and what is left."""
        args, state = self.trainer.args, self.trainer.state
        last = "there was no finite loss before"
        if self._last is not None:
            last = f"the last finite loss was {self._last[0]:.4g} at step {self._last[1]}"
        rates = self.trainer.lr_scheduler.get_last_lr() if self.trainer.lr_scheduler is not None else []
        rate = f" at a learning rate of {max(rates):.3g}" if rates else ""
        precision = "in fp16" if args.fp16 else "in bf16" if args.bf16 else "in float32"
        milder = "lower --learning_rate" + (", or use --precision fp32" if args.fp16 or args.bf16 else "")
        return DivergedError(
            f"training diverged in epoch {max(1, math.ceil(state.epoch or 0))}, {precision}{rate}: {what}; {last}. "
            f"{self._kept(Path(args.output_dir))}; start again with --overwrite true and a {milder}"
        )

    def _kept(self, folder: Path) -> str:
        best = self.trainer.state.best_model_checkpoint
        if best and Path(best).is_dir():
            return f"Kept is {best}, the best so far"
        written = numbered(folder)
        return f"Kept is {written[-1]}, the last before" if written else "No checkpoint was written before"

    def _of_all(self, value: torch.Tensor) -> float:
        """The mean over processes, which is no number where one has none: all stop together."""
        if self.trainer.args.world_size > 1:
            value = self.trainer.accelerator.gather(value)
        return float(value.mean())
