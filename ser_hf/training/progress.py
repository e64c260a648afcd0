"""What a person sees of a training: one line on a terminal, a table with a row per scoring elsewhere."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
from typing import Any

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

_HEAD = ("epoch", "loss", "val. loss", "val. UAR", "accuracy", "rate", "time")
_WIDTH = 9
_LINE = "{desc} |{bar:20}| {percentage:3.0f} %, {remaining} left"


class Progress(TrainerCallback):
    """One progress line with epoch, loss, validation UAR and the time left, or a table where nobody watches.

    It writes to standard error, in the main process alone.

    Args:
        rated: whether dimensions are rated as well, whose CCC has a column.
    """

    def __init__(self, rated: bool = False) -> None:
        self.rated = rated
        self._bar: Any = None
        self._open = contextlib.ExitStack()
        self._told: dict[str, float] = {}
        self._start = 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Opens the line, or writes the table's head."""
        self._start, self._told = time.monotonic(), {}
        if not state.is_world_process_zero:
            return
        if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            steps = {"total": state.max_steps, "initial": state.global_step}
            bar = tqdm(**steps, bar_format=_LINE, dynamic_ncols=True, file=sys.stderr, leave=False)
            self._bar = self._open.enter_context(bar)
            self._open.enter_context(logging_redirect_tqdm())
            self._describe(state)
        else:
            _write([*_HEAD[:5], *(["val. CCC"] if self.rated else []), *_HEAD[5:]])

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Moves the line on."""
        if self._bar is not None:
            self._bar.update(state.global_step - self._bar.n)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Notes what the trainer tells; a row is due when the validation was scored, or where it never is."""
        logs = logs or {}
        self._told |= logs
        if "train_runtime" in logs or not state.is_world_process_zero:
            return
        if self._bar is not None:
            self._describe(state)
        elif "eval_loss" in logs or str(getattr(args.eval_strategy, "value", args.eval_strategy)) == "no":
            _write(self._row(state))
            self._told = {}

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Leaves a clean line."""
        self._open.close()
        self._bar = None

    def _describe(self, state: TrainerState) -> None:
        parts = [f"epoch {min(int(state.epoch or 0) + 1, state.num_train_epochs)}/{state.num_train_epochs}"]
        if "loss" in self._told:
            parts.append(f"loss {self._told['loss']:.3f}")
        if "eval_uar" in self._told:
            parts.append(f"validation UAR {100 * self._told['eval_uar']:.1f} %")
        self._bar.set_description_str(", ".join(parts))

    def _row(self, state: TrainerState) -> list[str]:
        seconds = time.monotonic() - self._start
        told = [self._told.get(key, math.nan) for key in ("loss", "eval_loss", "eval_uar", "eval_accuracy")]
        told += [self._told.get("eval_ccc", math.nan)] if self.rated else []
        shown = [f"{value:.3f}" for value in told[:2]] + [f"{100 * value:.1f} %" for value in told[2:4]]
        shown += [f"{value:.3f}" for value in told[4:]]
        known = ["-" if math.isnan(value) else text for value, text in zip(told, shown, strict=True)]
        rate = f"{self._told['learning_rate']:.2g}" if "learning_rate" in self._told else "-"
        return [f"{state.epoch or 0:.4g}", *known, rate, f"{seconds:.0f} s"]


def _write(cells: Any) -> None:
    sys.stderr.write("  ".join(f"{cell:>{_WIDTH}}" for cell in cells) + "\n")
    sys.stderr.flush()
