"""The cells of an Excel workbook as text, by openpyxl.

A workbook (ECMA-376) is a zip archive of XML parts. It comes from anywhere, so the sizes of its parts are judged before
anything is unpacked.
"""

from __future__ import annotations

import datetime
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from .errors import SerHfError
from .regular_file import expect_regular

LARGEST = 256 * 2**20
"""In bytes: of the parts of a workbook unpacked, by its own account; a million rows take about 100 MiB."""

_UNREADABLE = (
    *(OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, ElementTree.ParseError),
    *(ValueError, LookupError, TypeError, AttributeError),
)


class WorkbookError(SerHfError):
    """A file is no readable workbook; the message names it."""


def workbook_rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Every row of every sheet: the words that name its place in a message, and its cells, ``""`` where one is empty.

    Formulas are read by the value that was computed last.

    Raises:
        WorkbookError: it is not a workbook, or it is too large.
    """
    try:
        with zipfile.ZipFile(expect_regular(path)) as archive:
            size = sum(part.file_size for part in archive.infolist())
        if size > LARGEST:
            raise WorkbookError(f"it unpacks to {size} bytes, more than {LARGEST}")
        yield from _rows(path)
    except _UNREADABLE as error:
        raise WorkbookError(f"{path}: not a readable Excel workbook (.xlsx): {error}") from error


def _rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    import openpyxl  # takes a tenth of a second, and few tables are workbooks

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # some programs declare fewer cells than there are
            for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
                yield f"{path}, {sheet.title} row {number}", [_text(cell) for cell in cells]
    finally:
        book.close()


def _text(cell: Any) -> str:
    """A cell as a table of text would have it: whole numbers without a point, times of day as durations."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime.timedelta):
        return str(cell.total_seconds())
    return str(cell).strip()
