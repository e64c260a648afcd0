"""The ``map`` step: audio rows in, a column of embeddings out, cached by ``datasets``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import datasets

from ser_hf.base.errors import SerHfError
from ser_hf.features import add_features
from ser_hf.records import INPUT_FEATURES

from .extractor import build_embeddings

EMBEDDING = "embedding"
Rows = TypeVar("Rows", datasets.Dataset, datasets.DatasetDict, datasets.IterableDataset, datasets.IterableDatasetDict)


def add_embeddings(
    dataset: Rows,
    checkpoint: str,
    *,
    layers: Sequence[int] | None = None,
    pooling: str = "mean",
    dtype: str = "auto",
    trim_db: float | None = None,
    device: str = "auto",
    batch_size: int = 64,
    num_proc: int | None = None,
    keep_audio: bool = True,
) -> Rows:
    """Adds ``embedding``, ``(len(layers), D)`` float32, to every row.

    The embedding of a clip is its own: padding is neither attended to nor pooled. It is cached as `add_features` says,
    and found again for the same rows, settings and weights.

    Args:
        dataset: rows with an ``audio`` column of ``{bytes, path}`` (``datasets.Audio`` is one); of a dictionary all
            splits.
        checkpoint: a speech transformer on the Hub or in a folder: one of `ser_hf.finetuning.FAMILIES`, as published or
            fine-tuned by ``ser-hf train``.
        layers: numbers of layers, 0 for what the first one takes; None: all.
        pooling: over time: ``mean`` (D is the size of a layer), ``mean_std`` or ``attention`` (twice that).
        dtype: ``float32``, ``bfloat16``, or ``auto``: bfloat16 where the hardware has it.
        trim_db: silence at both ends this many dB under the loudest frame is cut, for Whisper; None keeps it.
        device: ``auto`` takes a GPU where there is one.
        batch_size: clips decoded together.
        num_proc: worker processes; see `add_features`.
        keep_audio: leave the recordings in the rows.

    Raises:
        AudioError: a clip cannot be used; the message names it.
        SerHfError: no such checkpoint or layer, there is no audio column, or there are embeddings already.
    """
    parts = dataset if isinstance(dataset, dict) else {"": dataset}
    for part in parts.values():
        if EMBEDDING in (part.column_names or ()):
            raise SerHfError(f"the dataset has {EMBEDDING!r} already; remove that column to compute it anew")
    extractor = build_embeddings(checkpoint, layers=layers, pooling=pooling, dtype=dtype, trim_db=trim_db)
    found = add_features(
        dataset, extractor, device=device, batch_size=batch_size, num_proc=num_proc, keep_audio=keep_audio
    )
    return found.rename_column(INPUT_FEATURES, EMBEDDING)
