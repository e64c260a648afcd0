"""Whether a file or folder is in somebody's hands: a lock that ends with its process."""

from __future__ import annotations

import fcntl


def lock(handle: int) -> bool:
    """Whether an open file or folder could be locked, which lasts until the handle is closed."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held by another, or the file system has no locks
        return False
    return True
