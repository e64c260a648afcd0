"""Recordings of any length, block by block: three hours take no more memory than a minute."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import soxr

from ser_hf.base.errors import AudioError
from ser_hf.base.plain import one_line

from . import _containers, _foreign
from ._channels import mono
from ._kinds import Kind, foreign, refused
from ._opened import Opened, Source, opened
from ._quiet import quiet_mp3
from .decode import check_claim, check_finite, check_form, check_whole, damage
from .load import load
from .parts import named_part

BLOCK = 10.0
"""Seconds decoded at once."""
_UNKNOWN = 1 << 62


class _Stream(NamedTuple):
    """What a file gives while it is open: its rate in Hz, its seconds by its header, its sound as it is decoded."""

    rate: int
    seconds: float | None
    blocks: Iterator[np.ndarray]


class _Onward(soundfile.SoundFile):
    """A file read from its start to its end.

    Soundfile seeks after every reading, to where it is; in MP3 that spoils the next frames, and libmpg123 complains.
    """

    def seekable(self) -> bool:
        """Says that it is not."""
        return False


def blocks(
    source: Source, rate: int, block: float = BLOCK, name: str | None = None, max_duration: float = math.inf
) -> Iterator[np.ndarray]:
    """Reads a recording as mono float32 blocks ``(n,)`` at ``rate`` Hz, and holds no more of it than a block.

    Put together they are what `ser_hf.audio.load` gives, within 1e-4 and a sample of its length.

    Args:
        source: a path; the bytes of an audio file; a file opened for reading bytes, which is read from its first byte.
            The part of a file (see `ser_hf.audio.parts`) is loaded whole.
        rate: Hz wanted.
        block: seconds of a block, more or less; none is empty.
        name: how error messages call the source; its path by default.
        max_duration: seconds; a longer recording is refused, by its header where that says so.

    Raises:
        AudioError: as `ser_hf.audio.decode`. What is wrong with the header is said before the first block; what is
            wrong further on, or missing at the end, when it is reached: what came before is given.

    >>> import io, soundfile
    >>> soundfile.write(file := io.BytesIO(), np.zeros(8000 * 25), 8000, format="FLAC")
    >>> [len(block) for block in blocks(file, 8000)]
    [80000, 80000, 40000]
    """
    called = _name(source, name)
    if rate <= 0 or not block > 0:
        raise AudioError(f"the rate and the length of a block must be positive, not {rate} Hz and {block} s")
    if isinstance(source, str | Path) and named_part(source):
        size = max(1, round(block * rate))
        whole = load(source, rate, name, max_duration)
        yield from (whole[start : start + size] for start in range(0, len(whole), size))
        return
    try:
        with opened(source, called) as file, _stream(file, called, block, max_duration) as stream:
            given = False
            for samples in _resampled(_checked(stream, called, max_duration), stream.rate, rate):
                given = True
                yield samples
            if not given:
                raise AudioError(f"{called} holds too few samples at {stream.rate} Hz: none is left at {rate} Hz")
    except MemoryError as error:
        raise AudioError(f"{called} needs more memory than there is; leave it out, or cut it") from error


def duration(source: Source, name: str | None = None) -> float | None:
    """The seconds of a recording as its header tells them; None where it does not (AMR, AAC, a browser's recording).

    Args:
        source: a path, bytes or an open file, as for `blocks`.
        name: how error messages call the source.

    Raises:
        AudioError: it is not readable audio.
    """
    called = _name(source, name)
    part = named_part(source) if isinstance(source, str | Path) else None
    with opened(part[0] if part else source, called) as file, _stream(file, called, BLOCK, math.inf) as stream:
        if part is None:
            return stream.seconds
        end = stream.seconds if part[2] is None else part[2]
        return None if end is None else max(0.0, end - part[1])


def _name(source: Source, name: str | None) -> str:
    if name or isinstance(source, str | Path):
        return one_line(name or str(source))
    opened_as = getattr(source, "name", None)
    return one_line(opened_as) if isinstance(opened_as, str) else "the audio bytes"


@contextmanager
def _stream(file: Opened, called: str, block: float, max_duration: float) -> Iterator[_Stream]:
    """Opens what the first bytes say it is; its blocks are read inside the context."""
    reason = _containers.not_audio(file)
    if reason:
        raise AudioError(f"{called} {reason}")
    kind = foreign(file) or _refused(file)
    if kind:
        with _foreign.sound(file, kind, called) as sound:
            yield _Stream(sound.rate, sound.seconds, _foreign_blocks(sound, block))
        return
    try:
        with quiet_mp3(file[:4]):
            native = _Onward(file)
    except soundfile.SoundFileError as error:
        raise damage(error, file, called) from error
    with native:
        frames, rate = int(native.frames), int(native.samplerate)
        check_form(called, frames, rate, max_duration)
        check_claim(native, len(file), called)
        end = _containers.frames(file, frames)
        seconds = end / rate if end < _UNKNOWN and _containers.counts_frames(file) else None
        yield _Stream(rate, seconds, _native_blocks(file, native, end, called, block))


def _refused(file: Opened) -> Kind | None:
    """The kind of a file that libsndfile should read and does not."""
    kind = refused(file)
    if kind:
        try:
            soundfile.SoundFile(file).close()
        except soundfile.SoundFileError:
            file.seek(0)
            return kind
        file.seek(0)
    return None


def _native_blocks(
    file: Opened, native: soundfile.SoundFile, end: int, called: str, block: float
) -> Iterator[np.ndarray]:
    size = max(1, round(block * native.samplerate / max(1, native.channels // 2)))
    count, head = 0, file[:4]
    try:
        while count < end:
            with quiet_mp3(head):
                samples = mono(native.read(min(size, end - count), dtype="float32"))
            if not len(samples):
                break
            count += len(samples)
            yield samples
    except soundfile.SoundFileError as error:
        raise damage(error, file, called) from error
    check_whole(count, end, file, called)


def _foreign_blocks(sound: _foreign.Sound, block: float) -> Iterator[np.ndarray]:
    """Puts frames, which are some milliseconds long, together."""
    held: list[np.ndarray] = []
    count = 0
    for samples in sound.blocks():
        held.append(samples)
        count += len(samples)
        if count >= block * sound.rate:
            yield np.concatenate(held)
            held, count = [], 0
    if held:
        yield np.concatenate(held)


def _checked(stream: _Stream, called: str, max_duration: float) -> Iterator[np.ndarray]:
    count = 0
    for samples in stream.blocks:
        count += len(samples)
        check_form(called, count, stream.rate, max_duration)
        check_finite(samples, called)
        yield samples
    if not count:
        raise AudioError(f"{called} holds no samples")


def _resampled(sound: Iterable[np.ndarray], rate: int, target: int) -> Iterator[np.ndarray]:
    if rate == target:
        yield from sound
        return
    converter = soxr.ResampleStream(rate, target, 1, dtype="float32", quality="HQ")
    for samples in sound:
        if len(converted := converter.resample_chunk(np.ascontiguousarray(samples))):
            yield converted
    if len(converted := converter.resample_chunk(np.zeros(0, np.float32), last=True)):
        yield converted
