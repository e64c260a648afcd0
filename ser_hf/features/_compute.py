"""Recordings in, features out: the one way both of the map step and of the live rows, so that they agree."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from ser_hf.audio import load
from ser_hf.base.errors import AudioError
from ser_hf.models import SerFeatureExtractor
from ser_hf.records import INPUT_FEATURES

from ._finite import TOO_LOUD, check_finite

HELD = 1 << 24
"""Samples (64 MiB) after which what is decoded is transformed and let go, so that long recordings do not add up."""


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
        batch = extractor(waveforms, sampling_rate=extractor.sampling_rate, device=device)
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
