"""Sound of any length as blocks of mono samples at a model's rate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from ser_hf.audio.accepted import recording
from ser_hf.audio.decode import RATES
from ser_hf.audio.parts import named_part
from ser_hf.base.errors import AudioError, SerHfError

_BLOCK = 30.0
"""Seconds read at once."""


def name_of(source: Any) -> str:
    """What messages and results call a recording: its path, or the name of the file it was opened from."""
    name = source if isinstance(source, str | Path) else getattr(source, "name", None)
    return str(name) if isinstance(name, str | Path) else "the recording"


def sound_of(source: Any, rate: int, sampling_rate: int | None = None) -> Iterator[np.ndarray]:
    """Blocks of a recording, mono float32 at ``rate`` Hz; a file is never held whole.

    Args:
        source: a path, or whatever `ser_hf.audio.accepted.recording` takes.
        rate: Hz wanted.
        sampling_rate: Hz of bare samples.

    Raises:
        AudioError: it is not readable; what came before is given.
    """
    if isinstance(source, str | Path) and named_part(source) is None and _readable(source):
        yield from _of_file(source, rate)
        return
    size = round(_BLOCK * rate)
    _, samples = recording(source, rate, sampling_rate, max_duration=float("inf"), called=name_of(source))
    for start in range(0, len(samples), size):
        yield samples[start : start + size]


def resampled(blocks: Iterable[np.ndarray], rate: int, target: int) -> Iterator[np.ndarray]:
    """Converts mono blocks from ``rate`` to ``target`` Hz as they come; they differ by nothing from the whole.

    Raises:
        SerHfError: nobody records at this rate, or a block is not a finite float array ``(n,)``.
    """
    if not RATES[0] <= rate <= RATES[1]:
        raise SerHfError(f"the rate is {rate} Hz; expected {RATES[0]} to {RATES[1]}")
    return _converted(blocks, rate, target)


def _converted(blocks: Iterable[np.ndarray], rate: int, target: int) -> Iterator[np.ndarray]:
    stream = None if rate == target else soxr.ResampleStream(rate, target, 1, dtype="float32", quality="HQ")
    for block in blocks:
        samples = np.ascontiguousarray(_checked(block))
        given = samples if stream is None else stream.resample_chunk(samples)
        if len(given):
            yield given
    if stream is not None and len(given := stream.resample_chunk(np.zeros(0, np.float32), last=True)):
        yield given


def _checked(block: Any) -> np.ndarray:
    samples = np.asarray(block)
    if samples.ndim != 1 or samples.dtype.kind != "f":
        raise SerHfError(
            f"a block has the shape {samples.shape} and holds {samples.dtype}; expected mono float samples (n,)"
        )
    if not np.isfinite(samples).all():
        raise SerHfError("a block holds samples that are NaN or infinite; expected numbers in [-1, 1]")
    return samples.astype(np.float32, copy=False)


def _readable(path: str | Path) -> bool:
    try:
        return int(soundfile.info(str(path)).frames) > 0
    except (soundfile.SoundFileError, OSError):
        return False


def _of_file(path: str | Path, rate: int) -> Iterator[np.ndarray]:
    try:
        with soundfile.SoundFile(str(path)) as file:
            own = int(file.samplerate)
            blocks = file.blocks(round(_BLOCK * own), dtype="float32", always_2d=True)
            yield from resampled((block.mean(axis=1, dtype=np.float32) for block in blocks), own, rate)
    except (soundfile.SoundFileError, OSError) as error:
        raise AudioError(f"{path} cannot be read: {error}") from error
    except SerHfError as error:
        raise AudioError(f"{path}: {error}") from error
