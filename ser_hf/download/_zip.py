"""Entries of zip archives."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

from ._members import CHUNK, ArchiveError, Member, damage, refuse

_MAGICS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Those that zipfile unpacks piece by piece; of the others it may hold gigabytes at once."""

_ENCRYPTED = 0x1
_UTF8 = 0x800


def is_zip(head: bytes) -> bool:
    """Whether a file that begins with these bytes is a zip archive."""
    return head.startswith(_MAGICS)


def zip_size(archive: Path, name: str) -> int:
    """Bytes it unpacks to, by its own account.

    Raises:
        ArchiveError: it is damaged.
    """
    with damage(name), zipfile.ZipFile(archive) as opened:
        return sum(info.file_size for info in opened.infolist())


def zip_members(archive: Path, name: str, room: int) -> Iterator[Member]:
    """The entries in the archive's order.

    Args:
        archive: the file.
        name: what it is called in messages.
        room: bytes it may unpack to.

    Raises:
        ArchiveError: it is damaged, or an entry is encrypted, a link or a device.
    """
    declared = zip_size(archive, name)
    if declared > room:
        raise ArchiveError(f"{name} unpacks to {declared} bytes, more than the {room} allowed; it is not unpacked")
    with damage(name), zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            yield _member(opened, info, name)


def _member(opened: zipfile.ZipFile, info: zipfile.ZipInfo, archive: str) -> Member:
    name, mode = _name(info), info.external_attr >> 16
    if info.flag_bits & _ENCRYPTED:
        raise refuse(archive, name, "is encrypted; unpack it with its password")
    if info.compress_type not in _METHODS:
        raise refuse(archive, name, f"is compressed by method {info.compress_type}; unpack it with another program")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise refuse(archive, name, "is a link or a device")

    def chunks() -> Iterator[bytes]:
        with damage(archive), opened.open(info) as file:
            while chunk := file.read(CHUNK):
                yield chunk

    return Member(name, name.endswith(("/", "\\")), chunks)


def _name(info: zipfile.ZipInfo) -> str:
    """The name as the bytes in the archive: without the UTF-8 flag zipfile reads them as code page 437.

    Most of such names are ASCII or UTF-8 all the same; those in other encodings, e.g. GBK, keep their bytes.
    """
    if "\0" in info.orig_filename or info.flag_bits & _UTF8 or info.filename != info.orig_filename:
        return info.orig_filename if "\0" in info.orig_filename else info.filename
    return os.fsdecode(info.filename.encode("cp437"))
