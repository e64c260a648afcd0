"""Files that end: a device, pipe or socket may never do so, and opening one may wait for ever."""

from __future__ import annotations

import errno
from pathlib import Path


def expect_regular(path: Path) -> Path:
    """Gives the path back, where it is a file or a link to one.

    Raises:
        OSError: it is something else; ``strerror`` says so.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise OSError(errno.EINVAL, "a device, pipe or socket, not a file", str(path))
    return path
