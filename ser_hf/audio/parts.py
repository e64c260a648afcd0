"""Parts of files: named by a media fragment, ``calls/7.flac#t=0.5,1.7`` (W3C Media Fragments URI 1.0), in seconds."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import soundfile

from ser_hf.base.errors import AudioError
from ser_hf.base.plain import one_line

from ._containers import not_audio
from ._opened import opened
from ._quiet import quiet_mp3

_PART = re.compile(r"(.+)#t=(\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?", re.DOTALL)
_SLACK = 0.05
"""Seconds by which a part may end after its file: ends are rounded, and durations of lossy files are estimates."""
_KEPT = {"PCM_16": ("FLAC", "PCM_16"), "PCM_24": ("FLAC", "PCM_24"), "PCM_S8": ("FLAC", "PCM_S8")}
_SEEKS_NEAR = ("MP3", "OGG")
_BLOCK = 1 << 20
_CHANNELS = 8
"""FLAC takes no more."""


def part_name(path: str | Path, start: float | None, end: float | None) -> str:
    """The name of a part of a file.

    >>> part_name("a.wav", 0.5, 1.7), part_name("a.wav", 0.5, None), part_name("a.wav", None, None)
    ('a.wav#t=0.5,1.7', 'a.wav#t=0.5', 'a.wav')
    """
    if start is None:
        return str(path)
    return f"{path}#t={_seconds(start)}" + ("" if end is None else f",{_seconds(end)}")


def named_part(source: str | Path) -> tuple[str, float, float | None] | None:
    """File, start and end of the name of a part; None for any other name, and for a file that is called so.

    >>> named_part("a.wav#t=0.5,1.7"), named_part("a.wav")
    (('a.wav', 0.5, 1.7), None)
    """
    match = _PART.fullmatch(os.fspath(source))
    if match is None or os.path.exists(source):
        return None
    return match[1], float(match[2]), None if match[3] is None else float(match[3])


def span(frames: int, rate: int, start: float, end: float | None, called: str) -> tuple[int, int]:
    """The first frame of a part, and the one after its last.

    Raises:
        AudioError: the part is not inside the file.
    """
    first, last = round(start * rate), frames if end is None else round(end * rate)
    if first >= frames or last > frames + _SLACK * rate:
        at = f"starts at {start:g} s" if first >= frames else f"ends at {end:g} s"
        raise AudioError(f"{called} {at}, and the file ends at {frames / rate:.4g} s; mend its start and end")
    return first, min(last, frames)


def go_to(file: soundfile.SoundFile, frame: int) -> None:
    """Moves to a frame; in MP3 and OGG by reading what is before it, since libsndfile's seeking there is not exact."""
    if file.format not in _SEEKS_NEAR:
        file.seek(frame)
    while file.format in _SEEKS_NEAR and (left := frame - file.tell()) > 0:
        if not len(file.read(min(left, _BLOCK), dtype="float32")):
            break


def cut(source: str | Path | bytes, start: float, end: float | None, called: str) -> bytes:
    """A part of a file as a file of its own, equal to the sample: FLAC for integers, else 32-bit WAV.

    Raises:
        AudioError: the part is not inside the file, or it cannot be read.
    """
    called = one_line(called)
    try:
        with opened(source, called) as whole:
            reason = not_audio(whole)
            if reason:
                raise AudioError(f"{called} {reason}")
            with quiet_mp3(whole[:4]), soundfile.SoundFile(whole) as file:
                return _copied(file, start, end, called)
    except MemoryError as error:
        raise AudioError(f"{called} needs more memory than there is; leave it out, or cut it") from error
    except (soundfile.SoundFileError, OSError) as error:
        raise AudioError(f"{called} cannot be read: {getattr(error, 'error_string', error)}") from error


def _copied(file: soundfile.SoundFile, start: float, end: float | None, called: str) -> bytes:
    first, last = span(int(file.frames), int(file.samplerate), start, end, called)
    kind, subtype = _KEPT.get(file.subtype, ("WAV", "FLOAT")) if file.channels <= _CHANNELS else ("WAV", "FLOAT")
    go_to(file, first)
    samples = file.read(last - first, dtype="float32" if subtype == "FLOAT" else "int32")
    result = io.BytesIO()
    soundfile.write(result, samples, file.samplerate, format=kind, subtype=subtype)
    return result.getvalue()


def _seconds(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
