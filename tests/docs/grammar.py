"""Whether a command of the documents is one: parsed by the program's own parser, with names that exist."""

import argparse
import importlib.util
import itertools
import re
import sys
import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from unittest.mock import patch

import yaml
from accelerate.commands.launch import launch_command_parser

from ser_hf.base.errors import SerHfError
from ser_hf.cli import COMMANDS, make_parser
from ser_hf.cli.launch import _STARTED, _named
from ser_hf.corpora import CORPORA
from ser_hf.labels import SCHEMES
from ser_hf.protocols import PROTOCOLS
from ser_hf.studies.shipped_studies import find_study
from ser_hf.training.keys import check_key
from ser_hf.training.shipped_recipes import find_recipe

ROOT = Path(__file__).parents[2]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
UNFINISHED = ("required", "expected", "not allowed")
"""What a parser says of a command that the prose leaves unfinished."""


class RefusedError(Exception):
    """A parser does not take the words."""


class ParsedError(Exception):
    """How a program is left as soon as its words are read."""


def fault(words: Sequence[str], *, whole: bool = True) -> str:
    """What is wrong with a command line, ``""`` if nothing is.

    Args:
        words: of the command.
        whole: False for one in the prose, which may leave out what must be there.
    """
    if "|" in words[1:] and words[0] != "ser-hf":  # a pipe: what it brings is another program's
        words = words[len(words) - [*reversed(words)].index("|") :]
    program, rest = words[0], list(words[1:])
    try:
        if program == "ser-hf":
            ser_hf(rest, whole=whole)
        elif program == "accelerate":
            accelerate(rest)
        elif program in ("python", "python3") and rest[0] == "-m":
            expect(importlib.util.find_spec(rest[1]) is not None, f"no module {rest[1]}")
        elif program in ("python", "python3"):
            script(rest[0], rest[1:])
        elif program == "hf" and (files := [i for i, word in enumerate(rest) if word.endswith(".py")]):
            script(rest[files[0]], rest[files[0] + 1 :])
        elif program == "make":
            targets = {word for word in rest if "=" not in word}
            expect(targets <= TARGETS, f"no target {sorted(targets - TARGETS)} in the Makefile")
        elif program == "pip":
            extras = set(re.findall(r"[\w]+(?=[],])", " ".join(rest)))
            expect(extras <= {*EXTRAS}, f"no extra {sorted(extras - {*EXTRAS})} in pyproject.toml")
    except (RefusedError, SerHfError) as error:
        return str(error)
    return ""


def expect(right: bool, said: str) -> None:
    if not right:
        raise RefusedError(said)


def ser_hf(words: Sequence[str], *, whole: bool = True) -> None:
    """Words after ``ser-hf``: one of its commands, its options, and names that exist."""
    expect(words[0] in {command.name for command in COMMANDS}, f"no command {words[0]}")
    parser = strict(make_parser())
    if "--help" in words:
        return
    if words[0] == "launch":
        start = next(i for i, word in enumerate(words) if word in _STARTED)
        strict(launch_command_parser()).parse_args([*_named(list(words[1:start])), "-m", "ser_hf.cli"])
        ser_hf(words[start:], whole=whole)
        return
    try:
        args, rest = parser.parse_known_args(list(words))
    except RefusedError as error:
        options_of(words)
        if whole or not any(said in str(error) for said in UNFINISHED):
            raise
        return
    expect(args.command.takes_overrides or not rest, f"not understood: {rest}")
    for word in rest:
        if word.startswith("--"):
            check_key(word[2:].split("=")[0], words[0])
    names(words)
    if words[0] == "train":
        find_recipe(args.recipe)
    for recipe in args.recipes if words[0] == "score" else []:
        find_recipe(recipe)
    if words[0] == "study" and not re.fullmatch(r"[A-Z]+|bands\.yaml", args.study):
        find_study(args.study)


def options_of(words: Sequence[str]) -> None:
    """Every ``--option`` is one of the command."""
    command = next(command for command in COMMANDS if command.name == words[0])
    for word in words:
        if word.startswith("--"):
            known = takes(command.name, word.split("=")[0])
            expect(known, f"ser-hf {command.name} has no option {word}")


def takes(command: str, option: str) -> bool:
    """Whether a command knows an option, those of recipes included."""
    if option in options()[command] or (
        command == "launch" and option in launch_command_parser()._option_string_actions
    ):
        return True
    try:
        check_key(option[2:], command)
    except SerHfError:
        return False
    return next(c for c in COMMANDS if c.name == command).takes_overrides


@cache
def options() -> dict[str, set[str]]:
    """The options that each command declares."""
    commands = next(a for a in make_parser()._actions if isinstance(a, argparse._SubParsersAction)).choices
    return {name: {*parser._option_string_actions} for name, parser in commands.items()}


def names(words: Sequence[str]) -> None:
    """Corpora, protocols and schemes that stand after their options are registered."""
    for option, known in (("--protocol", PROTOCOLS), ("--scheme", {*SCHEMES, "own"}), ("--corpora", CORPORA)):
        if option in words:
            given = itertools.takewhile(lambda word: not word.startswith("--"), words[words.index(option) + 1 :])
            unknown = [word for word in given if word not in known]
            expect(not unknown, f"{option} {unknown} is not registered")


def accelerate(words: Sequence[str]) -> None:
    """Options of ``accelerate launch`` by its own parser, a hardware file that is there, and what is launched."""
    expect(words[0] == "launch", "expected accelerate launch")
    args = strict(launch_command_parser()).parse_args(list(words[1:]))
    if args.config_file:
        expect("num_processes" in yaml.safe_load((ROOT / args.config_file).read_text()), f"{args.config_file} is none")
    if args.module:
        expect(args.training_script == "ser_hf.cli", f"no module {args.training_script}")
        ser_hf(args.training_script_args)
    else:
        script(args.training_script, args.training_script_args)


def script(file: str, words: Sequence[str]) -> None:
    """Words of a program of the repository, by its own parser; it is left as soon as they are read."""
    expect((ROOT / file).is_file(), f"no file {file}")
    spec = importlib.util.spec_from_file_location(f"docs_{Path(file).stem}", ROOT / file)
    module = importlib.util.module_from_spec(spec)
    with patch.object(sys, "path", [str((ROOT / file).parent), *sys.path]), patch.dict(sys.modules):
        sys.modules[spec.name] = module  # dataclasses look there
        spec.loader.exec_module(module)
    read = argparse.ArgumentParser.parse_known_args
    found: list[tuple[argparse.Namespace, list[str]]] = []

    def parse(parser: argparse.ArgumentParser, given: Sequence[str] | None = None, *_: object) -> None:
        found.append(read(strict(parser), given))
        raise ParsedError

    argparse.ArgumentParser.parse_known_args = parse
    try:
        module.main(list(words))
    except ParsedError:
        pass
    finally:
        argparse.ArgumentParser.parse_known_args = read
    args, rest = found[0]
    if file.endswith("hf_job.py"):
        ser_hf(["train", args.recipe, *rest])
    else:
        expect(not rest, f"not understood: {rest}")


def strict(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The parser, raising instead of leaving Python."""

    def refuse(message: str) -> None:
        raise RefusedError(message)

    parser.error = refuse
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for own in action.choices.values():
                strict(own)
    return parser
