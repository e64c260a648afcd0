"""The command line: ``ser-hf COMMAND``."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from ser_hf import __version__
from ser_hf.base.disk import told
from ser_hf.base.errors import SerHfError
from ser_hf.base.plain import PlainFormatter, one_line
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
USER_ERROR = 2
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
    logging.disable(logging.WARNING if args.quiet else logging.NOTSET)
    if args.quiet or not command.shows_bars:
        os.environ |= _NO_BARS  # read when the libraries are imported, which is below
    if os.environ.get("RANK", "0") == "0":
        steps.setLevel(logging.INFO)
    try:
        code = command.run(args, rest)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # as in `ser-hf list corpora | head -1`: nobody listens any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the exit of Python would complain
        return NOBODY_LISTENS
    except SerHfError as error:
        complain(f"ser-hf {command.name}: {error}")
        return USER_ERROR
    except OSError as error:
        complain(f"ser-hf {command.name}: {told(error)}")
        return USER_ERROR
    except KeyboardInterrupt:
        complain(f"ser-hf {command.name}: interrupted")
        return 130
