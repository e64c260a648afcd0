"""The command line: ``ser-hf COMMAND``."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from ser_hf import __version__
from ser_hf.base.disk import told
from ser_hf.base.ending import Ended, advice_of, ending
from ser_hf.base.errors import SerHfError
from ser_hf.base.memory import out_of_memory
from ser_hf.base.peers import ENDED_BY_ANOTHER, LAUNCHED, is_main, peer_gone, speaks_first
from ser_hf.base.plain import PlainFormatter, one_line, plain
from ser_hf.base.steps import steps

from ._command import Command, add_common_arguments, complain
from .audit import AuditCommand
from .bench import BenchCommand
from .build import BuildCommand
from .demo import DemoCommand
from .download import DownloadCommand
from .embed import EmbedCommand
from .ensemble import EnsembleCommand
from .evaluate import EvaluateCommand
from .export import ExportCommand
from .launch import LaunchCommand
from .listen import ListenCommand
from .listing import ListCommand
from .predict import PredictCommand
from .push import PushCommand
from .quickstart import QuickstartCommand
from .segment import SegmentCommand
from .serve import ServeCommand
from .study import ScoreCommand, StudyCommand
from .train import TrainCommand

COMMANDS: tuple[Command, ...] = (
    QuickstartCommand(),
    ListCommand(),
    DownloadCommand(),
    BuildCommand(),
    AuditCommand(),
    TrainCommand(),
    ScoreCommand(),
    StudyCommand(),
    LaunchCommand(),
    EvaluateCommand(),
    EmbedCommand(),
    EnsembleCommand(),
    PredictCommand(),
    SegmentCommand(),
    ListenCommand(),
    ServeCommand(),
    DemoCommand(),
    ExportCommand(),
    PushCommand(),
    BenchCommand(),
)
_NO_BARS = dict.fromkeys(("HF_DATASETS_DISABLE_PROGRESS_BARS", "HF_HUB_DISABLE_PROGRESS_BARS"), "1")
_NO_MEMORY = "there is not enough memory; end other programs, or give smaller batches and fewer worker processes"
USER_ERROR = 2
_PEER_GONE = (
    "another process of this run has ended, and so does this one; training goes on from its last checkpoint with "
    "--resume_from_checkpoint last"
)
NOBODY_LISTENS = 141
"""What a shell tells of other tools that a closed pipe ended."""


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(prog="ser-hf", description="Speech emotion recognition, from corpora to the Hub.")
    parser.add_argument("--version", action="version", version=f"ser_hf {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        own = commands.add_parser(
            command.name,
            help=command.help,
            description=command.help,
            epilog=command.epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.add_arguments(own)
        add_common_arguments(own)
        own.set_defaults(command=command)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; what the user can mend is one line on standard error and exit code 2."""
    parser = make_parser()
    args, rest = parser.parse_known_args(argv)
    command: Command = args.command
    if rest and not command.takes_overrides:
        parser.error(f"not understood: {one_line(' '.join(rest))}; see ser-hf {command.name} --help")
    teller = logging.StreamHandler(sys.stderr)
    teller.setFormatter(PlainFormatter("%(message)s"))
    logging.basicConfig(handlers=[teller])
    logging.disable(logging.WARNING if args.quiet or not is_main() else logging.NOTSET)
    if args.quiet or not command.shows_bars:
        os.environ |= _NO_BARS  # read when the libraries are imported, which is below
    if is_main():
        steps.setLevel(logging.INFO)
    try:
        with ending():
            code = command.run(args, rest)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # as in `ser-hf list corpora | head -1`: nobody listens any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the exit of Python would complain
        return NOBODY_LISTENS
    except SerHfError as error:
        _fail(command, str(error))
        return USER_ERROR
    except (OSError, MemoryError, RuntimeError) as error:
        if peer_gone(error):
            if LAUNCHED not in os.environ:  # else the launcher, which knows more, says it
                _fail(command, _PEER_GONE)
            return ENDED_BY_ANOTHER
        if not isinstance(error, OSError) and not out_of_memory(error):
            raise
        _fail(command, told(error) if isinstance(error, OSError) else _NO_MEMORY)
        return USER_ERROR
    except Ended as ended:
        _end(command, f"ended by {ended.signal.name}", ended.advice)
        return 128 + ended.signal
    except KeyboardInterrupt as interrupt:
        _end(command, "interrupted", advice_of(interrupt))
        return 130


def _end(command: Command, how: str, advice: str) -> None:
    """Says how the command was ended and is gone on with; of several processes the main one does."""
    complain(f"ser-hf {command.name}: {how}; {advice or command.goes_on}")
    if is_main():
        speaks_first()  # so that the launcher need not


def _fail(command: Command, text: str) -> None:
    """Says why the command ends; of several processes, all of which may fail, the first one does."""
    if speaks_first():
        sys.stderr.write(plain(f"ser-hf {command.name}: {text}") + "\n")
