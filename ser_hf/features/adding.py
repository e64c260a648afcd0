"""The ``map`` step: audio rows in, a column of features out, cached by ``datasets``."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar, cast

import datasets

from ser_hf.base.errors import SerHfError, unknown
from ser_hf.models import SerFeatureExtractor
from ser_hf.records import AUDIO, INPUT_FEATURES

from ._cached import with_features
from ._step import FeatureStep, choose_device
from ._streamed import streamed
from ._workers import chosen_workers

Rows = TypeVar("Rows", datasets.Dataset, datasets.DatasetDict, datasets.IterableDataset, datasets.IterableDatasetDict)

DTYPES = ("float32", "float16")


def add_features(
    dataset: Rows,
    extractor: SerFeatureExtractor,
    *,
    device: str = "auto",
    batch_size: int = 64,
    num_proc: int | None = None,
    keep_audio: bool = True,
    dtype: str = "float32",
) -> Rows:
    """Adds ``input_features``, ``(n_mels, n_frames)``, to every row.

    The features of a clip are its own: neither batch size, nor neighbours, nor number of processes, nor streaming
    changes them by more than 1e-5 dB; on a GPU, which adds up in another order for other batches, 1e-3 dB.
    `LiveFeatureRows` gives the same without a cache.

    Of a dataset with files they are written to a file beside them, by ``datasets``, and the other columns are not
    written again unless rows were selected or shuffled. The file is found again for the same rows, settings of the
    extractor, dtype, kind of device and feature code. Rows are done in pieces of 8,192, of which every worker has its
    share: a run that was interrupted goes on after the shares that were finished. Features of a dataset in memory are
    in memory. Of a stream they are computed as rows are asked for, in the process that asks.

    What clips may hold: any rate, any number of channels, any length. They are decoded whole (an hour at 48 kHz takes
    0.7 GB), one at a time, but files below 4 MB by as many threads as torch may use;
    the extractor trims a clip and cuts its middle out, or pads it. Samples beyond 1 and clipped
    ones are taken as they are. A clip of zeros is as loud as its loudest point everywhere: 0 dB. A clip that is
    missing, damaged, empty, shorter than half a sample at the extractor's rate, or that holds NaN or infinity stops the
    run.

    Args:
        dataset: rows with an ``audio`` column of ``{bytes, path}`` (``datasets.Audio`` is one); of a dictionary all
            splits.
        extractor: what computes the features.
        device: where STFT and mel product run: ``"auto"`` takes a GPU where there is one, else the CPU.
        batch_size: clips per call; on a GPU also the size of the batches sent there.
        num_proc: worker processes. None takes as many as pay for so much sound (`ser_hf.features._workers`): none for
            less than 100 minutes, on a GPU, and where a network computes the features; 0 takes none. With GPUs, worker
            ``rank`` uses GPU ``rank % count``, and workers are spawned, so that a program needs its
            ``if __name__ == "__main__"``. A stream has none: the workers of a data loader read it.
        keep_audio: leave the recordings in the rows.
        dtype: ``"float32"``, or ``"float16"`` for half the file: decibels are exact to 0.02 dB over a range of 80.
            `FeatureRows` gives float32 of both.

    Raises:
        AudioError: a clip cannot be used; the message names it. Of a stream, when its row is asked for.
        SerHfError: there is no audio column, there are features already, or the device or dtype is not known.
    """
    where = choose_device(device)
    if dtype not in DTYPES:
        raise SerHfError(unknown("dtype", dtype, DTYPES))
    step = FeatureStep(extractor, where, dtype)
    if isinstance(dataset, datasets.DatasetDict | datasets.IterableDatasetDict):
        parts = {name: _of_rows(part, step, batch_size, num_proc, keep_audio) for name, part in dataset.items()}
        return cast("Rows", type(dataset)(parts))
    return cast("Rows", _of_rows(dataset, step, batch_size, num_proc, keep_audio))


def _of_rows(
    rows: datasets.Dataset | datasets.IterableDataset,
    step: FeatureStep,
    batch_size: int,
    num_proc: int | None,
    keep_audio: bool,
) -> datasets.Dataset | datasets.IterableDataset:
    # a stream that tells no types is asked for its first rows
    types = rows.features if rows.features is not None else rows._resolve_features().features
    if AUDIO not in types:
        raise SerHfError(f"the dataset has no {AUDIO!r} column (it has: {', '.join(types)})")
    if INPUT_FEATURES in types:
        raise SerHfError(f"the dataset has {INPUT_FEATURES!r} already; remove that column to compute it anew")
    types = {name: kind for name, kind in types.items() if keep_audio or name != AUDIO}
    step = replace(step, columns=tuple(types))
    if isinstance(rows, datasets.IterableDataset):
        return streamed(rows, types, step, batch_size)
    if not len(rows):
        types[INPUT_FEATURES] = step.feature()
        return datasets.Dataset.from_dict({name: [] for name in types}, datasets.Features(types), split=rows.split)
    if num_proc is None and not step.heavy:
        num_proc = chosen_workers(rows, step.device)
    return _formatted(with_features(rows, step, batch_size, num_proc), rows)


def _formatted(result: datasets.Dataset, rows: datasets.Dataset) -> datasets.Dataset:
    """The format of the rows, for the features as well."""
    shown = rows.format
    hidden = set(rows.column_names) - set(shown["columns"])
    if shown["type"] is None and not hidden:
        return result
    return result.with_format(
        shown["type"],
        columns=[name for name in result.column_names if name not in hidden],
        output_all_columns=shown["output_all_columns"],
        **shown["format_kwargs"],
    )
