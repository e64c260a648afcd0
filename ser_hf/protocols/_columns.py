"""What a protocol knows of a clip: the columns it decides by. No audio is read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import datasets
import numpy as np

from ser_hf.records import AUDIO_HASH, CLIP_ID, CORPUS, LABEL, PARTITION, SESSION, SEX, SOURCE, SPEAKER

_NAMES = (LABEL, CORPUS, SPEAKER, CLIP_ID, AUDIO_HASH, SOURCE, SEX, SESSION, PARTITION)


@dataclass(frozen=True)
class Columns:
    """The columns a protocol decides by, one entry per row; None where nothing is known.

    Attributes:
        recordings: equal for rows that must not be torn apart: identical decoded audio, and augmented copies of it.
    """

    labels: np.ndarray
    corpora: np.ndarray
    speakers: np.ndarray
    clip_ids: np.ndarray
    recordings: np.ndarray
    sexes: np.ndarray
    sessions: np.ndarray
    partitions: np.ndarray

    @classmethod
    def of(cls, dataset: datasets.Dataset) -> Columns:
        """Reads them from a harmonised dataset, also from one built before some of the columns were there."""
        return cls.from_table({name: dataset[name][:] for name in _NAMES if name in dataset.column_names})

    @classmethod
    def from_table(cls, table: Mapping[str, Sequence[Any]]) -> Columns:
        """Takes them from lists under the names of a dataset's columns; only ``clip_id`` must be there."""
        unknown = [None] * len(table[CLIP_ID])
        column = {name: table.get(name, unknown) for name in _NAMES}
        hashes = dict(zip(column[CLIP_ID], column[AUDIO_HASH], strict=True))
        recordings = [
            hashes.get(source or clip) or source or clip
            for clip, source in zip(column[CLIP_ID], column[SOURCE], strict=True)
        ]
        names = (LABEL, CORPUS, SPEAKER, CLIP_ID, SEX, SESSION, PARTITION)
        labels, corpora, speakers, clips, *rest = (np.asarray(column[name], dtype=object) for name in names)
        return cls(labels, corpora, speakers, clips, np.asarray(recordings, dtype=object), *rest)

    def __len__(self) -> int:
        return len(self.labels)

    def where(self, rows: np.ndarray) -> Columns:
        """The rows of a mask alone."""
        return Columns(*(getattr(self, f.name)[rows] for f in fields(self)))

    def corpus_names(self) -> list[str]:
        """The corpora there are, sorted."""
        return sorted(set(self.corpora))


def among(values: np.ndarray, members: Collection[Any]) -> np.ndarray:
    """Which of ``values`` are ``members``; for objects NumPy's ``isin`` takes a pass per member."""
    wanted = set(members)
    return np.fromiter((value in wanted for value in values), dtype=bool, count=len(values))
