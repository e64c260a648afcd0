"""The files rows are written to: Parquet, CSV and JSON lines, each in shards that are put together at the end."""

from __future__ import annotations

import csv
import json
import math
import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ser_hf.base.errors import SerHfError

from .rows import ERROR, Row, values

_GROUP = 64 << 20
"""Bytes of a row group of a Parquet file that was put together, about."""
_GROUP_ROWS = 100_000
_MARK = b"ser_hf.plan"


class Format(ABC):
    """How rows are written.

    Attributes:
        suffix: of its files.
        vectors: whether it holds embeddings.
    """

    suffix: str
    vectors: bool

    @abstractmethod
    def write(self, path: Path, rows: Sequence[Row], columns: dict[str, str]) -> None:
        """Writes a shard."""

    @abstractmethod
    def merge(self, shards: Sequence[Path], path: Path, columns: dict[str, str], plan: str) -> None:
        """Puts shards together, one after the other; the same shards make the same bytes.

        Args:
            shards: at least one.
            path: the file.
            columns: as in `fields`.
            plan: what it was made by, which the file keeps where it can.
        """

    def made_by(self, path: Path) -> tuple[str, int, int] | None:
        """The plan a file was made by, its rows, and those with an error; None where it does not say."""
        return None


class Parquet(Format):
    """Parquet; shares are 32-bit numbers."""

    suffix, vectors = ".parquet", True

    def __init__(self) -> None:
        import pyarrow  # takes a tenth of a second, which other formats need not wait for
        import pyarrow.parquet

        self._pa: Any = pyarrow
        self._pq: Any = pyarrow.parquet

    def write(self, path: Path, rows: Sequence[Row], columns: dict[str, str]) -> None:
        """See `Format.write`."""
        self._pq.write_table(self.table(rows, columns), path, row_group_size=len(rows) or None)

    def table(self, rows: Sequence[Row], columns: dict[str, str]) -> Any:
        """The rows as a table of Arrow."""
        cells = [values(row, columns) for row in rows]
        schema = self._schema(columns)
        return self._pa.table([self._pa.array([c[f.name] for c in cells], f.type) for f in schema], schema=schema)

    def merge(self, shards: Sequence[Path], path: Path, columns: dict[str, str], plan: str) -> None:
        """See `Format.merge`."""
        held: list[Any] = []
        schema = self._schema(columns).with_metadata({_MARK: plan.encode()})
        with self._pq.ParquetWriter(path, schema) as writer:
            for shard in shards:
                held.append(self._pq.read_table(shard))
                if sum(t.nbytes for t in held) >= _GROUP or sum(map(len, held)) >= _GROUP_ROWS:
                    writer.write_table(self._pa.concat_tables(held).combine_chunks().cast(schema))
                    held = []
            if held:
                writer.write_table(self._pa.concat_tables(held).combine_chunks().cast(schema))

    def made_by(self, path: Path) -> tuple[str, int, int] | None:
        """See `Format.made_by`."""
        try:
            with self._pq.ParquetFile(path) as file:
                mark = (file.schema_arrow.metadata or {}).get(_MARK)
                if mark is None:
                    return None
                errors = sum(b.num_rows - b[ERROR].null_count for b in file.iter_batches(columns=[ERROR]))
                return mark.decode(), int(file.metadata.num_rows), int(errors)
        except (self._pa.ArrowException, OSError):
            return None

    def _schema(self, columns: dict[str, str]) -> Any:
        pa = self._pa
        kinds = {"text": pa.string(), "number": pa.float64(), "share": pa.float32(), "vector": pa.list_(pa.float32())}
        return pa.schema([(name, kinds[kind]) for name, kind in columns.items()])


class Csv(Format):
    """Comma-separated, UTF-8, with a header."""

    suffix, vectors = ".csv", False

    def write(self, path: Path, rows: Sequence[Row], columns: dict[str, str]) -> None:
        """See `Format.write`; shards have no header."""
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            for row in rows:
                table.writerow([_short(cell) for cell in values(row, columns).values()])

    def merge(self, shards: Sequence[Path], path: Path, columns: dict[str, str], plan: str) -> None:
        """See `Format.merge`."""
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(columns)
        _append(shards, path)


class JsonLines(Format):
    """An object in every line."""

    suffix, vectors = ".jsonl", True

    def write(self, path: Path, rows: Sequence[Row], columns: dict[str, str]) -> None:
        """See `Format.write`."""
        with path.open("w", encoding="utf-8", newline="") as file:
            for row in rows:
                cells = {name: _short(cell) for name, cell in values(row, columns).items()}
                file.write(json.dumps(cells, ensure_ascii=False, allow_nan=False) + "\n")

    def merge(self, shards: Sequence[Path], path: Path, columns: dict[str, str], plan: str) -> None:
        """See `Format.merge`."""
        path.write_bytes(b"")
        _append(shards, path)


_FORMATS: dict[str, type[Format]] = {kind.suffix: kind for kind in (Parquet, Csv, JsonLines)}


def format_of(output: Path) -> Format:
    """The format of a file by its suffix; a folder holds Parquet.

    Raises:
        SerHfError: nothing is written under this suffix.
    """
    suffix = output.suffix.lower() or Parquet.suffix
    if output.is_dir():
        return Parquet()
    if suffix not in _FORMATS:
        raise SerHfError(f"--output {output}: expected a file ending in {', '.join(_FORMATS)}, or a folder")
    return _FORMATS[suffix]()


def _short(cell: Any) -> Any:
    """A number as people read it, a vector as a list; what is no number is nothing."""
    if isinstance(cell, np.ndarray):
        return [_short(float(value)) for value in cell]
    if isinstance(cell, float):
        return round(cell, 6) if math.isfinite(cell) else None
    return cell


def _append(shards: Sequence[Path], path: Path) -> None:
    with path.open("ab") as whole:
        for shard in shards:
            with shard.open("rb") as part:
                shutil.copyfileobj(part, whole)
