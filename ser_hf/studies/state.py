"""What is known of a run from its folder: done, interrupted, failed or to do."""

from __future__ import annotations

import contextlib
import json
from enum import StrEnum
from pathlib import Path
from typing import Any

from ser_hf.base.atomic import write_json
from ser_hf.base.provenance import now
from ser_hf.flows.folds import complete_run, is_done
from ser_hf.reporting import load_results
from ser_hf.training.trainer import CHECKPOINTS
from ser_hf.training.whole_checkpoints import any_whole

from .grid import StudyRun

_TOOK, _FAILED = "took.json", "failed.json"


class State(StrEnum):
    """Of a run."""

    DONE = "done"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    TO_DO = "to do"


def state_of(run: StudyRun) -> State:
    """The state of a run; one that failed is run again.

    Raises:
        RecipeError: it is done, by another recipe or by other settings.
    """
    if is_done(run.recipe()):
        return State.DONE
    if any_whole(run.folder / CHECKPOINTS):
        return State.INTERRUPTED
    return State.FAILED if (run.folder / _FAILED).is_file() else State.TO_DO


def note(run: StudyRun, seconds: float, error: str | None) -> None:
    """Writes beside a run how long it took, or why it failed."""
    (run.folder / _FAILED).unlink(missing_ok=True)
    if error is None:
        write_json(run.folder / _TOOK, {"seconds": seconds})
    else:
        write_json(run.folder / _FAILED, {"error": error, "at": now()})


def complete(run: StudyRun) -> None:
    """Writes what a run lacks that is done, where it or its study was ended: its report, and how long it trained."""
    complete_run(run.folder)
    if not (run.folder / _TOOK).is_file():
        note(run, float(load_results(run.folder)["training"]["seconds"]), None)


def took(run: StudyRun) -> float | None:
    """Wall-clock seconds of a run that is done; of one that was interrupted, of its last part; None if unknown."""
    seconds = _read(run.folder / _TOOK).get("seconds")
    return float(seconds) if isinstance(seconds, int | float) else None


def _read(path: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}
