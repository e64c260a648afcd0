"""Parquet files as a reader that streams them wants them: many small row groups, files of a bounded size."""

from __future__ import annotations

import hashlib
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ser_hf.records import AUDIO

_SHARD_BYTES = 400 << 20
_GROUP_BYTES = 16 << 20
_GROUP_ROWS = 1000
"""A row group is what a reader fetches at once, even for a single row: 16 MiB are some 150 clips."""


class Shards:
    """The shards of one split of one corpus, as they are written.

    Row groups are cut by rows, whatever batches these come in, so that the same rows make the same files.

    Attributes:
        held: bytes of audio that wait for their row group to be full.
    """

    def __init__(self, folder: Path, split: str, features: datasets.Features) -> None:
        self.folder, self.split = folder, split
        self.schema: pa.Schema = features.arrow_schema
        self.files: list[Path] = []
        self.held = 0
        self._rows = 0
        self._group: list[pa.Table] = []
        self._writer: pq.ParquetWriter | None = None
        self._written = 0
        self._digests = {name: hashlib.sha256() for name in self.schema.names if name != AUDIO}

    def add(self, rows: pa.Table) -> None:
        """Takes rows; whenever a row group is full, it is written."""
        start = 0
        for stop, size in enumerate(_sizes(rows), start=1):
            self._rows += 1
            self.held += size
            if self._rows == _GROUP_ROWS or self.held >= _GROUP_BYTES:
                self._group.append(rows.slice(start, stop - start))
                self.write()
                start = stop
        if start < len(rows):
            self._group.append(rows.slice(start))

    def write(self) -> None:
        """Writes the rows that wait, as a row group."""
        if not self._group:
            return
        table = pa.table(
            pa.concat_tables(self._group).combine_chunks().select(self.schema.names).columns, schema=self.schema
        )
        if self._written + self.held > _SHARD_BYTES:
            self._end_file()
        if self._writer is None:
            self._writer = self._begin_file()
        self._writer.write_table(table, row_group_size=len(table))
        self._written += self.held
        for name, digest in self._digests.items():
            digest.update(f"{table[name].to_pylist()}"[1:-1].encode() + b", ")
        self._group, self._rows, self.held = [], 0, 0

    def close(self) -> str:
        """Writes what is left, and gives a digest of all rows; the recordings enter it by their hash."""
        self.write()
        self._end_file()
        return " ".join(digest.hexdigest() for digest in self._digests.values())

    def name(self, digest: str) -> None:
        """Gives the files their names, now that their number is known."""
        for i, path in enumerate(self.files):
            path.rename(self.folder / f"{self.split}-{i:05d}-of-{len(self.files):05d}-{digest}.parquet")

    def _begin_file(self) -> pq.ParquetWriter:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.files.append(self.folder / f"{self.split}-{len(self.files):05d}.parquet")
        small = _small_columns(self.schema)
        return pq.ParquetWriter(
            self.files[-1],
            self.schema,
            compression=dict.fromkeys(small, "snappy"),  # the others are stored as they are: audio does not shrink
            use_dictionary=small,
            write_page_index=True,
            write_batch_size=16,  # pages are cut between these: a single row can be read without its whole row group
        )

    def _end_file(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer, self._written = None, 0


def _sizes(rows: pa.Table) -> list[int]:
    """Bytes of every row's recording."""
    if AUDIO not in rows.column_names:
        return [0] * len(rows)
    sizes: list[int] = pc.binary_length(pc.struct_field(rows[AUDIO], "bytes")).fill_null(0).to_pylist()
    return sizes


def _small_columns(schema: pa.Schema) -> list[str]:
    """All columns but the audio, as Parquet names them, e.g. ``"label_distribution.list.element"``."""
    return [f"{f.name}.list.element" if pa.types.is_list(f.type) else f.name for f in schema if f.name != AUDIO]
