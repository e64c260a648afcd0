"""The recordings of a dataset, one by one, labelled or not: of the Hub as they arrive, or of ``save_to_disk``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import datasets

from ser_hf.base.errors import AudioError, CorpusError
from ser_hf.base.tables import column_name
from ser_hf.corpora import IDS, Reading

from ._dataset_source import Source
from .dataset_corpus import one_column, recording_columns, recording_of


class StreamedRow(NamedTuple):
    """A row of a dataset.

    Attributes:
        id: what its column ``id`` or ``clip_id`` says, else ``SPLIT/ROW``, rows counted from 0.
        path: the file as the row has it; empty where it says nothing.
        data: the bytes of the recording; None where it cannot be used, or was not wanted.
        said: the other cells that say which part is meant.
        error: why it cannot be used.
    """

    id: str
    path: str
    data: bytes | None
    said: dict[str, Any]
    error: str | None = None


def stream(words: str, wanted: Callable[[int], bool]) -> Iterator[StreamedRow]:
    """The rows of every split, in the order of the dataset.

    Args:
        words: ``hf://USER/NAME[:CONFIG]``, or a folder of ``save_to_disk``.
        wanted: which rows, counted over all splits, need their bytes.

    Raises:
        CorpusError: it cannot be loaded or read on, or has no column with recordings.
    """
    source, number = Source.of(words), 0
    for split, part in source.stream().items():
        features = part.features
        audio = one_column(words, "audio", "audio_column", recording_columns(features, Reading()), features)
        names = [n for n in features if column_name(n) in {*IDS, *Reading().names("start"), *Reading().names("end")}]
        ids = [name for name in names if column_name(name) in IDS]
        kept = part.select_columns([audio, *(name for name in names if name != audio)])
        with source.reading_on():
            for row, values in enumerate(kept):
                yield _row(words, f"{split}/{row}", values, audio, ids, wanted(number))
                number += 1


def count(words: str) -> int | None:
    """The rows a dataset says it has; None where it does not.

    Raises:
        CorpusError: it cannot be loaded.
    """
    counts = [_length(part) for part in Source.of(words).stream().values()]
    return None if None in counts else sum(filter(None, counts))


def _length(part: datasets.Dataset | datasets.IterableDataset) -> int | None:
    if isinstance(part, datasets.Dataset):
        return len(part)
    known = (part.info.splits or {}).get(part.split)
    return known.num_examples if known is not None else None


def _row(words: str, name: str, values: dict[str, Any], audio: str, ids: list[str], wanted: bool) -> StreamedRow:
    held = values.pop(audio)
    own = next((str(values[n]) for n in ids if values.get(n) not in (None, "")), name)
    path = held.get("path") if isinstance(held, dict) else held if isinstance(held, str) else None
    row = StreamedRow(own, str(path or ""), None, values)
    if not wanted:
        return row
    try:
        return row._replace(data=recording_of(held, words, name, audio))
    except (AudioError, CorpusError) as error:
        return row._replace(error=str(error))
