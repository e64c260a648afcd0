"""A full disk in one line: which path, how much is free and needed, what to do."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from .cache_folder import cache_folder
from .errors import SerHfError, led_to

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_WORDS = ("no space left", "file write failed", "pytorchstreamwriter failed", "quota exceeded", "file too large")
"""How libraries that do not pass the system's error on say the same."""


@contextmanager
def writing(path: Path, needed: int | None = None, hint: str = "") -> Iterator[None]:
    """Says in one line that ``path`` could not be written for want of room; other errors pass.

    Args:
        path: what is written.
        needed: its size in bytes, where it is known.
        hint: what to do beside making room.

    Raises:
        SerHfError: the disk or the quota is full, or the file too large for the system.
    """
    try:
        yield
    except SerHfError:
        raise
    except (OSError, RuntimeError, SafetensorError) as error:
        if not _is_full(error):
            raise
        raise SerHfError(f"{path} could not be written: {_room(path, needed)}; make room{hint}") from error


def told(error: OSError) -> str:
    """An error of the system in one line that names a place: its file, or where there is no room."""
    if error.filename is not None or not _is_full(error):
        return f"{error.filename or 'a file'}: {error.strerror or error}"
    places = dict.fromkeys((Path.cwd(), cache_folder(), Path(tempfile.gettempdir())))
    return f"a disk is full: {'; '.join(f'{place}: {_room(place, None)}' for place in places)}; make room"


def _is_full(error: BaseException) -> bool:
    """Whether this error, or one that led to it, is about room."""
    return any(
        (isinstance(one, OSError) and one.errno in _FULL) or any(word in str(one).lower() for word in _WORDS)
        for one in led_to(error)
    )


def _room(path: Path, needed: int | None) -> str:
    place = next(p for p in (path, *path.absolute().parents) if p.exists())
    free = f"there is no room ({_size(shutil.disk_usage(place).free)} free"
    return free + (f", about {_size(needed)} needed)" if needed else ")")


def _size(number: int) -> str:
    """Bytes as people say them.

    >>> _size(1_500_000), _size(12)
    ('1.5 MB', '12 bytes')
    """
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if number >= factor:
            return f"{number / factor:.1f} {unit}"
    return f"{number} bytes"
