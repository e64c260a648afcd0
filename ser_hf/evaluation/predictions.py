"""predictions.parquet: one row per test clip, with the probability of every class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from ser_hf.base.atomic import replacing


def write_predictions(
    path: str | Path,
    *,
    clip_ids: Sequence[str],
    corpora: Sequence[str],
    speakers: Sequence[str | None],
    references: Sequence[int],
    probabilities: npt.NDArray[np.floating],
    classes: Sequence[str],
    dimensions: Mapping[str, tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]] | None = None,
    facts: Mapping[str, Sequence[str | float | None]] | None = None,
) -> None:
    """Writes the table atomically.

    Args:
        path: the file.
        clip_ids: of the rows.
        corpora: of the rows.
        speakers: of the rows; None where unknown.
        references: true class ids of the rows.
        probabilities: ``(N, C)``.
        classes: names of the C classes.
        dimensions: name -> ratings ``(N,)``, NaN where nobody rated, and predictions: two columns each, ``arousal`` and
            ``arousal_predicted``.
        facts: further columns, such as ``sex`` and ``duration``; None where unknown.
    """
    columns = {
        "clip_id": pa.array(clip_ids, pa.string()),
        "corpus": pa.array(corpora, pa.string()),
        "speaker": pa.array(speakers, pa.string()),
        "label": pa.array([classes[i] for i in references], pa.string()),
        "predicted": pa.array([classes[i] for i in probabilities.argmax(axis=1)], pa.string()),
        **{
            column: pa.array(values.astype(np.float32), from_pandas=True)  # which takes NaN for nothing
            for name, both in (dimensions or {}).items()
            for column, values in zip((name, f"{name}_predicted"), both, strict=True)
        },
        **{name: pa.array(values) for name, values in (facts or {}).items()},
        **{f"p_{name}": pa.array(probabilities[:, i].astype(np.float32)) for i, name in enumerate(classes)},
    }
    with replacing(path) as temporary:
        pq.write_table(pa.table(columns), temporary)
