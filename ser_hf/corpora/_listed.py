"""The recordings a table lists, labelled or not, as files and parts of files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ser_hf.base.errors import CorpusError
from ser_hf.base.tables import TableError, column, read_table

from ._reading import Reading, cell, part_of
from ._walk import NATIVE

IDS = ("id", "clip_id")
"""Usual names of the column by which a row is known."""
_REMEMBERED = 4096


class TableFiles:
    """The files that the rows of a table name, whatever slashes the system has that wrote it."""

    def __init__(self, table: Path) -> None:
        self.table = table
        self._found: dict[str, Path] = {}  # many segments may be of one file

    def find(self, name: str | None, where: str) -> Path:
        """The file of a row.

        Raises:
            CorpusError: it names none, or one that is not there.
        """
        if name is None:
            raise CorpusError(f"{where}: the path is empty; give the file, or delete the row")
        for spelling in dict.fromkeys((name, name.replace("\\", "/"))):
            if spelling in self._found:
                return self._found[spelling]
            if (path := self._there(spelling)) is not None:
                if len(self._found) > _REMEMBERED:
                    self._found.clear()
                self._found[name] = self._found[spelling] = path
                return path
        raise CorpusError(f"{where}: no file {self.table.parent / name}; paths are relative to the folder of the table")

    def _there(self, name: str) -> Path | None:
        path = self.table.parent / name
        try:
            if path.is_file():
                return path
            suffixes = () if path.suffix.lower() in NATIVE else sorted(NATIVE)
            return next((p for s in suffixes if (p := path.with_name(path.name + s)).is_file()), None)
        except (OSError, ValueError):  # a name that no file can have: too long, or empty behind its folder
            return None


class Listed(NamedTuple):
    """A recording that a table lists.

    Attributes:
        line: of the table.
        name: what the row says it is called, in a column `IDS`; None where it says nothing.
        path: the file, or what stands in its place where there is none.
        start: seconds at which the part begins; None for the whole file.
        end: seconds at which it ends; None where the file does.
        error: why it cannot be used.
    """

    line: int
    name: str | None
    path: str
    start: float | None = None
    end: float | None = None
    error: str | None = None


def listed(table: Path, reading: Reading | None = None) -> Iterator[Listed]:
    """The recordings of the rows, one by one; a row without a usable one is told, and is no end.

    Raises:
        CorpusError: the table is not readable, or has no column with the path.
    """
    reading, files, checked = reading or Reading(), TableFiles(table), False
    try:
        for line, row in read_table(table):
            where = f"{table}, line {line}"
            if not checked:
                reading.check(str(table), row, needed=("path",))
                checked = True
            name, path = column(row, IDS), ""
            try:
                said = cell(row, "path", reading, where)
                path = str(table.parent / said) if said else ""
                start, end = part_of(row, reading, where)
                path = str(files.find(said, where))
            except CorpusError as error:
                yield Listed(line, name, path, error=str(error))
                continue
            yield Listed(line, name, path, start, end)
    except TableError as error:
        raise CorpusError(str(error)) from error


def text_of(name: str) -> str:
    """A file name as text a dataset can hold; bytes that are not UTF-8 become escapes."""
    return name.encode("utf-8", "backslashreplace").decode()
