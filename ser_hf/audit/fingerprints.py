"""The column of acoustic fingerprints: the ``map`` step that adds it, and where the audit takes it from."""

from __future__ import annotations

import hashlib
import math
from functools import partial
from typing import Any, TypeVar, cast

import datasets
import pyarrow as pa

from ser_hf.audio import audio_hash, decode
from ser_hf.audio.fingerprint import VERSION, fingerprint
from ser_hf.base.errors import SerHfError
from ser_hf.base.sealed import cache_files, sealed
from ser_hf.base.steps import steps
from ser_hf.records import AUDIO, AUDIO_HASH

FINGERPRINT = "fingerprint"
"""Bytes, four of each frame; empty where there is too little sound. About half a kilobyte per clip."""

_BATCH = 64

AnyRows = TypeVar("AnyRows", datasets.Dataset, datasets.DatasetDict)


def add_fingerprints(dataset: AnyRows, num_proc: int | None = None) -> AnyRows:
    """Adds the column ``fingerprint``, by which `audit` finds near-duplicates where the audio is gone.

    Call it on the whole dataset, before it is split: the result is cached, and serves every fold. The recordings are
    not copied.

    Args:
        dataset: rows with an ``audio`` column of ``{bytes, path}``; of a dictionary all splits.
        num_proc: worker processes.

    Raises:
        AudioError: a clip cannot be decoded; the message names it.
        SerHfError: there is no audio column.
    """
    if isinstance(dataset, datasets.DatasetDict):
        parts = {name: add_fingerprints(part, num_proc) for name, part in dataset.items()}
        return cast("AnyRows", datasets.DatasetDict(parts))
    if FINGERPRINT in dataset.column_names:
        return dataset
    if AUDIO not in dataset.column_names:
        raise SerHfError(f"the dataset has no {AUDIO!r} column (it has: {', '.join(dataset.column_names)})")
    if not len(dataset):  # which `concatenate_datasets` gives back without the column
        return cast("AnyRows", dataset.add_column(FINGERPRINT, [], feature=datasets.Value("binary")))
    column = _computed(dataset, num_proc).select_columns(FINGERPRINT)
    return cast("AnyRows", datasets.concatenate_datasets([dataset, column], axis=1))


def hashes_and_fingerprints(rows: datasets.Dataset, num_proc: int | None) -> tuple[list[str], list[bytes | None]]:
    """The hash of every recording and its fingerprint: read, or computed from the audio, else None."""
    hashed, printed = (column in rows.column_names for column in (AUDIO_HASH, FINGERPRINT))
    if hashed and (printed or AUDIO not in rows.column_names):
        return rows[AUDIO_HASH][:], rows[FINGERPRINT][:] if printed else [None] * len(rows)
    made = _computed(rows, num_proc)
    return rows[AUDIO_HASH][:] if hashed else made[AUDIO_HASH][:], made[FINGERPRINT][:]


def _computed(rows: datasets.Dataset, num_proc: int | None) -> datasets.Dataset:
    """The columns ``audio_hash`` and ``fingerprint`` of rows with audio.

    The cache is keyed by the hashes of the recordings where the rows have them: ``datasets`` itself takes a folder of
    Parquet files for the same whatever is in the files. Without hashes everything is computed anew.
    """
    features = datasets.Features({AUDIO_HASH: datasets.Value("string"), FINGERPRINT: datasets.Value("binary")})
    if not len(rows):  # of which `map` makes no columns
        return datasets.Dataset.from_dict({name: [] for name in features}, features)
    key = None
    if AUDIO_HASH in rows.column_names:
        digest = hashlib.sha256(f"fingerprints {VERSION} {rows[AUDIO_HASH][:]!r}".encode())
        key = digest.hexdigest()[:32]
    recordings = rows.select_columns(AUDIO)
    make = partial(
        recordings.with_format("arrow").map,  # leaves the bytes alone, also in a column of `datasets.Audio`
        _compute,
        batched=True,
        batch_size=_BATCH,
        features=features,
        remove_columns=AUDIO,
        num_proc=num_proc,
        new_fingerprint=key,
        load_from_cache_file=key is not None,
        desc="fingerprints",
    )
    files = partial(cache_files, recordings, key) if key else list
    if not files():
        steps.info("listening for near-duplicates among %d clips", len(rows))
    return sealed(make, files).with_format(None)


def _compute(table: pa.Table) -> dict[str, list[Any]]:
    hashes, fingerprints = [], []
    for clip in table[AUDIO].to_pylist():
        samples, rate = decode(clip["bytes"] or clip["path"], clip["path"], math.inf)
        hashes.append(audio_hash(samples, rate))
        fingerprints.append(fingerprint(samples, rate).astype("<u4").tobytes())
    return {AUDIO_HASH: hashes, FINGERPRINT: fingerprints}
