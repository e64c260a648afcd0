"""Files appear whole or not at all; what a killed process left behind goes when the file is written again."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .locks import lock

_YOUNG = 60.0
"""Seconds for which an empty file that nobody holds may be one that is just being made."""


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Gives a temporary sibling of ``path`` to write to, and moves it into place when the block ends without error.

    The sibling is locked for as long, so that what a killed process left can be told from the work of a live one.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    temporary = Path(name)
    try:
        lock(handle)
        yield temporary
        usual_rights(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
        os.close(handle)


def usual_rights(path: Path) -> None:
    """Gives a file the rights of any new one; safetensors and temporary files are for their owner alone."""
    umask = os.umask(0)
    os.umask(umask)
    path.chmod(0o666 & ~umask)


def _sweep(path: Path) -> None:
    """Removes the temporary siblings of ``path`` that a killed process left."""
    sibling = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}{re.escape(path.suffix)}")
    with contextlib.suppress(OSError), os.scandir(path.parent) as entries:
        for name in [entry.name for entry in entries if sibling.fullmatch(entry.name)]:
            _remove(path.with_name(name))


def _remove(left: Path) -> None:
    handle = os.open(left, os.O_RDONLY)
    try:
        told = os.fstat(handle)
        if (told.st_size or time.time() - told.st_mtime > _YOUNG) and lock(handle):
            left.unlink(missing_ok=True)
    finally:
        os.close(handle)


def write_bytes(path: str | Path, data: bytes) -> None:
    """Writes ``data`` to ``path`` atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: str | Path, text: str) -> None:
    """Writes ``text`` to ``path`` as UTF-8, atomically; what a file name has beyond UTF-8 is written as an escape."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_json(path: str | Path, data: Any) -> None:
    """Writes ``data`` to ``path`` as indented JSON, atomically. Non-finite numbers are refused."""
    write_text(path, json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
