"""The columns the rules look at, of all splits one after the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import datasets

from ser_hf.base.errors import SplitError
from ser_hf.records import AUDIO, AUDIO_HASH, CLIP_ID, CORPUS, LABEL, SENTENCE, SOURCE, SPEAKER

from .fingerprints import FINGERPRINT, hashes_and_fingerprints

_NEEDED = (CLIP_ID, SPEAKER, LABEL)


@dataclass(frozen=True, slots=True)
class Rows:
    """One entry per row in every list.

    Attributes:
        names: the splits.
        splits: the split each row is in.
        labels: names of the classes where the dataset has them, else what stands in the column.
        fingerprints: empty where there is too little sound, None where nothing is known.
    """

    names: tuple[str, ...]
    splits: list[str]
    clips: list[str]
    speakers: list[str | None]
    labels: list[str]
    hashes: list[str]
    fingerprints: list[bytes | None]
    corpora: list[str | None]
    sentences: list[str | None]
    sources: list[str | None]

    @classmethod
    def of(cls, parts: Mapping[str, datasets.Dataset], num_proc: int | None) -> Rows:
        """Reads them; columns that only some datasets have are None where they are missing.

        Raises:
            SplitError: a column that the rules need is missing.
        """
        for name, part in parts.items():
            _require(name, part)
        columns: dict[str, list[Any]] = defaultdict(list)
        for name, part in parts.items():
            columns["split"] += [name] * len(part)
            for column in (CLIP_ID, SPEAKER, CORPUS, SENTENCE, SOURCE):
                columns[column] += part[column][:] if column in part.column_names else [None] * len(part)
            columns[LABEL] += _labels(part)
            hashes, fingerprints = hashes_and_fingerprints(part, num_proc)
            columns[AUDIO_HASH] += hashes
            columns[FINGERPRINT] += fingerprints
        order = ("split", CLIP_ID, SPEAKER, LABEL, AUDIO_HASH, FINGERPRINT, CORPUS, SENTENCE, SOURCE)
        return cls(tuple(parts), *(columns[name] for name in order))

    def pairs(self) -> Iterable[tuple[str, str]]:
        """Every two splits."""
        return combinations(self.names, 2)

    def named(self, row: int) -> str:
        """The clip of a row with its split, e.g. ``"ravdess/03-01-01-01-01-01-01 (train)"``."""
        return f"{self.clips[row]} ({self.splits[row]})"


def groups(keys: Iterable[Hashable]) -> list[list[int]]:
    """The positions of equal keys, for keys that are there more than once; None is no key."""
    found: dict[Hashable, list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        if key is not None:
            found[key].append(row)
    return [rows for rows in found.values() if len(rows) > 1]


def _require(name: str, part: datasets.Dataset) -> None:
    missing = [column for column in _NEEDED if column not in part.column_names]
    if missing or not {AUDIO, AUDIO_HASH} & set(part.column_names):
        lacks = ", ".join(missing or [AUDIO])
        raise SplitError(f"split {name!r} has no column {lacks}; the audit needs clip_id, speaker, label and audio")


def _labels(part: datasets.Dataset) -> list[str]:
    feature, labels = part.features[LABEL], part[LABEL][:]
    names = feature.names if isinstance(feature, datasets.ClassLabel) else None
    return [names[label] if names and label is not None else str(label) for label in labels]
