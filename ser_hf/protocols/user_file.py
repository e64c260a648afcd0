"""The user's own split: a table with a clip and its side in every row.

``.csv``, ``.tsv`` (with a header) or ``.jsonl``. A column ``split`` with train, validation (dev, valid, val) or test,
and a column ``clip_id`` or ``path`` (``file``, ``file_name``); paths may be of any layout the corpus is known in.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ser_hf.base.errors import SplitError, unknown

from ._clip_names import ClipNames
from ._columns import Columns
from ._options import SplitOptions, some
from ._protocol import Indices, Protocol, register
from ._sides import carve, sides

_CLIP = ("clip_id", "path", "file", "file_name")
_SIDES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "development": "validation",
    "test": "test",
    "testing": "test",
}
_TABLES = (".csv", ".tsv", ".jsonl")


def assign(columns: Columns, options: SplitOptions) -> Indices:
    """Follows ``split_file``; where it names no validation clip, the validation is carved from the training side.

    Raises:
        SplitError: no readable table, a clip that is not in the data, is named twice or fits several, a clip of the
            data that is not listed (unless ``drop_unlisted``).
    """
    if options.split_file is None:
        raise SplitError(
            "protocol 'file' needs --split_file FILE, a table with the columns clip_id (or path) and split"
        )
    table = Path(options.split_file).expanduser()
    side = _listed(columns, table)
    unlisted = columns.clip_ids[side == ""]
    if len(unlisted) and not options.drop_unlisted:
        raise SplitError(
            f"{table} does not list {len(unlisted)} of {len(columns)} clips: {some(unlisted)}; list them, "
            "or leave them out with --drop_unlisted"
        )
    train, validation, test = (side == name for name in ("train", "validation", "test"))
    if not validation.any() and train.any():
        validation = carve(columns, train, test, options)
    return sides(test, validation, train)


def _listed(columns: Columns, table: Path) -> np.ndarray:
    """The side of every row, ``""`` where the table does not say."""
    names = ClipNames(columns)
    side = np.full(len(columns), "", dtype=object)
    line_of: dict[int, int] = {}
    absent = []
    for line, entry in _rows(table):
        name, word = _entry(entry, f"{table}, line {line}")
        try:
            row = names.row(name)
        except SplitError as error:
            raise SplitError(f"{table}, line {line}: {error}") from error
        if row is None:
            absent.append(f"{name} (line {line})")
        elif row in line_of:
            raise SplitError(
                f"{table} names {columns.clip_ids[row]} twice, in lines {line_of[row]} and {line}; keep one"
            )
        else:
            side[row], line_of[row] = word, line
    if absent:
        raise SplitError(
            f"{table} lists {len(absent)} clips that are not in the data: {some(absent)}. Write clip ids such as "
            f"{some(columns.clip_ids[:1])}, or paths; clips that the label scheme drops are not in the data either"
        )
    if not line_of:
        raise SplitError(f"{table} lists no clip")
    return side


def _entry(entry: Any, where: str) -> tuple[str, str]:
    if not isinstance(entry, dict):
        raise SplitError(f"{where}: expected an object with a clip_id and a split, found {entry!r:.60}")
    name = next((entry[c] for c in _CLIP if entry.get(c)), None)
    word = entry.get("split")
    if not name or not word:
        columns = ", ".join(map(str, entry))
        raise SplitError(
            f"{where}: needs a clip_id (or path) and a split, each in a column of that name; found: {columns}"
        )
    side = str(word).strip().lower()
    if side not in _SIDES:
        raise SplitError(f"{where}: {unknown('split', side, _SIDES)}")
    return str(name).strip(), _SIDES[side]


def _rows(table: Path) -> Iterator[tuple[int, Any]]:
    """Line number and content of every row."""
    kind = table.suffix.lower()
    if kind not in _TABLES:
        raise SplitError(f"split file {table}: expected a table ending in {', '.join(_TABLES)}")
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            if kind == ".jsonl":
                yield from ((n, json.loads(line)) for n, line in enumerate(lines, start=1) if line.strip())
            else:
                reader = csv.DictReader(lines, delimiter="\t" if kind == ".tsv" else ",")
                yield from ((reader.line_num, row) for row in reader)
    except OSError as error:
        raise SplitError(f"split file {table}: {error.strerror or error}") from error
    except (UnicodeDecodeError, json.JSONDecodeError, csv.Error) as error:
        raise SplitError(f"{table}: not readable as {kind[1:].upper()} in UTF-8: {error}") from error


register(
    Protocol(
        name="file",
        description="as a table of clips and their splits says (--split_file)",
        claims_speaker_independent=False,
        assign=assign,
        takes=frozenset({"split_file", "drop_unlisted", "validation_size"}),
    )
)
