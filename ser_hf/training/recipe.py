"""A recipe: YAML under command-line overrides, checked key by key."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Never

from transformers import HfArgumentParser
from yaml import YAMLError

from ser_hf.base.errors import RecipeError
from ser_hf.base.regular_file import expect_regular
from ser_hf.base.strict_yaml import parse_yaml
from ser_hf.finetuning import TRANSFORMER
from ser_hf.protocols import PROTOCOLS

from .arguments import (
    AugmentArguments,
    DataArguments,
    FeatureArguments,
    LossArguments,
    ModelArguments,
    OptimiserArguments,
    RunArguments,
)
from .keys import ALL_GROUPS, PAIRS, as_list, check_key, keys, may_be_none, takes_list
from .own_data import own_settings, own_words
from .shipped_recipes import did_you_mean, find_recipe
from .strategies import settle_strategies
from .training_arguments import SerTrainingArguments

UNKEPT: tuple[str, ...] = ("output_dir", "overwrite", "resume_from_checkpoint", "data_root", "data_dirs")
UNKEPT += ("push_to_hub", "hub_model_id", "hub_token", "hub_private_repo")
"""Keys that say where things lie on one machine, or how it was called, not what was done."""


@dataclass(frozen=True)
class Recipe:
    """Everything a run is told.

    Attributes:
        name: of the run, from the YAML's place: ``<folder>-<file>`` below a folder ``recipes``, else ``<file>``; with
            other corpora than the file's, these and the file's name.
        file: ``<folder>/<file>`` of the YAML below a folder ``recipes``, else the file's name; None without a file.
        training: transformers' own arguments; its ``output_dir`` is the run folder.
        given: the keys that were given.
    """

    name: str
    file: str | None
    data: DataArguments
    features: FeatureArguments
    model: ModelArguments
    optimiser: OptimiserArguments
    loss: LossArguments
    augment: AugmentArguments
    run: RunArguments
    training: SerTrainingArguments
    given: frozenset[str]

    @property
    def folder(self) -> Path:
        """The run folder."""
        return Path(str(self.training.output_dir))

    def run_name(self, fold: int | None) -> str:
        """What its run is called: the recipe, the protocol and the fold."""
        return f"{self.name}-{self.data.protocol}" + ("" if fold is None else f"-fold{fold}")

    @property
    def groups(self) -> tuple[Any, ...]:
        """All that was told, by group."""
        return (
            self.data,
            self.features,
            self.model,
            self.optimiser,
            self.loss,
            self.augment,
            self.run,
            self.training,
        )

    def settings(self) -> dict[str, Any]:
        """Every key the file or the command line gave, with its value; what results.json and recipe.yaml keep."""
        values = {key: next(getattr(g, key) for g in self.groups if hasattr(g, key)) for key in sorted(self.given)}
        if Path(str(values.get("dataset"))).expanduser().exists():
            del values["dataset"]
        if self.model.init_from and Path(self.model.init_from).is_dir():  # by its name, without the machine's folders
            values["init_from"] = Path(self.model.init_from).resolve().name
        if self.model.imagenet_weights:
            values["imagenet_weights"] = Path(self.model.imagenet_weights).name
        return {key: getattr(value, "value", value) for key, value in values.items() if key not in UNKEPT}


@contextmanager
def naming(recipe: Recipe) -> Iterator[None]:
    """Puts the recipe's file before what is said of it.

    Raises:
        RecipeError: the one that was raised inside, with the file.
    """
    try:
        yield
    except RecipeError as error:
        named = recipe.file is None or str(error).startswith(recipe.file)
        raise error if named else RecipeError(f"{recipe.file}: {error}") from error


def load_recipe(path: str | Path | None, overrides: Sequence[str] = (), **defaults: Any) -> Recipe:
    """Reads a recipe.

    Args:
        path: the YAML file, or the name of a recipe that comes with the package; None starts from the defaults alone.
        overrides: command-line words, e.g. ``["--learning_rate", "1e-4", "--corpora", "ravdess", "savee"]``.
        defaults: values under those of the file.

    Raises:
        RecipeError: no such file, not YAML, an unknown or repeated key (with the nearest names), a value of the wrong
            kind, or no corpora, protocol or model.
    """
    path = find_recipe(path) if path is not None else None
    given = own_settings({**defaults, **(_read(path) if path is not None else {})})
    where = str(path or "recipe")
    file = _name(path) if path is not None else None
    for key, value in given.items():
        check_key(key, where)
        if key == "fold" and value == "all":
            raise RecipeError(f"{where}: fold is a number in a file; `ser-hf train RECIPE --fold all` runs each")
        if isinstance(value, list | tuple) and not takes_list(key):
            raise RecipeError(f"{where}: {key} is a list, {value}; expected one value")
    overrides = _settle_overrides(own_words([part for word in overrides for part in _split(word)]), given)
    options = [word[2:] for word in overrides if word.startswith("--")]
    if "protocol" in options:  # another rule: the fold of the file's is none of its own, nor a share it does not take
        named = [overrides[i + 1] for i, word in enumerate(overrides[:-1]) if word == "--protocol"]
        known = bool(named) and named[-1] in PROTOCOLS
        sizes = {"test_size", "validation_size"} - PROTOCOLS[named[-1]].takes if known else set()
        given = {key: value for key, value in given.items() if key not in {"fold", "folds", "test_speakers", *sizes}}
    settle_strategies(given, overrides, where)
    name = _run_name(file, given, overrides)
    given.setdefault("output_dir", _output_dir(name, given, overrides))
    parser = _Parser(ALL_GROUPS, allow_abbrev=False, exit_on_error=False)
    parser.set_defaults(**{key: None for key, value in given.items() if value is None and may_be_none(key)})
    try:
        parsed: tuple[Any, ...] = parser.parse_args_into_dataclasses(
            [*_words(given), *overrides], return_remaining_strings=True, look_for_args_file=False
        )
    except (ValueError, TypeError, argparse.ArgumentError) as error:
        if isinstance(error, RecipeError):
            raise
        raise RecipeError(f"{where}: {' '.join(str(error).split())}") from error
    *groups, _ = parsed
    data, features, model, optimiser, loss, augment, run, training = groups
    for key in PAIRS:
        group = data if hasattr(data, key) else model
        words = [*as_list(key, given.get(key)), *getattr(group, key)]
        setattr(group, key, list(dict(map(_pair, words)).values()))
    if model.init_from and model.model == TRANSFORMER:
        others = [word for word in model.model_settings if not word.startswith("pretrained=")]
        model.model_settings = [f"pretrained={model.init_from}", *others]
    told = frozenset([*given, *(o if o in keys() else o.removeprefix("no_") for o in options)])
    recipe = Recipe(name, file, data, features, model, optimiser, loss, augment, run, training, told)
    for key, value in (("corpora", data.corpora), ("protocol", data.protocol), ("model", model.model)):
        if not value:
            raise RecipeError(f"{where} names no {key}; add `{key}: ...` or --{key} ...")
    return recipe


def _settle_overrides(words: list[str], given: dict[str, Any]) -> list[str]:
    """The words of the command line, checked; an emptied list is noted in ``given`` and leaves the words.

    Raises:
        RecipeError: an unknown key, a word that belongs to none, or several values where one is expected.
    """
    kept: list[str] = []
    options: list[list[str]] = []
    for word in words:
        if word.startswith("--"):
            options.append([word])
        elif not options:
            raise RecipeError(f"not understood on the command line: {word}; expected --key value")
        else:
            options[-1].append(word)
    for option, *values in options:
        key = option[2:]
        check_key(key.removeprefix("no_") if key not in keys() else key, "the command line")
        if key in keys() and takes_list(key) and (not values or [v.lower() for v in values] in (["none"], [""])):
            given[key] = []
        elif len(values) > 1 and not takes_list(key):
            raise RecipeError(f"the command line: {key} takes one value, found {len(values)}: {' '.join(values)}")
        else:
            kept += [option, *values]
    return kept


def _run_name(file: str | None, given: dict[str, Any], overrides: Sequence[str]) -> str:
    """The recipe's name; after the corpora of the command line where these take the place of the recipe's."""
    if file is None:
        return "run"
    stem = file.removesuffix(".yaml")
    if "--corpora" not in overrides:
        return stem.replace("/", "-")
    start = len(overrides) - 1 - [*reversed(overrides)].index("--corpora")
    corpora = [*itertools.takewhile(lambda word: not word.startswith("--"), overrides[start + 1 :])]
    same = corpora == as_list("corpora", given.get("corpora"))
    return stem.replace("/", "-") if same else "-".join([*corpora, stem.rpartition("/")[2]])


def pairs(words: Sequence[str]) -> dict[str, Any]:
    """``["dropout=0.3", "backbone=resnet34"]`` -> a dictionary with values read as YAML.

    Raises:
        RecipeError: a word without ``=``, or a value that is not YAML.
    """
    try:
        return {key: parse_yaml(word.split("=", 1)[1]) for key, word in map(_pair, words)}
    except (YAMLError, ValueError) as error:
        if isinstance(error, RecipeError):
            raise
        raise RecipeError(f"{' '.join(words)}: a value is not YAML: {' '.join(str(error).split())}") from error


def folders(words: Sequence[str]) -> dict[str, str]:
    """``["savee=/data/SAVEE"]`` -> a dictionary; a folder may have any name.

    Raises:
        RecipeError: a word without ``=``.
    """
    return {key: word.split("=", 1)[1] for key, word in map(_pair, words)}


def _name(path: Path) -> str:
    """``<folder>/<file>`` of a recipe in a folder of recipes, else the file's name."""
    parts = path.resolve().parts
    return "/".join(parts[-2:]) if "recipes" in parts[:-2] else parts[-1]


