"""Reads results.json, build.json and predictions.parquet, and says clearly what is wrong with them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any

from ser_hf.base.errors import SerHfError

RESULTS = "results.json"
PREDICTIONS = "predictions.parquet"
BUILD = "build.json"
SCHEMA = 1
FACTS = ("sex", "language", "duration", "loudness_db", "snr_db")
"""Columns of predictions.parquet that may be there."""


@dataclass(frozen=True, slots=True)
class _Maybe:
    """A shape whose value may also be null."""

    shape: Any


_INTERVAL = _Maybe((float, float))
_METRIC = {"value": float, "clips": _INTERVAL, "speakers": _INTERVAL}
_TEXT = _Maybe(str)
_CORPUS = {
    "name": str,
    "title": str,
    "licence": str,
    "licence_url": _TEXT,
    "redistributable": bool,
    "citation": _TEXT,
    "homepage": _TEXT,
    "language": _TEXT,
}
_LEDGER_ROW = {"corpus": str, "native_label": str, "emotion": str, "action": str, "label": _TEXT, "clips": int}
_LEDGER = {"found": int, "used": int, "rows": [_LEDGER_ROW], "unreadable": [str]}
_SPLITS = {"*": {"clips": int, "speakers": int, "classes": {"*": int}}}
_SPLIT = {
    "protocol": str,
    "description": str,
    "speaker_independent": bool,
    "test_speakers": [str],
    "validation_speakers": [str],
}
_AUDIT = [{"level": str, "rule": str, "message": str}]

RESULTS_SHAPE: Mapping[str, Any] = {
    "name": str,
    "created": str,
    "versions": {"*": str},
    "synthetic": bool,
    "model": {"model_type": str, "architecture": str, "parameters": int},
    "features": dict,
    "data": {
        "corpora": [_CORPUS],
        "scheme": str,
        "classes": [str],
        "ledger": _LEDGER,
        "splits": _SPLITS,
    },
    "split": _SPLIT,
    "audit": _AUDIT,
    "training": {
        "epochs": float,
        "best_epoch": _Maybe(float),
        "best_validation_uar": _Maybe(float),
        "seconds": float,
        "device": str,
        "hardware": str,
        "precision": str,
        "processes": int,
        "history": [{"epoch": float}],
        "arguments": dict,
    },
    "test": {
        "n_clips": int,
        "n_speakers": int,
        "metrics": {"accuracy": _METRIC, "uar": _METRIC, "macro_f1": _METRIC, "weighted_f1": _METRIC},
        "per_class": [{"class": str, "precision": float, "recall": float, "f1": float, "clips": int}],
        "confusion": [[int]],
        "per_corpus": [{"corpus": str, "clips": int, "speakers": int, "accuracy": _METRIC, "uar": _METRIC}],
    },
}
"""Every key the report and the cards read. A type is that type, ``[x]`` a list of x, a tuple a list of that length,
``{"*": x}`` a table with any keys."""

BUILD_SHAPE: Mapping[str, Any] = {
    "name": str,
    "corpora": [_CORPUS],
    "scheme": str,
    "classes": [str],
    "ledger": _LEDGER,
    "splits": _SPLITS,
    "split": _SPLIT,
    "audit": _AUDIT,
    "configs": [{"config_name": str, "data_files": [{"split": str, "path": str}]}],
}


def load_results(run_dir: str | Path) -> dict[str, Any]:
    """Reads and checks ``results.json`` of a run folder.

    Raises:
        SerHfError: the file is missing, is not JSON, or lacks a key.
    """
    path = Path(run_dir) / RESULTS
    return check_results(_read_json(path, "a run folder written by `ser-hf train` or `ser-hf evaluate`"), str(path))


def load_build(folder: str | Path) -> dict[str, Any]:
    """Reads and checks ``build.json`` of a built dataset.

    Raises:
        SerHfError: the file is missing, is not JSON, or lacks a key.
    """
    path = Path(folder) / BUILD
    return check_build(_read_json(path, "a dataset folder written by `ser-hf build`"), str(path))


def check_results(results: Any, source: str = RESULTS) -> dict[str, Any]:
    """Checks that ``results`` holds everything the report reads, and that its parts fit together.

    Raises:
        SerHfError: a key is missing, a value has the wrong type, or two lengths disagree.
    """
    checked = _checked(results, RESULTS_SHAPE, source)
    classes, test = checked["data"]["classes"], checked["test"]
    square = [len(classes)] * len(classes)
    if [len(row) for row in test["confusion"]] != square:
        raise SerHfError(f"{source}: test.confusion is not {len(classes)} x {len(classes)}, one row for each class")
    if [row["class"] for row in test["per_class"]] != classes:
        raise SerHfError(f"{source}: test.per_class does not list the classes of data.classes in their order")
    if "test" not in checked["data"]["splits"]:
        raise SerHfError(f"{source}: data.splits has no 'test'; it has: {', '.join(checked['data']['splits'])}")
    return checked


def check_build(build: Any, source: str = BUILD) -> dict[str, Any]:
    """Checks that ``build`` holds everything the dataset card reads.

    Raises:
        SerHfError: a key is missing or a value has the wrong type.
    """
    return _checked(build, BUILD_SHAPE, source)


def load_predictions(run_dir: str | Path, results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Reads ``predictions.parquet`` of a run folder, one dict for each test clip.

    Raises:
        SerHfError: the file is missing or unreadable, lacks a column, or holds NaN, or has another number of
            rows than ``results.json`` has test clips.
    """
    import pyarrow
    import pyarrow.parquet

    path = Path(run_dir) / PREDICTIONS
    try:
        table = pyarrow.parquet.read_table(path)
    except FileNotFoundError as error:
        raise SerHfError(f"{path} is missing; `ser-hf evaluate` writes it beside {RESULTS}") from error
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise SerHfError(
            f"{path} is not a readable Parquet file: {_flat(error)}; run `ser-hf evaluate` again"
        ) from error
    wanted = ["clip_id", "corpus", "speaker", "label", "predicted", *(f"p_{c}" for c in results["data"]["classes"])]
    missing = [name for name in wanted if name not in table.column_names]
    if missing:
        raise SerHfError(f"{path} lacks the columns {', '.join(missing)}; it has: {', '.join(table.column_names)}")
    expected = results["test"]["n_clips"]
    if table.num_rows != expected:
        raise SerHfError(
            f"{path} has {table.num_rows} rows, but {RESULTS} counts {expected} test clips: "
            "the two are from different runs; run `ser-hf evaluate` again"
        )
    known = [name for name in FACTS if name in table.column_names]
    try:
        rows: list[dict[str, Any]] = table.select([*wanted, *known]).to_pylist()
    except (ValueError, pyarrow.ArrowException) as error:
        raise SerHfError(f"{path} is damaged: {_flat(error)}; run `ser-hf evaluate` again") from error
    for row in rows:
        if not all(math.isfinite(math.nan if row[name] is None else row[name]) for name in wanted[5:]):
            raise SerHfError(f"{path}: {row['clip_id']} has no finite probabilities; run `ser-hf evaluate` again")
    return rows


