"""What a command is, and how commands talk."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ser_hf.base.peers import is_main
from ser_hf.base.plain import plain, plain_json
from ser_hf.training.arguments import DataArguments

if TYPE_CHECKING:
    from ser_hf.corpora import Reading

_SPLIT = (
    *("fold", "folds", "test_size", "validation_size", "test_speakers", "train_corpora", "test_corpora"),
    *("test_partition", "split_file", "drop_unlisted"),
)
_KINDS: dict[str, dict[str, Any]] = {
    "int": {"type": int},
    "float": {"type": float},
    "bool": {"action": "store_true"},
    "list[str]": {"nargs": "+"},
}


class Command(ABC):
    """One sub-command. Heavy imports belong inside `run`, so that help is quick."""

    name: ClassVar[str]
    help: ClassVar[str]
    epilog: ClassVar[str] = ""
    goes_on: ClassVar[str] = "the same command begins anew"
    """What is said where a signal ended it."""
    shows_bars: ClassVar[bool] = False
    """Whether the bars of the libraries are shown, which come one after the other where files are fetched."""
    takes_overrides: ClassVar[bool] = False
    """Whether words argparse does not know are handed to `run` as recipe overrides."""

    @abstractmethod
    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declares the arguments."""

    @abstractmethod
    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Does the work and returns the exit code."""


def add_deterministic_argument(parser: argparse.ArgumentParser) -> None:
    """What `held` is told by."""
    parser.add_argument(
        "--deterministic",
        action="store_true",
        help="kernels that give the same bits every time, on the same machine with as many threads",
    )


def held(args: argparse.Namespace, instead: str = "take the CPU (--device cpu)") -> AbstractContextManager[None]:
    """Kernels of PyTorch that give the same bits every time, where ``--deterministic`` asks for them.

    Args:
        args: of the command.
        instead: see `ser_hf.training.deterministic`.
    """
    if not args.deterministic:
        return nullcontext()
    from ser_hf.training import deterministic

    return deterministic(instead=instead)


def say(text: str = "") -> None:
    """Writes a line to standard output; under several processes the main one speaks."""
    if is_main():
        sys.stdout.write(plain(text) + "\n")
        sys.stdout.flush()


def answer(args: argparse.Namespace, words: str, **found: Any) -> None:
    """Prints a result: in words, or with ``--json`` what was found as one line of JSON."""
    say(plain_json(found, default=str) if args.json else words)


def scores(results: Mapping[str, Any], folder: str | Path) -> dict[str, Any]:
    """What ``--json`` tells of a run that was scored: its folder, and what results.json says of the test."""
    return {"run": str(folder), "protocol": results["split"]["protocol"], "test": results["test"]}


def complain(text: str) -> None:
    """Writes a line to standard error; under several processes the main one speaks."""
    if is_main():
        sys.stderr.write(plain(text) + "\n")


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """What every command takes."""
    common = parser.add_argument_group("what is printed")
    common.add_argument("--json", action="store_true", help="the result as JSON instead of words")
    common.add_argument("--quiet", action="store_true", help="the result and errors, and nothing on the way to it")


def known_fields() -> dict[str, dataclasses.Field[Any]]:
    """The data fields of a recipe by name: commands that share one have its words and default."""
    return {field.name: field for field in dataclasses.fields(DataArguments)}


def add_data_arguments(parser: argparse.ArgumentParser, *, corpora: bool = True, required: bool = True) -> None:
    """The arguments by which commands find recordings, with or without those that choose among them."""
    if corpora:
        parser.add_argument(
            "--corpora",
            nargs="+",
            metavar="NAME",
            required=required,
            help="see `ser-hf list corpora`; all: every one with a folder",
        )
    parser.add_argument("--data_root", metavar="DIR", help="folder that holds one folder per corpus")
    parser.add_argument(
        "--data_dirs", nargs="+", default=[], metavar="NAME=DIR", help=known_fields()["data_dirs"].metadata["help"]
    )
    own = parser.add_argument_group("data of your own, in tables, folders and datasets")
    own.add_argument(
        "--dataset", metavar="X", help="USER/NAME or USER/NAME:CONFIG of the Hub, or a folder or table here"
    )
    own.add_argument("--labels", nargs="+", default=[], metavar="X", help=known_fields()["labels"].metadata["help"])
    for name in ("audio_column", "label_column", "speaker_column", "split_column"):
        own.add_argument(f"--{name}", metavar="X", help=known_fields()[name].metadata["help"])
    parser.add_argument(
        "--skip_bad", action="store_true", help="leave out clips that cannot be used, and list them in the ledger"
    )
    longest = known_fields()["max_duration"]
    parser.add_argument(
        "--max_duration", type=float, default=longest.default, metavar="S", help=longest.metadata["help"]
    )
    parser.add_argument(
        "--num_proc", type=int, metavar="N", help="worker processes (auto: for features as many as pay, else one)"
    )


def settle_own(args: argparse.Namespace) -> Reading:
    """Puts what ``--dataset`` and names of one's own in ``--data_dirs`` say into ``corpora`` and ``data_dirs``.

    Returns:
        How such data are read.

    Raises:
        SerHfError: there is no such dataset, or a word of ``labels`` is no ``label=word``.
    """
    from ser_hf.training import own_words, reading_of

    words = [*(["--dataset", args.dataset] if args.dataset else []), "--data_dirs", *args.data_dirs]
    words += ["--corpora", *args.corpora] if args.corpora else []
    found: dict[str, list[str]] = {}
    for word in own_words(words):
        found = {**found, word[2:]: []} if word.startswith("--") else found
        if not word.startswith("--"):
            found[[*found][-1]].append(word)
    args.data_dirs, args.corpora = found.get("data_dirs", []), found.get("corpora") or args.corpora
    return reading_of(args)


def add_split_arguments(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """The options of the protocols, with the names, defaults and words they have in a recipe."""
    known = known_fields()
    for name in _SPLIT:
        field = known[name]
        kind = DataArguments.__annotations__[name].removesuffix(" | None")  # Field.type is changed by other parsers
        default = [] if field.default is dataclasses.MISSING else field.default
        shown = f" (default {default})" if default not in (None, False, []) else ""
        words = f"{field.metadata['help']}{shown}".replace("%", "%%")
        parser.add_argument(f"--{name}", default=default, help=words, **_KINDS.get(kind, {}))
