"""Folders appear whole or not at all; what a killed process left behind goes at the next call."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ser_hf.base.locks import lock

_YOUNG = 60.0
"""Seconds for which a folder nobody holds may be one that is just being made."""


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Gives an empty folder beside ``folder``, which takes its place when the block ends without error.

    Until then ``folder`` stays as it is. The work in progress is locked, so that left-overs can be told from the work
    of another process.

    Raises:
        OSError: the place cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{folder.name}.download-"
    for other in folder.parent.glob(f"{glob.escape(prefix)}*"):
        _sweep(other)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=folder.parent) as name, _held(Path(name)):
        made, old = Path(name, "new"), Path(name, "old")
        made.mkdir()
        yield made
        if folder.exists():
            folder.rename(old)
        try:
            made.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Locks a folder for as long as the block, or the process, lasts; gives whether it could be had."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield lock(handle)
    finally:
        os.close(handle)


def _sweep(folder: Path) -> None:
    """Removes what a killed process left; the work of a live one is held, or young."""
    with contextlib.suppress(OSError):
        if time.time() - folder.stat().st_mtime > _YOUNG:
            with _held(folder) as mine:
                if mine:
                    shutil.rmtree(folder)
