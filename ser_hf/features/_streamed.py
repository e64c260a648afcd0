"""Features of a stream, computed as its rows are asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import datasets
import numpy as np
import pyarrow as pa

from ser_hf.records import AUDIO, INPUT_FEATURES

from ._arrays import from_column
from ._step import FeatureStep

_CLIP = pa.struct({"bytes": pa.binary(), "path": pa.string()})


def streamed(
    rows: datasets.IterableDataset, types: dict[str, Any], step: FeatureStep, batch_size: int
) -> datasets.IterableDataset:
    """The columns the step keeps, of these types, and the features, in the format of the rows.

    Tables, which a file gives, are taken as they are. Of a generator's examples ``datasets`` would make tables whose
    types differ where values are missing, so they are taken as lists.
    """
    shown = rows._formatting
    features = datasets.Features({**types, INPUT_FEATURES: step.feature()})
    settings = {"batched": True, "batch_size": batch_size, "with_indices": True}
    if rows._ex_iterable.iter_arrow:
        found = rows.with_format("arrow").map(step, features=features, **settings)
    else:
        if isinstance(types.get(AUDIO), datasets.Audio):
            rows = rows.cast_column(AUDIO, datasets.Audio(decode=False))
        found = rows.with_format(None).map(
            _ExamplesStep(replace(step, columns=())),
            features=None if rows.features is None else features,
            remove_columns=None if AUDIO in types else [AUDIO],
            **settings,
        )
    return found.with_format(shown and shown.format_type)


@dataclass(frozen=True)
class _ExamplesStep:
    """A `FeatureStep` over lists of values."""

    step: FeatureStep

    def __call__(self, batch: dict[str, list[Any]], numbers: list[int]) -> dict[str, list[np.ndarray]]:
        clips = [clip and {"bytes": clip.get("bytes"), "path": clip.get("path")} for clip in batch[AUDIO]]
        table = self.step(pa.table({AUDIO: pa.array(clips, _CLIP)}), numbers)
        return {INPUT_FEATURES: from_column(table.column(INPUT_FEATURES))}
