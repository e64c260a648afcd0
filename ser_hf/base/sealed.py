"""Cache files with a seal: size and hash of the content stand beside each, and damage is found before it is used."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import xxhash

from .atomic import write_json

_SUFFIX = ".seal"
_PIECE = 1 << 22
_OLD = 3600.0
"""Seconds without a write after which a temporary file is nobody's: batches take less."""

T = TypeVar("T")
logger = logging.getLogger(__name__)


def sealed(make: Callable[[], T], files: Callable[[], Iterable[Path]]) -> T:
    """Calls ``make``, which finds its cache files or writes them; if one of them is damaged, all are written again.

    Args:
        make: gives the result, and leaves its cache.
        files: the cache files that are there; none before the first call.
    """
    there = list(files())
    damaged = [path for path in there if not is_intact(path)]
    for path in damaged:
        logger.warning("%s is damaged: it is not what was written; it is made again", path)
    for path in there if damaged else ():
        path.unlink(missing_ok=True)
        _seal_of(path).unlink(missing_ok=True)
    result = make()
    for path in files():
        if not _seal_of(path).is_file():
            seal(path)
    return result


def cache_files(rows: Any, fingerprint: str) -> list[Path]:
    """The files in which ``datasets`` keeps what ``rows.map(..., new_fingerprint=fingerprint)`` gives."""
    folders = {Path(file["filename"]).parent for file in rows.cache_files}
    return sorted(path for folder in folders for path in folder.glob(f"cache-{fingerprint}*.arrow"))


def sweep(folder: Path) -> None:
    """Removes what a ``map`` that was killed left in its cache: temporary files that nobody wrote to lately."""
    for left in folder.glob("tmp????????"):  # the names of `tempfile`, which `datasets` takes
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _OLD and left.is_file():
                left.unlink()


def seal(path: Path) -> None:
    """Writes size and hash of a file beside it."""
    write_json(_seal_of(path), _content(path))


def is_intact(path: Path) -> bool:
    """Whether a file is what was sealed; one without a seal is taken as it is."""
    try:
        wanted = json.loads(_seal_of(path).read_text(encoding="utf-8"))
    except OSError:
        return True
    except (ValueError, RecursionError):
        return False
    return isinstance(wanted, dict) and bool(path.stat().st_size == wanted.get("size")) and _content(path) == wanted


def _seal_of(path: Path) -> Path:
    return path.with_name(path.name + _SUFFIX)


def _content(path: Path) -> dict[str, int | str]:
    digest, size = xxhash.xxh3_128(), 0
    with path.open("rb", buffering=0) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    return {"size": size, "xxh3_128": digest.hexdigest()}
