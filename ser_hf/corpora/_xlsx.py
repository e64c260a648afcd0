"""The cells of an Excel workbook as text, with the standard library: labels of some corpora come in no other form.

A workbook (ECMA-376) is a zip archive of XML parts. It comes from anywhere: sizes are limited before anything is
unpacked, and document type definitions, the means by which XML explodes, are refused.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from ser_hf.base.errors import CorpusError

LARGEST = 4 * 2**20
"""In bytes: of the workbook, and of each of its parts unpacked."""

_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_STRINGS = "xl/sharedStrings.xml"
_UNREADABLE = (
    *(OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError),
    *(ElementTree.ParseError, ValueError, LookupError),
)


def workbook_rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Every row of every sheet: the words that name its place in a message, and its cells that are not empty.

    Raises:
        CorpusError: it is not a workbook, it is too large, or it holds what no spreadsheet program writes.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise CorpusError(f"larger than {LARGEST} bytes")
        with zipfile.ZipFile(path) as archive:
            sheets = sorted(name for name in archive.namelist() if _SHEET.fullmatch(name))
            if not sheets:
                raise CorpusError("there is no sheet in it")
            strings = _strings(archive) if _STRINGS in archive.namelist() else []
            rows = [row for name in sheets for row in _rows(_part(archive, name), strings, Path(name).stem)]
    except _UNREADABLE as error:
        raise CorpusError(f"{path}: not a readable Excel workbook (.xlsx): {error}") from error
    yield from ((f"{path}, {place}", cells) for place, cells in rows)


class _Builder(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise CorpusError("it has a document type definition")


def _part(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    with archive.open(name) as part:
        data = part.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise CorpusError(f"{name} is larger than {LARGEST} bytes")
    return ElementTree.fromstring(data, ElementTree.XMLParser(target=_Builder()))


def _strings(archive: zipfile.ZipFile) -> list[str]:
    return [_text(item) for item in _part(archive, _STRINGS).findall("{*}si")]


def _text(element: ElementTree.Element) -> str:
    return "".join(run.text or "" for run in element.iterfind(".//{*}t"))


def _rows(sheet: ElementTree.Element, strings: list[str], name: str) -> Iterator[tuple[str, list[str]]]:
    for number, row in enumerate(sheet.iterfind("{*}sheetData/{*}row"), start=1):
        cells = (_cell(cell, strings).strip() for cell in row.iterfind("{*}c"))
        yield f"{name} row {row.get('r', number)}", [cell for cell in cells if cell]


def _cell(cell: ElementTree.Element, strings: list[str]) -> str:
    if cell.get("t") == "inlineStr":
        return _text(cell)
    value = cell.findtext("{*}v") or ""
    return strings[int(value)] if cell.get("t") == "s" and value else value
