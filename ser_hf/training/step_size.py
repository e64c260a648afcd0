"""The clips of a step, which a resumed run keeps on any number of processes."""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path

from .training_arguments import SerTrainingArguments

LOSS = "loss_so_far.json"
"""Beside a checkpoint: the loss since the last entry of the log, and the clips of a step."""
CLIPS = "clips_per_step"

logger = logging.getLogger(__name__)


def clips_per_step(args: SerTrainingArguments) -> int:
    """The clips by which the weights move once, of all processes and accumulated batches."""
    together = args.clips_together or args.train_batch_size * args.world_size
    return int(together * args.gradient_accumulation_steps)


def began_with(checkpoint: str | Path) -> int:
    """The clips of a step of the run that wrote a checkpoint; 0 where it does not say."""
    path = Path(checkpoint) / LOSS
    return int(json.loads(path.read_text(encoding="utf-8")).get(CLIPS, 0)) if path.is_file() else 0


def keep_step(args: SerTrainingArguments) -> None:
    """Makes steps of ``args.resumed_step`` clips, none for as many as the arguments say.

    A process takes no more at once than ``per_device_train_batch_size``; what is left over is accumulated. Steps are
    then what they were, so that the run goes on after the same clips, whichever processes had them.
    """
    clips = args.resumed_step
    if clips in (0, clips_per_step(args)):
        return
    most, processes, devices = args.train_batch_size, args.world_size, max(1, args.n_gpu)
    whole = [n for n in range(1, clips + 1) if clips % n == 0]
    often = next((n for n in whole if clips <= n * processes * most and clips // n % devices == 0), clips)
    args.gradient_accumulation_steps, args.clips_together = often, clips // often
    args.per_device_train_batch_size = math.ceil(args.clips_together / processes / devices)
    if args.process_index == 0:
        logger.warning(
            "going on with %d clips a step, as the run began: %d %s, %d at most at once, %d times a step",
            *(clips, processes, "process" if processes == 1 else "processes"),
            *(args.per_device_train_batch_size, often),
        )
