"""``ser-hf launch``: another command in several processes, by ``accelerate launch``."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from ser_hf.base.errors import SerHfError, unknown
from ser_hf.base.peers import ENDED_BY_ANOTHER, LAUNCHED

from ._command import Command, complain

_STARTED = ("train", "evaluate", "predict", "ensemble")
_HARDWARE = Path(__file__).parents[1] / "recipes" / "accelerate"


class LaunchCommand(Command):
    """Starts a command in several processes; where one ends, ends the others and says which and how in one line."""

    name = "launch"
    help = "run a command in several processes, on processors, GPUs or machines"
    takes_overrides = True
    epilog = (
        "Words for `accelerate launch`, then a command as ever:\n"
        "ser-hf launch --config_file cpu --num_processes 2 train RECIPE --output_dir DIR\n"
        "--config_file is a file of accelerate's, or one of recipes/accelerate by its name."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """None of its own: what comes before the command is accelerate's, the rest the command's."""

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Starts the processes and waits for them."""
        from accelerate.commands.launch import launch_command, launch_command_parser
        from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

        words = list(overrides)
        start = next((i for i, word in enumerate(words) if word in _STARTED), None)
        if start is None:
            raise SerHfError(f"no command to launch; expected one of {', '.join(_STARTED)}, e.g. train RECIPE")
        own = [*(["--json"] if args.json else []), *(["--quiet"] if args.quiet else [])]
        parsed = launch_command_parser().parse_args([*_named(words[:start]), "-m", "ser_hf.cli", *words[start:], *own])
        logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
        with tempfile.TemporaryDirectory(prefix="ser_hf-") as folder:
            os.environ[LAUNCHED] = str(Path(folder, "spoken"))
            try:
                launch_command(parsed)
            except ChildFailedError as error:
                return _told(error.failures, spoken=Path(folder, "spoken").exists())
            except (ValueError, OSError, ImportError) as error:
                raise SerHfError(f"accelerate cannot start: {error}") from error
            finally:
                os.environ.pop(LAUNCHED)
        return 0


def _named(words: list[str]) -> list[str]:
    """The words for accelerate, with the file of a configuration that was named."""
    known = sorted(path.stem for path in _HARDWARE.glob("*.yaml"))
    for i, (option, value) in enumerate(pairwise(words)):
        if option == "--config_file" and not Path(value).is_file():
            if value not in known:
                raise SerHfError(f"{unknown('--config_file', value, known)} A file of accelerate's does, too")
            return [*words[: i + 1], str(_HARDWARE / f"{value}.yaml"), *words[i + 2 :]]
    return words


def _told(failures: dict[int, Any], *, spoken: bool) -> int:
    """Says which process ended first, where it could not say so itself; gives its exit code."""
    after = (-signal.SIGTERM, ENDED_BY_ANOTHER)
    ended = {rank: failure for rank, failure in failures.items() if failure.exitcode not in after} or failures
    rank, failure = min(ended.items(), key=lambda one: (one[1].exitcode > 0, one[1].timestamp))
    code = int(failure.exitcode)
    if code < 0:
        how = f"was killed by {signal.Signals(-code).name}"
        how += " (for want of memory, perhaps)" if -code == signal.SIGKILL else ""
        complain(
            f"ser-hf launch: process {rank} {how}, and the others were ended; training goes on from its last "
            "checkpoint with --resume_from_checkpoint last"
        )
        return 128 - code
    if not spoken:
        complain(f"ser-hf launch: process {rank} ended with code {code}, and the others were ended")
    return code
