"""The user's own split: a table with a clip and its side in every row.

``.csv``, ``.tsv`` or ``.jsonl``, in the forms of `ser_hf.base.tables`. A column ``split`` with train, validation (dev,
valid, val) or test, and a column ``clip_id`` or ``path`` (``file``, ``file_name``); paths may be of any layout the
corpus is known in.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ser_hf.base.errors import SplitError, unknown
from ser_hf.base.tables import TableError, column, read_table

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


def _entry(entry: dict[str, Any], where: str) -> tuple[str, str]:
    name, word = column(entry, _CLIP), column(entry, ("split",))
    if not name or not word:
        columns = ", ".join(map(str, entry))
        raise SplitError(
            f"{where}: needs a clip_id (or path) and a split, each in a column of that name; found: {columns}"
        )
    if word.lower() not in _SIDES:
        raise SplitError(f"{where}: {unknown('split', word.lower(), _SIDES)}")
    return name, _SIDES[word.lower()]


def _rows(table: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        yield from read_table(table)
    except TableError as error:
        raise SplitError(f"split file {error}") from error


register(
    Protocol(
        name="file",
        description="as a table of clips and their splits says (--split_file)",
        claims_speaker_independent=False,
        assign=assign,
        takes=frozenset({"split_file", "drop_unlisted", "validation_size"}),
    )
)
