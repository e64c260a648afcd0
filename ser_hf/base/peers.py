"""The other processes of one run: which of them speaks, and what it looks like when one is gone."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

ENDED_BY_ANOTHER = 75
"""The exit code of a process that ends because another process of its run has."""
LAUNCHED = "SER_HF_LAUNCHED"
"""Set where the launcher tells which process ended, and a file's name by which processes agree on who speaks."""
_GONE = ("gloo/transport", "connection closed by peer", "connection reset by peer", "remote process exited")
_KINDS = ("DistError", "DistBackendError", "DistNetworkError", "DistStoreError")


def is_main() -> bool:
    """Whether this process is the one of a run that talks and writes; a process without others is."""
    return os.environ.get("RANK", "0") == "0"


def several() -> bool:
    """Whether this is one of several processes."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def peer_gone(error: BaseException) -> bool:
    """Whether an error of torch's communication says that another process has ended."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    return several() and (not kinds.isdisjoint(_KINDS) or any(word in str(error).lower() for word in _GONE))


def speaks_first() -> bool:
    """Whether no other process of the run on this machine has said yet why it ends; the first one to ask may."""
    if not several() and LAUNCHED not in os.environ:
        return True
    run = f"ser_hf-{os.getppid()}-{os.environ.get('MASTER_PORT', '')}"
    path = Path(os.environ.get(LAUNCHED) or Path(tempfile.gettempdir(), run))
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return not several()
    except OSError:  # a word too many is better than none
        return True
    return True
