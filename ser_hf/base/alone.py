"""One process at a time in a folder; one that was killed blocks nobody."""

from __future__ import annotations

import contextlib
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from .atomic import write_json
from .errors import SerHfError
from .provenance import now

_LOCK, _OWNER = ".running.lock", ".running.json"


@contextmanager
def alone(folder: Path, main: bool = True) -> Iterator[None]:
    """Holds a folder for the length of the block.

    Args:
        folder: is made where it is not there.
        main: whether this process is the one that writes; the other processes of a run pass.

    Raises:
        SerHfError: another process holds it; the message names it and when it began.
    """
    if not main:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise SerHfError(f"{folder} is in use{_by(folder)}; wait for it, or choose another folder") from error
    try:
        write_json(folder / _OWNER, {"process": os.getpid(), "host": platform.node(), "began": now()})
        yield
    finally:
        for name in (_OWNER, _LOCK):
            (folder / name).unlink(missing_ok=True)
        lock.release()


def _by(folder: Path) -> str:
    with contextlib.suppress(OSError, ValueError, KeyError):
        owner = json.loads((folder / _OWNER).read_text(encoding="utf-8"))
        return f" by process {owner['process']} on {owner['host']}, which began at {owner['began']}"
    return " by another process"
