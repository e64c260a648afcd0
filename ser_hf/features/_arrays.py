"""Arrays of one shape as a column of a table and back, without a copy."""

from __future__ import annotations

import datasets
import numpy as np
import pyarrow as pa
import torch


def array_feature(shape: tuple[int, ...], dtype: str) -> datasets.Array2D:
    """The type of a column of arrays of a shape, two dimensions or more."""
    return getattr(datasets, f"Array{len(shape)}D")(shape, dtype)


def to_column(values: np.ndarray) -> pa.ExtensionArray:
    """A column of ``len(values)`` arrays over the memory of ``values``, ``(B, ...)`` and contiguous."""
    array = pa.array(values.reshape(-1))
    for size in reversed(values.shape[1:]):
        array = pa.ListArray.from_arrays(pa.array(np.arange(0, len(array) + 1, size, dtype=np.int32)), array)
    return pa.ExtensionArray.from_storage(array_feature(values.shape[1:], str(values.dtype))(), array)


def from_column(column: pa.ChunkedArray) -> list[np.ndarray]:
    """The float32 arrays of a column: views of its memory, not to be written to, where that is float32."""
    shape = getattr(column.type, "shape", None)
    if shape is None or column.null_count:  # nested lists, as of a dataset made by hand
        return [np.asarray(row, dtype=np.float32) for row in column.to_pylist()]
    parts = []
    for chunk in column.chunks:
        values = chunk.storage
        for _ in shape:
            values = values.flatten()
        parts.append(values.to_numpy().reshape(-1, *shape))
    if all(part.dtype == np.float32 for part in parts):
        return [row for part in parts for row in part]
    return list(torch.from_numpy(np.concatenate(parts)).float().numpy())  # many times NumPy's speed from float16
