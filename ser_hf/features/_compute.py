"""Recordings in, features out: the one way both of the map step and of the live rows, so that they agree."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pyarrow as pa

from ser_hf.audio import load
from ser_hf.base.errors import AudioError, NotFiniteError
from ser_hf.models import SerFeatureExtractor
from ser_hf.records import INPUT_FEATURES

from ._finite import TOO_LOUD, check_finite, naming

HELD = 1 << 24
"""Samples (64 MiB) after which what is decoded is transformed and let go, so that long recordings do not add up."""
SMALL = 4 << 20
"""Bytes of a file that may be decoded ahead: four minutes of MP3, which take 50 MB."""
_AHEAD = 4
"""Clips a thread, decoded or being decoded."""

Row = tuple[str, pa.StructScalar]
"""What a clip without a path is called, and its ``{bytes, path}``."""


def load_clip(clip: pa.StructScalar, rate: int, row: str) -> tuple[str, np.ndarray]:
    """What messages call a ``{bytes, path}`` struct of a table, and its samples ``(n,)`` float32 at ``rate`` Hz.

    Args:
        clip: bytes are taken before a path, and not copied.
        rate: in Hz.
        row: what a struct without a path is called.

    Raises:
        AudioError: there is neither, or it cannot be decoded.
    """
    data, path = (clip["bytes"], clip["path"].as_py()) if clip.is_valid else (None, None)
    source = memoryview(data.as_buffer()) if data is not None and data.is_valid else path
    if source is None:
        raise AudioError(f"{row} has no audio: neither bytes nor a path; leave it out")
    name = path or row
    return name, load(source, rate, name, math.inf)  # the limit was kept when the dataset was built


def load_clips(clips: Iterable[Row], rate: int, threads: int) -> Iterator[tuple[str, np.ndarray]]:
    """What `load_clip` gives of each (row, clip), in order.

    The resampler lets other threads run, so that two of them decode twice as many clips a second. What is large is
    decoded when it is asked for: long recordings must not add up.

    Args:
        clips: any number of them.
        rate: in Hz.
        threads: that decode; with one nothing is decoded ahead.

    Raises:
        AudioError: see `load_clip`; what comes before the clip is given first.
    """
    if threads < 2:
        for row, clip in clips:
            yield load_clip(clip, rate, row)
        return
    waiting: deque[tuple[str, pa.StructScalar, Future[tuple[str, np.ndarray]] | None]] = deque()
    pool = ThreadPoolExecutor(threads, "decoding")
    try:
        for row, clip in clips:
            told = pool.submit(load_clip, clip, rate, row) if size_of(clip) <= SMALL else None
            waiting.append((row, clip, told))
            if len(waiting) >= _AHEAD * threads:
                yield _told(*waiting.popleft(), rate)
        while waiting:
            yield _told(*waiting.popleft(), rate)
    finally:
        pool.shutdown(cancel_futures=True)


def _told(
    row: str, clip: pa.StructScalar, told: Future[tuple[str, np.ndarray]] | None, rate: int
) -> tuple[str, np.ndarray]:
    return load_clip(clip, rate, row) if told is None else told.result()


def size_of(clip: pa.StructScalar) -> float:
    """Bytes of a recording's file; infinite where nobody knows."""
    if not clip.is_valid:
        return 0
    if clip["bytes"].is_valid:
        return len(clip["bytes"].as_buffer())
    try:
        return os.path.getsize(clip["path"].as_py())
    except (OSError, TypeError, ValueError):  # `load_clip` tells what is wrong with it; or a part of a file
        return math.inf


def features_of(
    rows: Iterable[Row], extractor: SerFeatureExtractor, device: str, threads: int
) -> tuple[list[str], np.ndarray]:
    """What messages call one or more clips, and what `compute` gives of them."""
    names: list[str] = []

    def clips() -> Iterator[tuple[str, np.ndarray]]:
        for name, samples in load_clips(rows, extractor.sampling_rate, threads):
            names.append(name)
            yield name, samples

    features = compute(clips(), extractor, device)
    return names, features


def compute(clips: Iterable[tuple[str, np.ndarray]], extractor: SerFeatureExtractor, device: str) -> np.ndarray:
    """Features ``(B, n_mels, n_frames)`` float32 of one or more (name, samples), each of its own clip alone.

    Raises:
        AudioError: the samples of a clip, or what becomes of them, are not finite; the message names it.
    """
    parts: list[np.ndarray] = []
    names: list[str] = []
    waveforms: list[np.ndarray] = []
    held = 0
    for name, samples in clips:
        names.append(name)
        waveforms.append(samples)
        held += len(samples)
        if held >= HELD:
            parts.append(_transform(names, waveforms, extractor, device))
            names, waveforms, held = [], [], 0
    if waveforms:
        parts.append(_transform(names, waveforms, extractor, device))
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _transform(
    names: list[str], waveforms: list[np.ndarray], extractor: SerFeatureExtractor, device: str
) -> np.ndarray:
    try:
        with naming(names):
            batch = extractor(waveforms, sampling_rate=extractor.sampling_rate, device=device)
    except NotFiniteError:
        raise
    except ValueError:
        _name_culprit(names, waveforms, extractor)
        raise
    features = np.asarray(batch[INPUT_FEATURES])
    check_finite(features, names, TOO_LOUD)
    return features


def _name_culprit(names: list[str], waveforms: list[np.ndarray], extractor: SerFeatureExtractor) -> None:
    for name, samples in zip(names, waveforms, strict=True):
        try:
            extractor.prepare_waveform(samples)
        except ValueError as error:
            raise AudioError(f"{name}: {error}") from error
