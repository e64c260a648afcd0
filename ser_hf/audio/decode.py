"""Any file libsndfile reads, to mono float32: the content decides, not the extension."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import soundfile

from ser_hf.errors import AudioError

from . import _containers

_BLOCK = 1 << 22
"""Frames read at once; a header may declare any number, so no array is made larger than what really follows."""

_UNKNOWN = 1 << 62
"""libsndfile tells the largest number it knows for a stream of unknown length."""


class _Bytes(io.BytesIO):
    """Bytes to read from; a position before the start, which damaged files ask for, is refused without an exception.

    An exception inside libsndfile's callback would be printed as a traceback and then ignored.
    """

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return -1 if whence == io.SEEK_SET and offset < 0 else super().seek(offset, whence)


def decode(source: str | Path | bytes, name: str | None = None) -> tuple[np.ndarray, int]:
    """Reads a whole recording and mixes its channels down to one by their mean.

    Args:
        source: a path, or the bytes of an audio file. WAV, AIFF, FLAC, OGG and MP3 are recognised by content.
        name: how error messages call the source; its path by default.

    Returns:
        Samples, float32 ``(n,)``, and the sampling rate in Hz. Integer formats are scaled to [-1, 1).

    Raises:
        AudioError: the source is missing, empty, a Git-LFS pointer, not audio, truncated, without samples, or it
            holds samples that are not finite. The message names the source and the reason.
    """
    called = name or ("the audio bytes" if isinstance(source, bytes) else str(source))
    data = source if isinstance(source, bytes) else _read(Path(source), called)
    reason = _containers.not_audio(data)
    if reason:
        raise AudioError(f"{called} {reason}")
    try:
        samples, rate, declared = _decode(data)
    except soundfile.SoundFileError as error:
        cut = _containers.missing(data)
        reason = f"is truncated: {cut}" if cut else _containers.describe(data, _detail(error))
        raise AudioError(f"{called} {reason}") from error
    _check(samples, declared, data, called)
    return samples, rate


def _read(path: Path, called: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise AudioError(f"{called} does not exist; check the path") from error
    except IsADirectoryError as error:
        raise AudioError(f"{called} is a folder, not an audio file") from error
    except OSError as error:
        raise AudioError(f"{called} cannot be read: {error.strerror or error}") from error


def _decode(data: bytes) -> tuple[np.ndarray, int, int]:
    """Samples, rate and the number of frames the header declares."""
    with soundfile.SoundFile(_Bytes(data)) as file:
        declared, rate = int(file.frames), int(file.samplerate)
        if declared <= _BLOCK:
            return _mono(file.read(dtype="float32")), rate, declared
        blocks = [_mono(file.read(_BLOCK, dtype="float32"))]
        while len(blocks[-1]) == _BLOCK:
            blocks.append(_mono(file.read(_BLOCK, dtype="float32")))
        return np.concatenate(blocks), rate, declared


def _mono(samples: np.ndarray) -> np.ndarray:
    return samples if samples.ndim == 1 else samples.mean(axis=1, dtype=np.float32)


def _check(samples: np.ndarray, declared: int, data: bytes, called: str) -> None:
    cut = _containers.missing(data)
    if cut is None and len(samples) < declared < _UNKNOWN and _containers.counts_frames(data):
        cut = f"{declared} frames declared, {len(samples)} decoded"
    if cut:
        raise AudioError(f"{called} is truncated: {cut}; fetch or copy it again")
    if not len(samples):
        raise AudioError(f"{called} holds no samples")
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(samples.sum())
    if not math.isfinite(total) and not np.isfinite(samples).all():
        raise AudioError(f"{called} holds {np.count_nonzero(~np.isfinite(samples))} samples that are NaN or infinite")


def _detail(error: soundfile.SoundFileError) -> str:
    text = error.error_string if isinstance(error, soundfile.LibsndfileError) else str(error)
    return text.removeprefix("Error : ").rstrip(". ")
