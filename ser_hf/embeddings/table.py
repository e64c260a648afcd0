"""Embeddings as a Parquet table."""

from __future__ import annotations

from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ser_hf.base.atomic import replacing
from ser_hf.base.disk import writing
from ser_hf.base.errors import NotFiniteError
from ser_hf.records import CLIP_ID, CORPUS, DURATION, LABEL, SPEAKER

from .adding import EMBEDDING

_KEPT = (CLIP_ID, CORPUS, SPEAKER, LABEL, DURATION)
_ROWS = 1024


def write_embeddings(rows: datasets.Dataset, path: str | Path) -> None:
    """Writes what `add_embeddings` gave, atomically: one row a clip, ``embedding (layers, D)``.

    Args:
        rows: with ``embedding``; of the other columns those that say which clip it is, labels by their names.
        path: the file.

    Raises:
        NotFiniteError: an embedding holds NaN or infinity, and nothing is written; the message names the clip.
    """
    kept = [name for name in _KEPT if name in rows.column_names]
    named = {name: rows.features[name].names for name in kept if isinstance(rows.features[name], datasets.ClassLabel)}
    layers, size = (int(n) for n in rows.features[EMBEDDING].shape)
    types = rows.features.arrow_schema
    fields = [(name, pa.string() if name in named else types.field(name).type) for name in kept]
    schema = pa.schema([*fields, (EMBEDDING, pa.list_(pa.list_(pa.float32(), size), layers))])
    with (
        writing(Path(path), len(rows) * layers * size * 4),
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, schema) as writer,
    ):
        for start in range(0, len(rows), _ROWS):
            some = rows.select(range(start, min(start + _ROWS, len(rows))))
            columns = [_plain(some.with_format("arrow")[:].column(name), named.get(name)) for name in kept]
            values = np.asarray(some.with_format("numpy")[EMBEDDING][:], np.float32)
            _check(values, some, start)
            vectors = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), size)
            columns.append(pa.FixedSizeListArray.from_arrays(vectors, layers))
            writer.write_table(pa.table(columns, schema=schema))


def _check(values: np.ndarray, rows: datasets.Dataset, start: int) -> None:
    """Refuses embeddings ``(N, layers, D)`` of rows that are no numbers; ``start`` is the number of the first row."""
    bad = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))
    if len(bad):
        number = int(bad[0])
        clip = rows[number][CLIP_ID] if CLIP_ID in rows.column_names else f"row {start + number}"
        raise NotFiniteError(
            f"the embedding of {clip} holds NaN or infinity: it is damaged; remove its file in the cache and compute "
            "it again",
            start + number,
        )


def _plain(column: pa.ChunkedArray, names: list[str] | None) -> pa.ChunkedArray | pa.Array:
    """A column, with labels by their names."""
    if names is None:
        return column
    return pa.array([None if i is None else names[i] for i in column.to_pylist()], pa.string())
