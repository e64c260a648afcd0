"""``ser-hf launch``: another command in several processes, by ``accelerate launch``."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from ser_hf.base.ending import Ended
from ser_hf.base.errors import SerHfError, unknown
from ser_hf.base.peers import ENDED_BY_ANOTHER, LAUNCHED

from ._command import Command, complain

_STARTED = ("train", "evaluate", "predict", "ensemble")
_HARDWARE = Path(__file__).parents[1] / "recipes" / "accelerate"
_PATIENCE = "TORCH_ELASTIC_SHUTDOWN_TIMEOUT"
_PATIENCE_SECONDS = 600
"""How long processes that were asked to end may take: for a step, and a checkpoint of a large model. Torch gives 30."""
_TERMINAL = 2.0
"""Seconds in which processes that a terminal interrupted as well begin to end: a second signal would break that off."""
_GOES_ON = "training goes on from its last checkpoint with --resume_from_checkpoint last"


class LaunchCommand(Command):
    """Starts a command in several processes; where one ends, ends the others and says which and how in one line."""

    name = "launch"
    help = "run a command in several processes, on processors, GPUs or machines"
    takes_overrides = True
    epilog = (
        "Words for `accelerate launch`, then a command as ever:\n"
        "ser-hf launch --config_file cpu --num_processes 2 train RECIPE --output_dir DIR\n"
        f"Commands: {', '.join(_STARTED)}.\n"
        "--config_file is a file of accelerate's, or one of recipes/accelerate by its name."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """None of its own: what comes before the command is accelerate's, the rest the command's."""

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Starts the processes and waits for them."""
        from accelerate.commands.launch import launch_command, launch_command_parser
        from torch.distributed.elastic.multiprocessing.api import SignalException as Signalled
        from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

        words = list(overrides)
        start = next((i for i, word in enumerate(words) if word in _STARTED), None)
        if start is None:
            raise SerHfError(f"no command to launch; expected one of {', '.join(_STARTED)}, e.g. train RECIPE")
        own = [*(["--json"] if args.json else []), *(["--quiet"] if args.quiet else [])]
        parser = launch_command_parser()
        parser.prog, parser.usage = "ser-hf launch", "ser-hf launch [WORDS OF ACCELERATE LAUNCH] COMMAND ..."
        parsed = parser.parse_args([*_named(words[:start]), "-m", "ser_hf.cli", *words[start:], *own])
        _hush()
        os.environ.setdefault(_PATIENCE, str(_PATIENCE_SECONDS))
        with tempfile.TemporaryDirectory(prefix="ser_hf-") as folder:
            spoken = Path(folder, "spoken")
            os.environ[LAUNCHED] = str(spoken)
            try:
                launch_command(parsed)
            except ChildFailedError as error:
                return _told(error.failures, spoken=spoken.exists())
            except subprocess.CalledProcessError as error:  # the only process
                return _of("the process", error.returncode, spoken=spoken.exists())
            except Signalled as error:  # torch has handed it on
                return _asked(signal.Signals(error.sigval), spoken=spoken.exists())
            except Ended as ended:
                _hand_on(ended.signal)
                return _asked(ended.signal, spoken=spoken.exists())
            except KeyboardInterrupt:
                _hand_on(signal.SIGINT)
                return _asked(signal.SIGINT, spoken=spoken.exists())
            except (ValueError, OSError, ImportError) as error:
                raise SerHfError(f"accelerate cannot start: {error}") from error
            finally:
                os.environ.pop(LAUNCHED)
        return 0


def _named(words: list[str]) -> list[str]:
    """The words for accelerate, with the file of a configuration that was named."""
    known = sorted(path.stem for path in _HARDWARE.glob("*.yaml"))
    found = [part for word in words for part in (word.split("=", 1) if word.startswith("--config") else [word])]
    for i, (option, value) in enumerate(pairwise(found)):
        if option.replace("-", "_") == "__config_file" and not Path(value).is_file():
            if value not in known:
                raise SerHfError(f"{unknown(option, value, known)}, or the path of a file of accelerate's")
            found[i + 1] = str(_HARDWARE / f"{value}.yaml")
    return found


def _hush() -> None:
    """Has torch's launcher not tell of signals and failures, which is done here."""
    from torch.distributed import run  # noqa: F401  its loggers get their levels when they are made

    for name in [*logging.root.manager.loggerDict]:
        if name.startswith("torch.distributed.elastic"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


def _hand_on(number: signal.Signals) -> None:
    """Ends what was started here by the same signal, and waits for it."""
    import psutil

    started = psutil.Process().children()
    _, there = psutil.wait_procs(started, timeout=_TERMINAL if number == signal.SIGINT else 0)
    for process in there:
        process.send_signal(number)
    psutil.wait_procs(there)


def _asked(number: signal.Signals, *, spoken: bool) -> int:
    """Says that a signal ended all processes, where none of them could; gives the exit code."""
    if not spoken:
        complain(f"ser-hf launch: ended by {number.name}; {_GOES_ON}")
    return 128 + number


def _told(failures: dict[int, Any], *, spoken: bool) -> int:
    """Says which process ended first, where it could not say so itself; gives its exit code."""
    after = (-signal.SIGTERM, ENDED_BY_ANOTHER)
    ended = {rank: failure for rank, failure in failures.items() if failure.exitcode not in after} or failures
    rank, failure = min(ended.items(), key=lambda one: (one[1].exitcode > 0, one[1].timestamp))
    return _of(f"process {rank}", int(failure.exitcode), ", and the others were ended", spoken=spoken)


def _of(process: str, code: int, others: str = "", *, spoken: bool) -> int:
    if code < 0:
        how = f"was killed by {signal.Signals(-code).name}"
        how += " (for want of memory, perhaps)" if -code == signal.SIGKILL else ""
        complain(f"ser-hf launch: {process} {how}{others}; {_GOES_ON}")
        return 128 - code
    if not spoken:
        complain(f"ser-hf launch: {process} ended with code {code}{others}")
    return code