def _pair(word: str) -> tuple[str, str]:
    if "=" not in word:
        raise RecipeError(f"{word!r}: expected key=value")
    return word.split("=", 1)[0], word


def _split(word: str) -> list[str]:
    """``--key=value`` as two words."""
    return word.split("=", 1) if word.startswith("--") else [word]


class _Parser(HfArgumentParser):
    """Raises what argparse would print before it ends the process."""

    def error(self, message: str) -> Never:
        raise RecipeError(message)


def _words(given: dict[str, Any]) -> list[str]:
    """A dictionary as command-line words."""
    words = []
    for key, value in given.items():
        if value is not None and value != []:
            words += [f"--{key}", *as_list(key, value)]
    return words


def _output_dir(name: str, given: dict[str, Any], overrides: Sequence[str]) -> str:
    """``runs/<recipe>-<protocol>[-fold<N>]``, so that two protocols do not meet in one folder."""

    def value(key: str) -> Any:
        places = [i for i, word in enumerate(overrides[:-1]) if word == f"--{key}"]
        return overrides[places[-1] + 1] if places else given.get(key)

    fold = value("fold")
    return str(Path("runs", f"{name}-{value('protocol')}" + (f"-fold{fold}" if fold is not None else "")))


def _read(path: Path) -> dict[str, Any]:
    try:
        content = parse_yaml(expect_regular(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RecipeError(f"no recipe at {path}{did_you_mean(path) or '.'} See `ser-hf list recipes`") from error
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from error
    except OSError as error:
        raise RecipeError(f"{path} cannot be read as a recipe: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path} cannot be read as a recipe: {error}") from error
    except (YAMLError, ValueError) as error:  # a ValueError: a date such as 2026-13-01
        raise RecipeError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{path}: expected `key: value` lines, found {type(content).__name__}")
    return content
