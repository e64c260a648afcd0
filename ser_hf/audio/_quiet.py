"""What libmpg123, inside libsndfile, says of damaged MP3 files on standard error is left out: our one line says it.

It writes to the descriptor of the process, so that is turned aside while such a file is read, and all that others wrote
there meanwhile is passed on when no such file is read any more.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2
_ITS_OWN = re.compile(rb"\[src/libmpg123/|Note: |Warning: |ALERT: |Error: |mpg123|\s*$")
_lock = threading.Lock()
_readers: list[tuple[int, int]] = []
"""For each file that is being read: where standard error really goes, and what gets it meanwhile; the same for all."""


@contextmanager
def quiet_mp3(head: bytes) -> Iterator[None]:
    """Keeps libmpg123 from standard error, where a file begins as one that it may be given.

    Args:
        head: the first bytes of the file.
    """
    if not (head[:3] == b"ID3" or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0)) or not _turn_aside():
        yield
        return
    try:
        yield
    finally:
        _turn_back()


def _turn_aside() -> bool:
    with _lock:
        if _readers:
            _readers.append(_readers[0])
            return True
        try:
            real = os.dup(_STDERR)
        except OSError:  # a process without standard error
            return False
        with tempfile.TemporaryFile() as file:
            aside = os.dup(file.fileno())
        os.dup2(aside, _STDERR)
        _readers.append((real, aside))
        return True


def _turn_back() -> None:
    with _lock:
        real, aside = _readers.pop()
        if _readers:
            return
        os.dup2(real, _STDERR)
        os.lseek(aside, 0, os.SEEK_SET)
        with os.fdopen(aside, "rb") as file:
            others = b"".join(line for line in file if not _ITS_OWN.match(line))
        if others:
            os.write(real, others)
        os.close(real)
