"""A study's runs: rows x values of axes x folds x seeds, each checked before anything is run."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ser_hf.base.errors import RecipeError
from ser_hf.training import Recipe, as_list, load_recipe

from .study import POOLED, ROW, Study

Folds = Callable[[Recipe], Sequence[int]]
_ALL = "all"


@dataclass(frozen=True)
class StudyRun:
    """One run.

    Attributes:
        cell: the row and the values of the axes, by name.
        source: the recipe.
        words: all overrides, as the command line has them.
        seed: of the training.
        fold: None where the protocol has none.
        folder: the run folder.
    """

    cell: Mapping[str, str]
    source: str
    words: tuple[str, ...]
    seed: int
    fold: int | None
    folder: Path

    @property
    def label(self) -> str:
        """What it is called where progress is shown."""
        parts = [*self.cell.values(), *([f"fold {self.fold}"] if self.fold is not None else []), f"seed {self.seed}"]
        return ", ".join(parts)

    def recipe(self) -> Recipe:
        """The recipe with its overrides; it is shared and not to be changed."""
        return _read(self.source, (*self.words, "--output_dir", str(self.folder)))


@dataclass(frozen=True)
class Cell:
    """The runs whose scores are put together: every fold and every seed of one row under one value of each axis."""

    names: Mapping[str, str]
    runs: tuple[StudyRun, ...]


def expand(
    study: Study, output: Path, folds: Folds, words: Sequence[str] = (), imagenet: str | None = None
) -> list[Cell]:
    """Lists the runs of a study, cell by cell.

    Args:
        study: what is run.
        output: the study's folder; every run has a folder of its own below.
        folds: the folds that a recipe's protocol has on its data; none where it has no folds.
        words: overrides of every run, e.g. where the recordings are; they win over the study's keys.
        imagenet: a file of weights, for the rows that start from ImageNet's.

    Raises:
        RecipeError: a recipe cannot be read, or a key or value is none of it; the message names row and cell.
    """
    cells = [_cell(study, output, names, keys, folds, words, imagenet) for names, keys in _cells(study)]
    owners: dict[Path, Cell] = {}
    for cell in cells:
        other = owners.setdefault(cell.runs[0].folder, cell)
        if other is not cell:
            raise RecipeError(
                f"study {study.name}: {', '.join(other.names.values())!r} and {', '.join(cell.names.values())!r} are "
                "the same as names of folders; call one of them otherwise"
            )
    return cells


def _cells(study: Study) -> Iterator[tuple[dict[str, str], dict[str, Any]]]:
    axes = {name: values for name, values in study.axes.items() if name not in POOLED}
    for row, told in study.rows.items():
        for chosen in itertools.product(*(values.items() for values in axes.values())):
            names = {ROW: row, **{axis: name for axis, (name, _) in zip(axes, chosen, strict=True)}}
            if study.is_left_out(names):
                continue
            keys = {**study.keys, **told.keys}
            for _, own in chosen:
                keys |= own
            yield names, {"": told.recipe, **keys}


def _cell(
    study: Study,
    output: Path,
    names: dict[str, str],
    keys: dict[str, Any],
    folds: Folds,
    words: Sequence[str],
    imagenet: str | None,
) -> Cell:
    source, where = keys.pop(""), ", ".join(names.values())
    fold_axis = [own["fold"] for own in study.axes.get("fold", {}).values()]
    wanted = keys.pop("fold", _ALL)
    fixed = (*_words(keys), *words)
    try:
        recipe = load_recipe(source, fixed)
        if imagenet and recipe.model.imagenet:
            fixed = (*fixed, "--imagenet_weights", imagenet)
            recipe = load_recipe(source, fixed)
        there = folds(recipe) if not fold_axis and wanted == _ALL else []
    except RecipeError as error:
        raise RecipeError(f"study {study.name}: {where}: {error}") from error
    chosen = fold_axis or (list(there) or [None] if wanted == _ALL else [wanted])
    seeds = [own["seed"] for own in study.axes.get("seed", {}).values()] or [recipe.training.seed]
    place = output.joinpath(*map(slug, names.values()))
    runs = [
        StudyRun(
            names,
            source,
            (*fixed, *(("--fold", str(fold)) if fold is not None else ()), "--seed", str(seed)),
            int(seed),
            fold,
            place / (f"seed{seed}" + (f"-fold{fold}" if fold is not None else "")),
        )
        for seed, fold in itertools.product(seeds, chosen)
    ]
    return Cell(names, tuple(runs))


@lru_cache(maxsize=10_000)
def _read(source: str, words: tuple[str, ...]) -> Recipe:
    return load_recipe(source, words)


def _words(keys: Mapping[str, Any]) -> list[str]:
    words: list[str] = []
    for key, value in keys.items():
        words += [f"--{key}", *(as_list(key, value) or ["none"])]
    return words


def slug(name: str) -> str:
    """A name as that of a folder.

    >>> slug("CNN-LSTM + attention")
    'cnn-lstm-attention'
    """
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.") or "-"
