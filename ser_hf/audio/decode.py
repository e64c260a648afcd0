"""Any file libsndfile reads, to mono float32: the content decides, not the extension."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from ser_hf.base.errors import AudioError, TooLongError
from ser_hf.base.plain import one_line

from . import _containers, _foreign
from ._channels import mono
from ._kinds import Kind, foreign, refused
from ._opened import Opened, opened, size_of, unreadable
from ._quiet import quiet_mp3
from .parts import go_to, named_part, span

LONGEST = 3600.0
"""Seconds: no clip of a corpus of emotional speech is longer by default; a small file may claim to be."""
RATES = 1_000, 768_000
"""Hz: lower ones are a header's lie, or make a resampler's output endless; higher ones no recorder has."""
_BLOCK = 1 << 22
"""Samples read at once; a header may declare any number, so no array is made larger than what really follows."""
_LARGE = 64 << 20
"""Bytes above which the header is judged before the file is read."""
_HEAD = 1 << 12
"""Bytes that tell what a file is."""

_LOUDEST = 2.0**31
"""Of floating-point files, some of which hold integers that nobody scaled."""
_PACKED = ("FLAC", "OGG", "MP3")
_MOST_PER_BYTE = 16
"""Frames of a file of another format, of whose codecs NMS ADPCM has the most, eight."""
_UNKNOWN = 1 << 62
"""libsndfile tells the largest number it knows for a stream of unknown length."""


class Recording(NamedTuple):
    """A decoded file.

    Attributes:
        samples: float32 ``(n,)``, the mean of the channels.
        rate: in Hz.
        peak: the largest absolute sample.
        channels: in the file.
        container: as libsndfile names it, e.g. ``"WAV"``; what it does not read is named in words.
        data: the file's own bytes; none for a part of one.
    """

    samples: np.ndarray
    rate: int
    peak: float
    channels: int
    container: str
    data: bytes


def decode(
    source: str | Path | bytes, name: str | None = None, max_duration: float = LONGEST
) -> tuple[np.ndarray, int]:
    """Reads a whole recording and mixes its channels down to one by their mean.

    Args:
        source: a path, the name of a part of a file (see `ser_hf.audio.parts`), or the bytes of an audio file. WAV,
            AIFF, FLAC, OGG and MP3 are recognised by content; M4A, MP4, WebM, AMR and others need the extra ``codec``.
        name: how error messages call the source; its path by default.
        max_duration: seconds; a longer recording is refused, by its header where that says so.

    Returns:
        Samples, float32 ``(n,)``, and the sampling rate in Hz. Integer formats are scaled to [-1, 1).

    Raises:
        AudioError: the source is missing, a device or pipe, empty, a Git-LFS pointer, not audio, truncated, without
            samples, too long, sampled outside ``RATES``, needs more memory than there is, or holds samples that are not
            finite. The message names the source and the reason.
    """
    recording = read_recording(source, name, max_duration)
    return recording.samples, recording.rate


def read_recording(source: str | Path | bytes, name: str | None = None, max_duration: float = LONGEST) -> Recording:
    """Like `decode`, with what the file says about itself, and its bytes."""
    called = one_line(name or ("the audio bytes" if isinstance(source, bytes) else str(source)))
    try:
        if not isinstance(source, bytes) and (part := named_part(source)):
            return _read_part(*part, called, max_duration)
        data = source if isinstance(source, bytes) else _read(Path(source), called, max_duration)
        return _recording(data, called, max_duration)
    except MemoryError as error:
        raise AudioError(f"{called} needs more memory than there is; leave it out, or cut it") from error


def _recording(data: bytes, called: str, max_duration: float) -> Recording:
    reason = _containers.not_audio(data)
    if reason:
        raise AudioError(f"{called} {reason}")
    kind = foreign(data)
    if kind:
        return _decode_foreign(data, kind, called, max_duration)
    try:
        samples, rate, channels, container, declared = _decode(data, called, max_duration)
    except soundfile.SoundFileError as error:
        kind = refused(data)
        if kind:
            return _decode_foreign(data, kind, called, max_duration)
        raise damage(error, data, called) from error
    check_whole(len(samples), declared, data, called)
    samples = samples[: _containers.frames(data, len(samples))]
    return Recording(samples, rate, _peak(samples, called), channels, container, data)


def _read(path: Path, called: str, max_duration: float, most: int = -1) -> bytes:
    """The bytes of a file, at most so many where that is said."""
    try:
        if size_of(path, called) > _LARGE and most < 0:
            _judge_header(path, called, max_duration)
        with open(path, "rb", buffering=0) as file:  # a buffer costs more than the reading
            return file.readall() if most < 0 else file.read(most)
    except OSError as error:
        raise unreadable(error, called) from error


def _read_part(path: str, start: float, end: float | None, called: str, max_duration: float) -> Recording:
    """A part of a file, of which no more is decoded than it needs where libsndfile reads the format."""
    with opened(path, called) as about:
        native = not _containers.not_audio(about) and not foreign(about)
    if native:
        try:
            with _by_content(path) as file:
                rate, channels, container = int(file.samplerate), int(file.channels), str(file.format)
                if 0 < file.frames < _UNKNOWN:
                    first, last = span(int(file.frames), rate, start, end, called)
                    check_form(called, last - first, rate, max_duration)
                    go_to(file, first)
                    samples = mono(file.read(last - first, dtype="float32"))
                    if len(samples) < last - first:
                        raise AudioError(f"{called} is truncated: {len(samples)} of {last - first} frames decoded")
                    return Recording(samples, rate, _peak(samples, called), channels, container, b"")
        except soundfile.SoundFileError:  # the whole file is asked what is wrong with it
            pass
    whole = _recording(_read(Path(path), called, math.inf), called, math.inf)
    first, last = span(len(whole.samples), whole.rate, start, end, called)
    check_form(called, last - first, whole.rate, max_duration)
    samples = whole.samples[first:last]
    return whole._replace(samples=samples, peak=_peak(samples, called), data=b"")


def _judge_header(path: Path, called: str, max_duration: float) -> None:
    """Refuses a large file that is too long by its own account, no audio, or audio for the smallest part."""
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    kind = foreign(head)
    if kind:
        with opened(path, called) as whole, _foreign.sound(whole, kind, called):
            return
    with opened(path, called) as whole:
        if reason := _containers.not_audio(whole):
            raise AudioError(f"{called} {reason}")
    try:
        with _by_content(path) as about:
            frames, rate, channels = int(about.frames), int(about.samplerate), int(about.channels)
    except soundfile.SoundFileError as error:
        raise AudioError(f"{called} {_containers.describe(head, _detail(error))}") from error
    check_form(called, frames, rate, max_duration)
    size, sound = path.stat().st_size, 8 * channels * min(frames, max_duration * rate)
    if size > _LARGE + sound:
        raise AudioError(
            f"{called} is {size} bytes long and holds at most {sound:.0f} of sound; cut off what follows it"
        )


@contextmanager
def _by_content(path: str | Path) -> Iterator[soundfile.SoundFile]:
    """Opens a file for libsndfile, which, told a name, would take anything called ``.mp3`` for MP3, and say so."""
    with open(path, "rb", buffering=0) as file:
        head = file.read(4)
        file.seek(0)
        with quiet_mp3(head), soundfile.SoundFile(file.fileno(), closefd=False) as opened_file:
            yield opened_file


def check_form(called: str, frames: int, rate: int, max_duration: float) -> None:
    """Refuses a rate nobody records at, and a recording that is too long; a stream of unknown length passes.

    Raises:
        AudioError: with the limit, and what to do.
    """
    if not RATES[0] <= rate <= RATES[1]:
        raise AudioError(f"{called} says it is sampled at {rate} Hz; expected {RATES[0]} to {RATES[1]}")
    if frames < _UNKNOWN and not frames <= max_duration * rate:  # a limit that is not a number lets nothing through
        raise TooLongError(
            f"{called} is too long: {frames / rate:,.0f} s, and the limit is {max_duration:g} s; cut it, or raise the "
            "limit by max_duration",
            frames / rate,
            max_duration,
        )


def _decode(data: bytes, called: str, max_duration: float) -> tuple[np.ndarray, int, int, str, int]:
    """Samples, rate, channels, container and the number of frames the header declares."""
    with quiet_mp3(data[:4]), soundfile.SoundFile(Opened(io.BytesIO(data))) as file:
        declared, rate, channels = int(file.frames), int(file.samplerate), int(file.channels)
        check_claim(file, len(data), called)
        about = rate, channels, str(file.format), declared
        check_form(called, declared, rate, max_duration)
        block = max(1, _BLOCK // channels)
        if declared <= block:
            return mono(file.read(declared, dtype="float32")), *about  # a damaged one may deny its length
        blocks: list[np.ndarray] = []
        length = 0
        while not blocks or len(blocks[-1]) == block:
            blocks.append(mono(file.read(block, dtype="float32")))
            length += len(blocks[-1])
            check_form(called, length, rate, max_duration)
        return np.concatenate(blocks), *about


def _decode_foreign(data: bytes, kind: Kind, called: str, max_duration: float) -> Recording:
    """The sound of a video, or of a format of telephones and browsers."""
    blocks: list[np.ndarray] = []
    length = 0
    with _foreign.sound(Opened(io.BytesIO(data)), kind, called) as sound:
        for block in sound.blocks():
            blocks.append(block)
            length += len(block)
            check_form(called, length, sound.rate, max_duration)
    samples = np.concatenate(blocks)
    return Recording(samples, sound.rate, _peak(samples, called), sound.channels, kind.words, data)


def check_claim(file: soundfile.SoundFile, size: int, called: str) -> None:
    """Refuses a recording of more frames than so many bytes can hold, of which libsndfile makes up those missing.

    Raises:
        AudioError: it is one.
    """
    packed = file.format in _PACKED or str(file.subtype).startswith(("ALAC", "DWVW"))
    if not packed and _MOST_PER_BYTE * size < file.frames < _UNKNOWN:
        raise AudioError(
            f"{called} is truncated: {file.frames} frames declared in {size} bytes; fetch or copy it again"
        )


def check_whole(decoded: int, declared: int, data: _containers.Sliced, called: str) -> None:
    """Refuses a recording that holds less than it declares.

    Raises:
        AudioError: with what is missing.
    """
    cut = _containers.missing(data)
    if cut is None and decoded < declared < _UNKNOWN and _containers.counts_frames(data):
        cut = f"{declared} frames declared, {decoded} decoded"
    if cut:
        raise AudioError(f"{called} is truncated: {cut}; fetch or copy it again")


def damage(error: soundfile.SoundFileError, data: _containers.Sliced, called: str) -> AudioError:
    """What to say of a file that libsndfile refuses."""
    cut = _containers.missing(data)
    return AudioError(f"{called} {f'is truncated: {cut}' if cut else _containers.describe(data, _detail(error))}")


def check_finite(samples: np.ndarray, called: str) -> float:
    """The largest absolute one of some samples.

    Raises:
        AudioError: one is not finite, or louder than any converter makes them, so that sums of them would not be.
    """
    peak = float(np.maximum(samples.max(), -samples.min()))  # NaN goes through, unlike in Python's max
    if not math.isfinite(peak):
        raise AudioError(f"{called} holds {np.count_nonzero(~np.isfinite(samples))} samples that are NaN or infinite")
    if peak > _LOUDEST:
        raise AudioError(f"{called} reaches {peak:.3g} where 1 is full scale; it is damaged, so fetch or copy it again")
    return peak


def _peak(samples: np.ndarray, called: str) -> float:
    if not len(samples):
        raise AudioError(f"{called} holds no samples")
    return check_finite(samples, called)


def _detail(error: soundfile.SoundFileError) -> str:
    text = error.error_string if isinstance(error, soundfile.LibsndfileError) else str(error)
    return text.removeprefix("Error : ").rstrip(". ")
