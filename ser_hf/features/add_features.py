"""The ``map`` step: audio rows in, a column of log-mel features out, cached by ``datasets``."""

from __future__ import annotations

import multiprocessing
from typing import Any, TypeVar, cast

import datasets
import numpy as np
import torch

from ser_hf.audio import load
from ser_hf.errors import SerHfError
from ser_hf.models import SerFeatureExtractor
from ser_hf.records import AUDIO, INPUT_FEATURES

Rows = TypeVar("Rows", datasets.Dataset, datasets.DatasetDict)


class LogMelStep:
    """The callable behind `add_features`; its settings are what the cache is keyed by."""

    def __init__(self, extractor: SerFeatureExtractor, device: str) -> None:
        self.extractor = extractor
        self.device = device

    def __call__(self, audio: list[dict[str, Any]], rank: int | None = None) -> dict[str, np.ndarray]:
        """Decodes, resamples and transforms a batch of ``{bytes, path}`` structs."""
        if multiprocessing.parent_process() is not None:
            torch.set_num_threads(1)  # a forked worker that starts threads can hang
        rate = self.extractor.sampling_rate
        waveforms = [load(clip["bytes"] or clip["path"], rate, name=clip["path"]) for clip in audio]
        features = self.extractor(waveforms, sampling_rate=rate, device=_of_rank(self.device, rank))
        return {INPUT_FEATURES: features[INPUT_FEATURES]}


def add_features(
    dataset: Rows,
    extractor: SerFeatureExtractor,
    *,
    device: str = "auto",
    batch_size: int = 64,
    num_proc: int | None = None,
    keep_audio: bool = True,
) -> Rows:
    """Adds ``input_features``, float32 ``(n_mels, n_frames)``, to every row.

    The result is cached by ``datasets``, keyed by the rows and the extractor's settings, and does not depend on the
    batch size, the neighbours of a clip or the number of processes.

    Args:
        dataset: rows with an ``audio`` column of ``{bytes, path}``; of a dictionary all splits.
        extractor: what computes the features.
        device: where STFT and mel product run: ``"auto"`` takes a GPU where there is one, else the CPU.
        batch_size: clips per call; on a GPU also the size of the batches sent there.
        keep_audio: leave the recordings in the rows; without them the cached copy is small.
        num_proc: worker processes; with GPUs, worker ``rank`` uses GPU ``rank % count``.

    Raises:
        AudioError: a clip cannot be decoded; the message names it.
        SerHfError: there is no audio column, or the device is not there.
    """
    if AUDIO not in _columns(dataset):
        raise SerHfError(f"the dataset has no {AUDIO!r} column (it has: {', '.join(_columns(dataset))})")
    where = _device(device)
    shape = (extractor.n_mels, extractor.n_frames)
    columns = {c: f for c, f in _features(dataset).items() if keep_audio or c != AUDIO}
    mapped = dataset.map(
        LogMelStep(extractor, where),
        batched=True,
        batch_size=batch_size,
        input_columns=AUDIO,
        features=datasets.Features({**columns, INPUT_FEATURES: datasets.Array2D(shape, "float32")}),
        remove_columns=None if keep_audio else AUDIO,
        with_rank=True,
        num_proc=num_proc,
        desc=f"log-mel on {where}",
    )
    return cast("Rows", mapped)


def _columns(dataset: datasets.Dataset | datasets.DatasetDict) -> list[str]:
    return list(_features(dataset))


def _features(dataset: datasets.Dataset | datasets.DatasetDict) -> datasets.Features:
    rows = next(iter(dataset.values())) if isinstance(dataset, datasets.DatasetDict) else dataset
    return rows.features


def _device(device: str) -> str:
    there = torch.cuda.is_available()
    if device == "auto":
        return "cuda" if there else "cpu"
    if device.startswith("cuda") and not there:
        raise SerHfError(f"device {device!r} was asked for and no GPU is visible; use device='cpu' or 'auto'")
    try:
        torch.device(device)
    except RuntimeError as error:
        raise SerHfError(f"unknown device {device!r}; expected 'auto', 'cpu', 'cuda' or 'cuda:N'") from error
    return device


def _of_rank(device: str, rank: int | None) -> str:
    return f"cuda:{(rank or 0) % torch.cuda.device_count()}" if device == "cuda" else device
