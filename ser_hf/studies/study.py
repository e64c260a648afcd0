"""A study: which recipes, over which values of which keys; read from YAML and checked key by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ser_hf.base.errors import RecipeError, unknown
from ser_hf.base.strict_yaml import read_yaml
from ser_hf.corpora import CORPORA
from ser_hf.training import check_key

from .shipped_studies import find_study

POOLED = ("fold", "seed")
"""Axes over which scores are put together: folds are pooled, over seeds scores are averaged."""
ROW = "row"
"""Name of the first column, and of a row in the figures of a paper and in ``leave_out``."""
FIGURES = ("accuracy", "uar", "macro_f1", "weighted_f1")
_KEYS = ("title", "about", "source", "baseline", "rows", "axes", "keys", "paper", "leave_out", "caveats", "not_run")
_PUBLISHED = "emobox"


@dataclass(frozen=True)
class StudyRecipe:
    """A row: a recipe, and the keys that the row gives it."""

    recipe: str
    keys: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Study:
    """Everything a study is told.

    Attributes:
        name: of the file.
        title: one line.
        about: what is asked, and how.
        source: of the paper that is reproduced; empty where there is none.
        baseline: the row that the others are compared with; None for no comparison.
        rows: name -> recipe; own recipe files are looked for beside the study's.
        axes: name -> name of a value -> the keys of a recipe that it stands for. The axes ``fold`` and ``seed`` are
            pooled; without an axis ``fold`` every fold is run that the protocol has.
        keys: of every run.
        paper: figures of the paper in per cent; each with the cells that it is of, by row and values of axes.
        leave_out: cells that are not run, by row and values of axes.
        caveats: what is to be said of all figures.
        not_run: what the paper has and the study has not, and why.
    """

    name: str
    title: str
    rows: Mapping[str, StudyRecipe]
    about: str = ""
    source: str = ""
    baseline: str | None = None
    axes: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    keys: Mapping[str, Any] = field(default_factory=dict)
    paper: Sequence[Mapping[str, Any]] = ()
    leave_out: Sequence[Mapping[str, str]] = ()
    caveats: Sequence[str] = ()
    not_run: Sequence[str] = ()

    def figures_of(self, cell: Mapping[str, str]) -> dict[str, Any]:
        """What the paper says of a cell; later entries win."""
        found: dict[str, Any] = {"source": self.source} if self.source else {}
        told = [entry for entry in self.paper if _of(entry, cell)]
        for entry in told:
            found |= {key: value for key, value in entry.items() if key not in cell}
        return found if told else {}

    def is_left_out(self, cell: Mapping[str, str]) -> bool:
        """Whether a cell is not run."""
        return any(_of(entry, cell) for entry in self.leave_out)


def _of(entry: Mapping[str, Any], cell: Mapping[str, str]) -> bool:
    return all(entry[name] == value for name, value in cell.items() if name in entry)


def load_study(source: str | Path) -> Study:
    """Reads a study.

    Args:
        source: a YAML file, or the name of a study that comes with the package.

    Raises:
        RecipeError: there is none, or a key or value is not what it should be; the message names file and key.
    """
    path = find_study(source)
    content = read_yaml(path, "study ")
    if not isinstance(content, dict):
        raise RecipeError(f"{path}: expected `key: value` lines, found {type(content).__name__}")
    _check_keys(content, _KEYS, str(path))
    if not content.get("rows"):
        raise RecipeError(f"{path} names no rows; add `rows:` with recipes, e.g. `rows: [svm, logistic]`")
    axes = {str(name): _axis(str(name), values, path) for name, values in _table(content, "axes", path).items()}
    texts = {key: _text(content, key, path) for key in ("title", "about", "source", "baseline")}
    study = Study(
        name=path.stem,
        title=texts["title"] or path.stem,
        about=texts["about"],
        source=texts["source"],
        baseline=texts["baseline"] or None,
        rows={name: _row(name, told, path) for name, told in _rows(content["rows"], path).items()},
        axes=axes,
        keys=_recipe_keys(_table(content, "keys", path), f"{path}: keys"),
        paper=_entries(content, "paper", path),
        leave_out=_entries(content, "leave_out", path),
        caveats=[str(text) for text in _list(content, "caveats", path)],
        not_run=[str(text) for text in _list(content, "not_run", path)],
    )
    _check_names(study, path)
    return study


def score_study(recipes: Sequence[str], corpora: Sequence[str], keys: Mapping[str, Any]) -> Study:
    """The study of some recipes on the published folds of some corpora, each corpus by itself.

    Args:
        recipes: names or files.
        corpora: names; EmoBox's folds are taken where it has some, else four folds of speakers.
        keys: of every run; a ``protocol`` is that of all corpora.
    """
    axis: dict[str, dict[str, Any]] = {}
    for name in corpora:
        if name not in CORPORA:
            raise RecipeError(unknown("corpus", name, CORPORA))
        published = {"protocol": _PUBLISHED} if _PUBLISHED in CORPORA[name].folds else _SPEAKER_FOLDS
        axis[name] = {"corpora": [name], **(published if "protocol" not in keys else {})}
    names = [Path(one).stem for one in recipes]
    return Study(
        name=f"score-{'-'.join(names)}",
        title=f"{', '.join(names)} on {', '.join(corpora)}",
        rows=dict(zip(names, map(StudyRecipe, recipes), strict=True)),
        baseline=names[0] if len(names) > 1 else None,
        axes={"corpus": axis},
        keys=keys,
    )


_SPEAKER_FOLDS = {"protocol": "speaker-kfold", "folds": 4}


def _check_keys(found: Mapping[Any, Any], known: Sequence[str], where: str) -> None:
    for key in found:
        if key not in known:
            raise RecipeError(f"{where}: {unknown('key', str(key), known)}")


def _rows(rows: Any, path: Path) -> dict[str, Any]:
    if isinstance(rows, list):
        return {Path(str(name)).stem: {"recipe": name} for name in rows}
    if not isinstance(rows, dict):
        raise RecipeError(f"{path}: rows: expected names of recipes, or `name: {{recipe: ...}}` lines")
    return {str(name): told for name, told in rows.items()}


def _row(name: str, told: Any, path: Path) -> StudyRecipe:
    where = f"{path}: rows: {name}"
    told = {"recipe": told} if isinstance(told, str) else told
    if not isinstance(told, dict) or not isinstance(told.get("recipe"), str):
        raise RecipeError(f"{where}: expected the name of a recipe, or `{{recipe: NAME, key: value}}`")
    beside = path.parent / told["recipe"]
    recipe = str(beside) if beside.suffix in (".yaml", ".yml") and beside.is_file() else told["recipe"]
    return StudyRecipe(recipe, _recipe_keys({k: v for k, v in told.items() if k != "recipe"}, where))


def _axis(name: str, values: Any, path: Path) -> dict[str, dict[str, Any]]:
    """``[1, 2]`` are values of the key that the axis is named after; a table gives names to sets of keys."""
    where = f"{path}: axes: {name}"
    if isinstance(values, list) and values:
        check_key(name, where)
        return {_shown(value): {name: value} for value in values}
    if isinstance(values, dict) and values and all(isinstance(keys, dict) for keys in values.values()):
        return {str(value): _recipe_keys(keys, f"{where}: {value}") for value, keys in values.items()}
    raise RecipeError(f"{where}: expected a list of values of a key, or `name: {{key: value}}` lines")


def _shown(value: Any) -> str:
    return "+".join(map(str, value)) if isinstance(value, list) else str(value)


def _recipe_keys(keys: Mapping[Any, Any], where: str) -> dict[str, Any]:
    for key in keys:
        check_key(key, where)
    return dict(keys)


def _table(content: Mapping[str, Any], key: str, path: Path) -> dict[Any, Any]:
    value = content.get(key) or {}
    if not isinstance(value, dict):
        raise RecipeError(f"{path}: {key}: expected `name: value` lines, found {type(value).__name__}")
    return value


def _list(content: Mapping[str, Any], key: str, path: Path) -> list[Any]:
    value = content.get(key) or []
    if not isinstance(value, list):
        raise RecipeError(f"{path}: {key}: expected a list, found {type(value).__name__}")
    return value


def _entries(content: Mapping[str, Any], key: str, path: Path) -> list[dict[str, Any]]:
    found = _list(content, key, path)
    for entry in found:
        if not isinstance(entry, dict):
            raise RecipeError(f"{path}: {key}: expected `{{row: NAME, ...}}`, found {entry!r}")
    return [
        {str(name): value if key == "paper" and name in FIGURES else str(value) for name, value in entry.items()}
        for entry in found
    ]


def _text(content: Mapping[str, Any], key: str, path: Path) -> str:
    value = content.get(key) or ""
    if not isinstance(value, str):
        raise RecipeError(f"{path}: {key}: expected text, found {value!r}")
    return " ".join(value.split())


def _check_names(study: Study, path: Path) -> None:
    """Refuses rows and values that are named and not there, which would be ignored."""
    if study.baseline is not None and study.baseline not in study.rows:
        raise RecipeError(f"{path}: baseline: {unknown('row', str(study.baseline), study.rows)}")
    for name in (ROW, "recipe"):
        if name in study.axes:
            raise RecipeError(f"{path}: axes: {name} is the name of a column of the rows; choose another")
    names: dict[str, Mapping[str, Any]] = {ROW: study.rows, **{k: v for k, v in study.axes.items() if k not in POOLED}}
    for key, entries, more in (("paper", study.paper, (*FIGURES, "source")), ("leave_out", study.leave_out, ())):
        for entry in entries:
            _check_keys(entry, (*names, *more), f"{path}: {key}")
            for name in names:
                if name in entry and entry[name] not in names[name]:
                    raise RecipeError(f"{path}: {key}: {unknown(name, entry[name], names[name])}")
            for figure in set(entry) & set(FIGURES):
                told: Any = entry[figure]
                if not isinstance(told, int | float) or not 0 <= told <= 100:
                    raise RecipeError(f"{path}: {key}: {figure} is {told!r}; expected per cent")
