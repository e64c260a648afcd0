"""Decode and resample in one step."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from ser_hf.base.errors import AudioError
from ser_hf.base.plain import one_line

from ._channels import mono
from .decode import LONGEST, check_form, decode
from .resample import resample


def load(
    source: str | Path | bytes | memoryview,
    sampling_rate: int,
    name: str | None = None,
    max_duration: float = LONGEST,
) -> np.ndarray:
    """Mono float32 samples ``(n,)`` of a path or of a file's bytes at ``sampling_rate`` Hz.

    A recording is held whole: an hour at 48 kHz takes 0.7 GB until it is resampled.

    Args:
        source: a path, or the bytes of an audio file; a view of them is not copied where they are plain WAV.
        sampling_rate: rate of the result in Hz.
        name: how error messages call the source.
        max_duration: seconds; a longer recording is refused.

    Raises:
        AudioError: see ``decode`` and ``resample``; or the recording is shorter than half a sample of the result.
    """
    called = one_line(name or (str(source) if isinstance(source, str | Path) else "the audio bytes"))
    try:
        plain = None if isinstance(source, str | Path) else _plain_wav(source)
        if plain is not None:
            check_form(called, len(plain[0]), plain[1], max_duration)
        samples, rate = plain or decode(bytes(source) if isinstance(source, memoryview) else source, name, max_duration)
        resampled = resample(samples, rate, sampling_rate)
    except MemoryError as error:
        raise AudioError(f"{called} needs more memory than there is; leave it out, or cut it") from error
    if not len(resampled):
        raise AudioError(f"{called} holds {len(samples)} samples at {rate} Hz: none is left at {sampling_rate} Hz")
    return resampled


def _plain_wav(data: bytes | memoryview) -> tuple[np.ndarray, int] | None:
    """What ``decode`` gives, to the bit, of a whole WAV file of 16-bit PCM; None for anything else.

    Most corpora are such files, and libsndfile, called back for every few kilobytes, takes several times as long.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return None
    at, form = 12, (0, 0, 0, 0, 0, 0)
    while at + 8 <= len(data):
        chunk, size = struct.unpack_from("<4sI", data, at)
        at += 8
        if chunk == b"fmt " and 16 <= size <= len(data) - at:
            form = struct.unpack_from("<HHIIHH", data, at)
        elif chunk == b"data":
            kind, channels, rate, _, width, bits = form
            plain = (kind, bits) == (1, 16) and 0 < rate < 1 << 31 and 0 < channels <= 1024 and width == 2 * channels
            whole = 0 < size <= len(data) - at and size % width == 0 if plain else False
            return (_scaled(data, at, size, channels), rate) if whole else None
        at += size + size % 2
    return None


def _scaled(data: bytes | memoryview, start: int, size: int, channels: int) -> np.ndarray:
    values = np.frombuffer(data, "<i2", size // 2, start)
    samples = np.empty(values.shape, np.float32)
    np.multiply(values, np.float32(1 / 32768), out=samples)
    return samples if channels == 1 else mono(samples.reshape(-1, channels))
