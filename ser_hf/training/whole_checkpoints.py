"""Checkpoints to go on from: which are whole, and half ones set aside."""

from __future__ import annotations

import json
import logging
import re
import zipfile
from pathlib import Path

from safetensors import SafetensorError, safe_open

from ser_hf.base.errors import RecipeError

_NAME = re.compile(r"checkpoint-(\d+)")
_STATE = "trainer_state.json"
_ARCHIVES = ("optimizer.pt", "scheduler.pt", "rng_state*.pth")
"""What the trainer itself keeps in PyTorch's zip files; a resumed run without one of them goes another way silently."""
_OTHER_OPTIMISERS = ("optimizer.bin", "global_step*/*optim_states.pt")
"""What FSDP and DeepSpeed write in the place of optimizer.pt."""

logger = logging.getLogger(__name__)


def to_resume(wanted: str, folder: Path, *, main: bool) -> str:
    """The checkpoint to go on from.

    Args:
        wanted: ``last`` (or ``true``) for the newest whole one, else its path.
        folder: of the checkpoints of the run; half ones in it are set aside under another name.
        main: whether this process may rename and speak.

    Raises:
        RecipeError: there is none, or the one that was named is not whole.
    """
    if wanted.lower() not in ("true", "last"):
        if not Path(wanted).is_dir():
            raise RecipeError(f"no checkpoint to resume from in {wanted}")
        lacking = missing(Path(wanted))
        if lacking:
            raise RecipeError(
                f"{wanted} is no whole checkpoint: {lacking}; --resume_from_checkpoint last takes the newest whole one"
            )
        return wanted
    whole = None
    for path in numbered(folder):
        lacking = missing(path)
        if lacking is None:
            whole = path
        elif main:
            aside = path.with_name(f"half-{path.name}")
            path.rename(aside)
            logger.warning("%s is no whole checkpoint (%s); it is set aside as %s", path, lacking, aside.name)
    if whole is None:
        raise RecipeError(f"no checkpoint to resume from in {folder}")
    if main:
        logger.warning("going on from %s", whole)
    return str(whole)


def numbered(folder: Path) -> list[Path]:
    """The checkpoints of a run, in the order of their steps."""
    found = [path for path in (folder.iterdir() if folder.is_dir() else ()) if _NAME.fullmatch(path.name)]
    return sorted((p for p in found if p.is_dir()), key=lambda p: int(p.name.partition("-")[2]))


def any_whole(folder: Path) -> bool:
    """Whether there is a checkpoint to go on from in a folder of checkpoints."""
    return any(missing(path) is None for path in numbered(folder))


def missing(checkpoint: Path) -> str | None:
    """What a checkpoint lacks to go on from, in words; None where it is whole."""
    weights = sorted(checkpoint.glob("*.safetensors"))
    if not weights:
        return "there are no weights (.safetensors)"
    for path in weights:
        try:
            with safe_open(path, "pt"):
                pass
        except (SafetensorError, OSError):
            return f"{path.name} is cut off or damaged"
    for pattern in _ARCHIVES:
        instead = _OTHER_OPTIMISERS if pattern == _ARCHIVES[0] else ()
        files = sorted(path for name in (pattern, *instead) for path in checkpoint.glob(name))
        if not files:
            return f"{pattern.replace('*', '')} is missing"
        damaged = next((path.name for path in files if not zipfile.is_zipfile(path)), None)
        if damaged:
            return f"{damaged} is cut off or damaged"
    try:
        json.loads((checkpoint / _STATE).read_text(encoding="utf-8"))
    except OSError:
        return f"{_STATE} is missing"
    except ValueError:
        return f"{_STATE} is cut off or damaged"
    return None
