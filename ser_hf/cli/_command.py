"""What a command is, and how commands talk."""

from __future__ import annotations

import argparse
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar


class Command(ABC):
    """One sub-command. Heavy imports belong inside `run`, so that help is quick."""

    name: ClassVar[str]
    help: ClassVar[str]
    epilog: ClassVar[str] = ""
    takes_overrides: ClassVar[bool] = False
    """Whether words argparse does not know are handed to `run` as recipe overrides."""

    @abstractmethod
    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declares the arguments."""

    @abstractmethod
    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Does the work and returns the exit code."""


def say(text: str = "") -> None:
    """Writes a line to standard output; under several processes the main one speaks."""
    if os.environ.get("RANK", "0") == "0":
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def complain(text: str) -> None:
    """Writes a line to standard error; under several processes the main one speaks."""
    if os.environ.get("RANK", "0") == "0":
        sys.stderr.write(text + "\n")


def add_data_arguments(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """The arguments by which commands find recordings."""
    parser.add_argument("--corpora", nargs="+", metavar="NAME", required=required, help="see `ser-hf list corpora`")
    parser.add_argument("--data_root", metavar="DIR", help="folder that holds one folder per corpus")
    parser.add_argument(
        "--data_dirs", nargs="+", default=[], metavar="NAME=DIR", help="folders of single corpora, over --data_root"
    )
    parser.add_argument(
        "--skip_bad", action="store_true", help="leave out unreadable files, and list them in the ledger"
    )
    parser.add_argument("--num_proc", type=int, metavar="N", help="worker processes")
