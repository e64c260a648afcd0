"""What archives have in common: entries, and which of their names are put up with."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from tarfile import TarError

from ser_hf.base.errors import SerHfError

CHUNK = 1 << 20
_DEEPEST = 32
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}
_DAMAGE = (
    TarError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    RuntimeError,  # RecursionError is one, headers that go on in headers; NotImplementedError another
    ArithmeticError,
    LookupError,
    ValueError,
)
"""What the readers of the standard library raise for archives that somebody or something damaged."""


class ArchiveError(SerHfError):
    """An archive is damaged, or holds what no corpus holds; it is not unpacked."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file or folder in an archive.

    Attributes:
        name: as the archive gives it; bytes that are no UTF-8 are kept as Python keeps them in file names.
        is_folder: whether it is a folder.
        chunks: gives the content piece by piece; to be called before the next member is asked for.
    """

    name: str
    is_folder: bool
    chunks: Callable[[], Iterator[bytes]]


def refuse(archive: str, name: str, reason: str) -> ArchiveError:
    """The error for an entry that is not put up with."""
    return ArchiveError(f"{archive}: entry {name[:200]!r} {reason}; the archive is not unpacked")


def safe_path(name: str, archive: str) -> PurePosixPath:
    """The place of an entry below the folder.

    Raises:
        ArchiveError: it would lie outside, or cannot be a path.
    """
    if "\0" in name:
        raise refuse(archive, name, "has a name with a zero byte")
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name):
        raise refuse(archive, name, "has an absolute name")
    if ".." in re.split(r"[/\\]", name):
        raise refuse(archive, name, "would lie outside the folder")
    if "/" not in name:  # Windows programs of old wrote their own separator
        name = name.replace("\\", "/")
    path = PurePosixPath(name)
    if len(path.parts) > _DEEPEST:
        raise refuse(archive, name, f"lies more than {_DEEPEST} folders deep")
    return path


def is_litter(path: PurePosixPath) -> bool:
    """Whether it is what macOS and Windows leave beside the files."""
    return path.name in _LITTER or any(part == "__MACOSX" or part.startswith("._") for part in path.parts)


@contextmanager
def damage(archive: str) -> Iterator[None]:
    """Turns what the readers raise for a damaged archive into an `ArchiveError`."""
    try:
        yield
    except SerHfError:
        raise
    except _DAMAGE as error:
        raise _damaged(archive, error) from error
    except OSError as error:
        if error.errno is not None:  # the disk's, not the decompressor's
            raise
        raise _damaged(archive, error) from error


def _damaged(archive: str, error: Exception) -> ArchiveError:
    reason = str(error) or type(error).__name__
    return ArchiveError(f"{archive} is damaged or cut short ({reason}); fetch it again")
