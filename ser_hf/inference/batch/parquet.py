"""Recordings by the rows of Parquet files, read in small batches; bytes of what nobody will hear are not read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from ser_hf.base.errors import CorpusError
from ser_hf.base.tables import column_name
from ser_hf.corpora import IDS, Reading, part_of

from .item import Item, Wanted
from .source import Source

_ROWS = 64
"""Read at a time: recordings are large."""
_SAID = ("start", "end")


@dataclass(frozen=True)
class _Columns:
    """Which columns are read, by their own names.

    Attributes:
        audio: the recordings.
        light: what is read of rows that nobody hears: paths, ids and parts.
        heavy: the bytes; none where there are only paths.
        name: the ids; None where there are none.
    """

    audio: str
    light: list[str]
    heavy: list[str]
    name: str | None


class Piece(NamedTuple):
    """A row group.

    Attributes:
        shard: the file.
        group: number of the row group in it.
        first: number of its first row in the file.
    """

    shard: str
    group: int
    first: int


class Parquet(Source):
    """The rows of Parquet files, all of them heard.

    A row holds a recording as bytes, as ``{bytes, path}`` as ``datasets`` writes it, or as a path relative to the
    folder of the file. Its id is what the column ``id`` or ``clip_id`` says, else ``FILE#ROW``, rows counted from 0.
    """

    def __init__(self, word: str, shards: Sequence[Path]) -> None:
        super().__init__(word)
        self.shards = shards

    def items(self, at: int, wanted: Wanted) -> Iterator[Item]:
        """See `Source.items`.

        Raises:
            CorpusError: a file is not readable, or has no column with recordings.
        """
        for shard in self.shards:
            with _opened(shard) as file:
                columns, row = _columns(shard, file.schema_arrow), 0
                for group in range(file.num_row_groups):
                    size = file.metadata.row_group(group).num_rows
                    heard = wanted(at + row, at + row + size)
                    yield from _items(shard, file, columns, Piece(str(shard), group, row), heard)
                    row += size
                at += row

    def pieces(self) -> list[Piece]:
        """The row groups, in order: what can be read by different processes; see `items_of`."""
        found = []
        for shard in self.shards:
            with _opened(shard) as file:
                row = 0
                for group in range(file.num_row_groups):
                    found.append(Piece(str(shard), group, row))
                    row += file.metadata.row_group(group).num_rows
        return found

    def count(self) -> int:
        """The rows, as the files' metadata say."""
        counts = []
        for shard in self.shards:
            with _opened(shard) as file:
                counts.append(int(file.metadata.num_rows))
        return sum(counts)


def items_of(piece: Piece) -> Iterator[Item]:
    """The rows of a row group, with their bytes.

    Raises:
        CorpusError: as `Parquet.items` does.
    """
    with _opened(Path(piece.shard)) as file:
        yield from _items(Path(piece.shard), file, _columns(Path(piece.shard), file.schema_arrow), piece, True)


def _items(shard: Path, file: pq.ParquetFile, columns: _Columns, piece: Piece, heard: bool) -> Iterator[Item]:
    row = piece.first
    for batch in _batches(shard, file, piece.group, columns.light + columns.heavy if heard else columns.light):
        for values in batch.to_pylist():
            yield _item(shard, row, values, columns)
            row += 1


def _opened(shard: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(shard)
    except (pa.ArrowException, OSError) as error:
        raise CorpusError(f"{shard} is not readable as Parquet: {str(error).splitlines()[0]}") from error


def _batches(shard: Path, file: pq.ParquetFile, group: int, names: list[str]) -> Iterator[pa.RecordBatch]:
    try:
        if not names:  # the rows say nothing but that they are there
            yield pa.record_batch([pa.nulls(file.metadata.row_group(group).num_rows)], [""])
            return
        yield from file.iter_batches(_ROWS, row_groups=[group], columns=names, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise CorpusError(f"{shard}, row group {group}, is damaged: {str(error).splitlines()[0]}") from error


def _columns(shard: Path, schema: pa.Schema) -> _Columns:
    """Finds the columns: structs with bytes or a path and columns of bytes first, else texts with a usual name."""
    reading = Reading()
    usual = set(reading.names("path"))
    structs = [f.name for f in schema if pa.types.is_struct(f.type) and {"bytes", "path"} & {s.name for s in f.type}]
    plain = [f.name for f in schema if _is_bytes(f.type)]
    texts = [f.name for f in schema if _is_text(f.type) and column_name(f.name) in usual]
    for found in (structs, plain, texts):
        if len(found) > 1:
            found[:] = [name for name in found if column_name(name) in usual] or found
    found = structs or plain or texts
    shown = ", ".join(schema.names)
    if not found:
        raise CorpusError(f"{shard}: no column with recordings or paths; columns found: {shown}. Call it audio or path")
    if len(found) > 1:
        raise CorpusError(f"{shard}: {' and '.join(found)} could each hold the recordings; call one of them audio")
    audio = found[0]
    said = {name for what in _SAID for name in reading.names(what)} | set(IDS)
    light = [name for name in schema.names if column_name(name) in said and name != audio]
    inside = {s.name for s in schema.field(audio).type} if structs else set()
    heavy = [f"{audio}.bytes"] if "bytes" in inside else [audio] if plain and not structs else []
    paths = [f"{audio}.path"] if "path" in inside else [audio] if not structs and not plain else []
    beside = [] if paths else [name for name in texts if name != audio][:1]
    names = [name for name in light if column_name(name) in IDS]
    return _Columns(audio, [*light, *paths, *beside], heavy, names[0] if names else None)


def _item(shard: Path, row: int, values: dict[str, Any], columns: _Columns) -> Item:
    where = f"{shard}#{row}"
    held = values.get(columns.audio)
    data, path = None, None
    if isinstance(held, dict):
        data, path = held.get("bytes"), held.get("path")
    elif isinstance(held, bytes):
        data = held
    elif isinstance(held, str):
        path = held
    name = values.get(columns.name) if columns.name else None
    item = Item(where if name in (None, "") else str(name), path or "", data=data)
    if path and not columns.heavy:
        item = item._replace(path=str(shard.parent / path))
    elif path and data is None:
        item = item._replace(file=str(shard.parent / path))
    try:
        start, end = part_of({column_name(key): value for key, value in values.items()}, Reading(), where)
    except CorpusError as error:
        return item._replace(data=None, error=str(error))
    item = item._replace(start=start, end=end)
    if not path and data is None:
        return item._replace(error=f"{where} has no recording: {columns.audio} is empty")
    return item


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
