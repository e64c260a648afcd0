"""Tables as people keep them: comma, semicolon, tab or bar, any of the usual encodings, JSON lines, Excel workbooks.

Excel writes semicolons where the comma is the decimal point, CRLF line ends, a byte order mark, or Windows' encoding.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import logging
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from .errors import SerHfError
from .regular_file import expect_regular
from .workbook import WorkbookError, workbook_rows

SUFFIXES = (".csv", ".tsv", ".jsonl", ".xlsx")
_DELIMITERS = ",;\t|"
_WINDOWS = "cp1252"

logger = logging.getLogger(__name__)


class TableError(SerHfError):
    """A table is not readable; the message names the file and, where it is about one, the line."""


def read_table(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The line number and the cells of every row, by the name of their column in lower case.

    The delimiter is the one of ``, ; tab |`` that the header has most of. Text that is not UTF-8 and has no byte order
    mark is taken for Windows-1252, and a warning says so.

    Args:
        path: a ``.csv`` or ``.tsv`` file with a header, ``.jsonl`` with an object in every line, or the first sheet of
            an ``.xlsx`` workbook.

    Raises:
        TableError: another kind of file, not readable, a column that is there twice, or a line that is no object.
    """
    kind = path.suffix.lower()
    if kind not in SUFFIXES:
        raise TableError(f"{path}: expected a table ending in {', '.join(SUFFIXES)}")
    try:
        if kind == ".xlsx":
            yield from _sheet(path)
            return
        text = _text(path)
        yield from _objects(path, text) if kind == ".jsonl" else _cells(path, text)
    except WorkbookError as error:
        raise TableError(str(error)) from error
    except OSError as error:
        raise TableError(f"{path}: {error.strerror or error}") from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError, csv.Error) as error:
        raise TableError(f"{path}: not readable as {kind[1:].upper()}: {error}") from error


def column(row: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """The cell of the first of these columns that is filled, without the blanks around it.

    >>> column({"gender": " male ", "sex": ""}, ("sex", "gender"))
    'male'
    """
    cells = (str(row[name]).strip() for name in names if row.get(name) is not None)
    return next((cell for cell in cells if cell), None)


def _text(path: Path) -> io.TextIOBase:
    """The file opened in the encoding it is in."""
    with expect_regular(path).open("rb") as file:
        start = file.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return path.open(encoding="utf-16", newline="")
    text = path.open(encoding="utf-8-sig", newline="")
    try:
        while text.read(1 << 20):
            pass
    except UnicodeDecodeError:
        text.close()
        logger.warning("%s is not UTF-8; read as Windows-1252, so look at its accents, or save it as UTF-8", path)
        return path.open(encoding=_WINDOWS, newline="")
    text.seek(0)
    return text


def _cells(path: Path, text: io.TextIOBase) -> Iterator[tuple[int, dict[str, Any]]]:
    with text:
        head = text.readline()
        text.seek(0)
        rows = csv.reader(text, delimiter=max(_DELIMITERS, key=head.count))
        names = _header(path, next(rows, []))
        for cells in rows:
            if any(cells[len(names) :]):
                raise TableError(
                    f"{path}, line {rows.line_num}: {len(cells)} cells under {len(names)} column names; quote a cell "
                    "that holds the delimiter"
                )
            if any(cells):
                yield rows.line_num, dict(zip_longest(names, cells[: len(names)], fillvalue=""))


def _sheet(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of the first sheet; a warning tells of others with rows of their own."""
    names: list[str] = []
    first = None
    for place, cells in workbook_rows(path):
        sheet, _, number = place.rpartition(" row ")
        if not any(cells):
            continue
        first = first or sheet
        if sheet != first:
            logger.warning("%s: only the first sheet is read, and %s has rows as well", path, sheet)
            return
        if names:
            yield int(number), dict(zip_longest(names, cells[: len(names)], fillvalue=""))
        else:
            names = _header(path, cells)


def _header(path: Path, cells: list[str]) -> list[str]:
    names = [column_name(cell) for cell in cells]
    for name in names:
        if name and names.count(name) > 1:
            raise TableError(f"{path}: the column {name!r} is there twice; keep one")
    return names


def _objects(path: Path, text: io.TextIOBase) -> Iterator[tuple[int, dict[str, Any]]]:
    with text:
        for number, line in enumerate(text, start=1):
            if line.strip():
                found = json.loads(line)
                if not isinstance(found, dict):
                    raise TableError(f"{path}, line {number}: expected an object, found {found!r:.60}")
                yield number, {column_name(key): value for key, value in found.items()}


def column_name(cell: str) -> str:
    """The name of a column as `read_table` gives it.

    >>> column_name(" Speaker  ID")
    'speaker_id'
    """
    return "_".join(cell.strip().lower().split())
