"""A recording's bytes as a file that decoders may ask for anything, wherever they are."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ser_hf.base.errors import AudioError

_FARTHEST = 1 << 43
"""Bytes."""

Source = str | Path | bytes | bytearray | memoryview | BinaryIO


class Opened:
    """A seekable file, for reading; a position no file has, which damaged ones ask for, moves nothing.

    An exception inside the callbacks of libsndfile and FFmpeg would be printed as a traceback and then ignored.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, io.SEEK_END)
        file.seek(0)
        self.read = file.read
        self.tell = file.tell

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves; -1 where that is before the start, or where no file system has a file."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._file.tell(), io.SEEK_END: self._size}.get(whence, 0)
        return self._file.seek(start + offset) if 0 <= start + offset <= _FARTHEST else -1

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice, /) -> bytes:
        """Reads a slice, and stays where it was."""
        start, stop, _ = part.indices(self._size)
        at = self._file.tell()
        self._file.seek(start)
        found = self._file.read(max(0, stop - start))
        self._file.seek(at)
        return found


def size_of(path: Path, called: str) -> int:
    """The bytes of a regular file.

    Raises:
        AudioError: it is something else.
        OSError: there is none, or it may not be asked.
    """
    about = os.stat(path)
    if stat.S_ISDIR(about.st_mode):
        raise AudioError(f"{called} is a folder, not an audio file")
    if not stat.S_ISREG(about.st_mode):  # it may never end
        raise AudioError(f"{called} is a device, pipe or socket, not an audio file")
    return about.st_size


def unreadable(error: OSError, called: str) -> AudioError:
    """What to say of a file that the system does not give."""
    if isinstance(error, FileNotFoundError):
        return AudioError(f"{called} does not exist; check the path")
    return AudioError(f"{called} cannot be read: {error.strerror or error}")


@contextmanager
def opened(source: Source, called: str) -> Iterator[Opened]:
    """Opens a path, bytes, or a file that is open already, and reads from its first byte; that one stays open.

    Raises:
        AudioError: there is no such file, it is none, it was opened as text, or it cannot be read from its start.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        yield Opened(io.BytesIO(source))
    elif isinstance(source, str | Path):
        try:
            size_of(Path(source), called)
            file = open(source, "rb")  # noqa: SIM115 - closed below; what its reader raises is not about opening it
        except OSError as error:
            raise unreadable(error, called) from error
        with file:
            yield Opened(file)
    else:
        yield _given(source, called)


def _given(file: BinaryIO, called: str) -> Opened:
    try:
        if not isinstance(file.read(0), bytes):
            raise AudioError(f"{called} was opened as text; open it by open(path, 'rb')")
        return Opened(file)
    except AudioError:
        raise
    except (OSError, ValueError) as error:  # a pipe, a socket, a closed file
        raise AudioError(f"{called} cannot be read from its start ({error}); read it, and pass its bytes") from error