def _read_json(path: Path, home: str) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SerHfError(f"{path} is missing; it is part of {home}") from error
    except (OSError, ValueError, RecursionError) as error:  # a number of too many digits is a ValueError
        raise SerHfError(f"{path} is not readable as JSON: {_flat(error)}") from error


def _flat(error: BaseException) -> str:
    """What a library says, in one line."""
    return " ".join(str(error).split())


def _checked(value: Any, shape: Mapping[str, Any], source: str) -> dict[str, Any]:
    if isinstance(value, dict) and value.get("schema", SCHEMA) != SCHEMA:
        raise SerHfError(f"{source} has schema {value['schema']!r}, this version of ser_hf reads schema {SCHEMA}")
    _check(value, shape, source, "")
    return dict(value)


def _check(value: Any, shape: Any, source: str, where: str) -> None:
    """Compares ``value`` with ``shape``; ``where`` is the dotted path that leads to it."""
    if isinstance(shape, _Maybe):
        if value is not None:
            _check(value, shape.shape, source, where)
    elif isinstance(shape, Mapping):
        _expect(value, dict, source, where)
        if "*" in shape:
            shape = dict.fromkeys(value, shape["*"])
        for key, inner in shape.items():
            path = f"{where}.{key}" if where else key
            if key not in value:
                raise SerHfError(f"{source}: {path} is missing")
            _check(value[key], inner, source, path)
    elif isinstance(shape, list | tuple):
        _expect(value, list, source, where)
        if isinstance(shape, tuple) and len(value) != len(shape):
            raise SerHfError(f"{source}: {where} has {len(value)} entries, expected {len(shape)}")
        inner_shapes: Sequence[Any] = shape if isinstance(shape, tuple) else shape * len(value)
        for i, (item, inner) in enumerate(zip(value, inner_shapes, strict=True)):
            _check(item, inner, source, f"{where}[{i}]")
    else:
        _expect(value, shape, source, where)


_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false", dict: "a table", list: "a list"}


def _expect(value: Any, kind: type, source: str, where: str) -> None:
    accepted = (int, float) if kind is float else kind
    if isinstance(value, accepted) and isinstance(value, bool) <= (kind is bool):
        return
    found = "null" if isinstance(value, NoneType) else f"{type(value).__name__} {value!r:.40}"
    raise SerHfError(f"{source}: {where or 'the whole file'} should be {_NAMES[kind]}, found {found}")
