"""Any file libsndfile reads, to mono float32: the content decides, not the extension."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from ser_hf.base.errors import AudioError, SerHfError
from ser_hf.base.optional import require

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


class Recording(NamedTuple):
    """A decoded file.

    Attributes:
        samples: float32 ``(n,)``, the mean of the channels.
        rate: in Hz.
        peak: the largest absolute sample.
        channels: in the file.
        container: as libsndfile names it, e.g. ``"WAV"``; ``"video"`` for what it does not read.
        data: the file's own bytes.
    """

    samples: np.ndarray
    rate: int
    peak: float
    channels: int
    container: str
    data: bytes


def decode(source: str | Path | bytes, name: str | None = None) -> tuple[np.ndarray, int]:
    """Reads a whole recording and mixes its channels down to one by their mean.

    Args:
        source: a path, or the bytes of an audio file. WAV, AIFF, FLAC, OGG and MP3 are recognised by content; MP4, WebM
            and AVI need the extra ``codec``.
        name: how error messages call the source; its path by default.

    Returns:
        Samples, float32 ``(n,)``, and the sampling rate in Hz. Integer formats are scaled to [-1, 1).

    Raises:
        AudioError: the source is missing, empty, a Git-LFS pointer, not audio, truncated, without samples, or it
            holds samples that are not finite. The message names the source and the reason.
    """
    recording = read_recording(source, name)
    return recording.samples, recording.rate


def read_recording(source: str | Path | bytes, name: str | None = None) -> Recording:
    """Like `decode`, with what the file says about itself, and its bytes."""
    called = name or ("the audio bytes" if isinstance(source, bytes) else str(source))
    data = source if isinstance(source, bytes) else _read(Path(source), called)
    reason = _containers.not_audio(data)
    if reason:
        raise AudioError(f"{called} {reason}")
    if _containers.is_video(data):
        return _decode_video(data, called)
    try:
        samples, rate, channels, container, declared = _decode(data)
    except soundfile.SoundFileError as error:
        cut = _containers.missing(data)
        reason = f"is truncated: {cut}" if cut else _containers.describe(data, _detail(error))
        raise AudioError(f"{called} {reason}") from error
    _check_length(samples, declared, data, called)
    return Recording(samples, rate, _peak(samples, called), channels, container, data)


def _read(path: Path, called: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:  # a buffer costs more than the reading
            return file.readall()
    except FileNotFoundError as error:
        raise AudioError(f"{called} does not exist; check the path") from error
    except IsADirectoryError as error:
        raise AudioError(f"{called} is a folder, not an audio file") from error
    except OSError as error:
        raise AudioError(f"{called} cannot be read: {error.strerror or error}") from error


def _decode(data: bytes) -> tuple[np.ndarray, int, int, str, int]:
    """Samples, rate, channels, container and the number of frames the header declares."""
    with soundfile.SoundFile(_Bytes(data)) as file:
        declared = int(file.frames)
        about = int(file.samplerate), int(file.channels), str(file.format), declared
        if declared <= _BLOCK:
            return _mono(file.read(declared, dtype="float32")), *about  # a damaged one may deny its length
        blocks = [_mono(file.read(_BLOCK, dtype="float32"))]
        while len(blocks[-1]) == _BLOCK:
            blocks.append(_mono(file.read(_BLOCK, dtype="float32")))
        return np.concatenate(blocks), *about


def _decode_video(data: bytes, called: str) -> Recording:
    """The sound of a video, by torchcodec where it is installed."""
    try:
        decoders = require("torchcodec.decoders", "codec")
    except (SerHfError, RuntimeError, OSError) as error:  # it is there, but FFmpeg's libraries are not
        raise AudioError(f"{called} {_containers.VIDEO}") from error
    try:
        sound = decoders.AudioDecoder(data).get_all_samples()
    except (RuntimeError, ValueError) as error:
        first = f"{error}".partition("\n")[0]
        raise AudioError(f"{called} is truncated, or a video without sound that torchcodec reads: {first}") from error
    channels = sound.data.numpy()
    samples = channels.mean(axis=0, dtype=np.float32)
    return Recording(samples, int(sound.sample_rate), _peak(samples, called), len(channels), "video", data)


def _mono(samples: np.ndarray) -> np.ndarray:
    return samples if samples.ndim == 1 else samples.mean(axis=1, dtype=np.float32)


def _check_length(samples: np.ndarray, declared: int, data: bytes, called: str) -> None:
    cut = _containers.missing(data)
    if cut is None and len(samples) < declared < _UNKNOWN and _containers.counts_frames(data):
        cut = f"{declared} frames declared, {len(samples)} decoded"
    if cut:
        raise AudioError(f"{called} is truncated: {cut}; fetch or copy it again")


def _peak(samples: np.ndarray, called: str) -> float:
    """The largest absolute sample; there must be one, and a finite one."""
    if not len(samples):
        raise AudioError(f"{called} holds no samples")
    peak = float(np.maximum(samples.max(), -samples.min()))  # NaN goes through, unlike in Python's max
    if not math.isfinite(peak):
        raise AudioError(f"{called} holds {np.count_nonzero(~np.isfinite(samples))} samples that are NaN or infinite")
    return peak


def _detail(error: soundfile.SoundFileError) -> str:
    text = error.error_string if isinstance(error, soundfile.LibsndfileError) else str(error)
    return text.removeprefix("Error : ").rstrip(". ")
