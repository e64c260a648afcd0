"""Entries of tar archives, plain or compressed by gzip or bzip2."""

from __future__ import annotations

import bz2
import gzip
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from ._members import CHUNK, ArchiveError, Member, damage, refuse

_LARGEST_HEADER = 16 << 20
_HEADERS = 1 << 30
"""Bytes that headers and padding may take, beside the files."""


def is_tar(path: Path) -> bool:
    """Whether a file is a tar archive, by its first header; also inside gzip or bzip2."""
    try:
        with _open(path) as stream:
            tarfile.TarInfo.frombuf(stream.read(tarfile.BLOCKSIZE), "utf-8", "surrogateescape")
    except (tarfile.HeaderError, EOFError, zlib.error, ValueError):
        return False
    except OSError as error:
        if error.errno is not None:
            raise
        return False
    return True


def tar_members(archive: Path, name: str, room: int) -> Iterator[Member]:
    """The entries in the archive's order, once.

    Args:
        archive: the file.
        name: what it is called in messages.
        room: bytes it may unpack to.

    Raises:
        ArchiveError: it is damaged or cut short, or an entry is a link, a device or a sparse file.
    """
    with damage(name), _open(archive) as file:
        stream = _Metered(file, room + _HEADERS, name)
        opened = tarfile.TarFile(fileobj=cast(IO[bytes], stream), encoding="utf-8", errors="surrogateescape")
        offset = -1
        while (info := opened.next()) is not None:
            if info.size < 0 or info.offset <= offset:
                raise refuse(name, info.name, "has a header that leads back")
            offset = info.offset
            yield _member(opened, info, name)
        _check_end(stream, opened.offset)


def _member(opened: tarfile.TarFile, info: tarfile.TarInfo, archive: str) -> Member:
    if info.issparse():
        raise refuse(archive, info.name, "is a sparse file")
    if not (info.isreg() or info.isdir()):
        raise refuse(archive, info.name, "is a link or a device")

    def chunks() -> Iterator[bytes]:
        with damage(archive):
            file = opened.extractfile(info)
            while file is not None and (chunk := file.read(CHUNK)):
                yield chunk

    return Member(info.name, info.isdir(), chunks)


def _check_end(stream: _Metered, offset: int) -> None:
    """A whole archive ends with a block of zeros; tarfile takes any end between two files for one.

    Reading on to the end of the stream makes the decompressor check its checksum.

    Raises:
        EOFError: it is cut short.
    """
    stream.seek(offset)
    if stream.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
        raise EOFError("it has no end")
    while stream.read(CHUNK):
        pass


class _Metered:
    """A stream of which only so much is read, whatever the headers say."""

    def __init__(self, file: IO[bytes], room: int, name: str) -> None:
        self._file = file
        self._room = room
        self._name = name
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        """Reads ``size`` bytes, or fewer at the end."""
        if not 0 <= size <= _LARGEST_HEADER:
            raise ArchiveError(f"{self._name} is damaged: a header says it takes {size} bytes; fetch it again")
        self._room -= size
        if self._room < 0:
            raise ArchiveError(f"{self._name} unpacks to more than recordings do; it is not unpacked")
        return self._file.read(size)


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        head = file.read(3)
    if head.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.open(path, "rb"))
    if head.startswith(b"BZh"):
        return cast(IO[bytes], bz2.open(path, "rb"))
    return path.open("rb")
