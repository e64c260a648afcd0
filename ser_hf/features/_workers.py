"""How many processes compute features where nobody says it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import datasets

from ser_hf.records import DURATION

SECONDS_A_WORKER = 3_000.0
"""Seconds of recordings that a process must have to itself."""
_USUAL = 3.7
"""Seconds of a clip whose dataset does not say its duration: the mean of RAVDESS."""
_MOST = 16


def workers_for(seconds: float, cores: int, device: str) -> int | None:
    """Processes for so much sound; None for this one alone.

    Two cores, clips of 3.7 s at 48 kHz, nothing else at work: of one process of two threads, which decode and transform
    side by side, two took 1.18 times the time for 480 clips, 0.99 for 960, 0.92 for 1,920 (7,100 s) and 0.67 for
    3,840; of one process of one thread 0.94, 0.71, 0.59 and 0.52 times.

    Args:
        seconds: of all recordings.
        cores: that this process may use.
        device: where features are computed; one process is enough for a GPU.

    >>> workers_for(480 * 3.7, 2, "cpu"), workers_for(5760 * 3.7, 2, "cpu"), workers_for(1e6, 8, "cpu")
    (None, 2, 8)
    """
    count = min(cores, int(seconds / SECONDS_A_WORKER), _MOST)
    return count if count > 1 and device == "cpu" else None


def chosen_workers(rows: datasets.Dataset, device: str) -> int | None:
    """Processes for these rows; None where the system starts them anew, for which a program must be written."""
    if sys.platform != "linux":
        return None
    if DURATION in rows.column_names:
        seconds = sum(value or _USUAL for value in rows.with_format(None)[DURATION][:])
    else:
        seconds = len(rows) * _USUAL
    return workers_for(seconds, cores_here(), device)


def cores_here() -> int:
    """Cores of this process; of several that ``accelerate`` started on a machine, each has its share."""
    cores = os.cpu_count() or 1
    with suppress(AttributeError):  # not on every system
        cores = len(os.sched_getaffinity(0))
    local = os.environ.get("LOCAL_WORLD_SIZE", "")
    return max(1, cores // max(1, int(local) if local.isdigit() else 1))
