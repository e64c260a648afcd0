"""The model that comes with the package: small, ready after the install, and under the licence of its recordings."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ser_hf.base.errors import CheckpointError
from ser_hf.reporting import load_results

FOLDER = Path(__file__).parents[1] / "default_model"
"""Where the package keeps it; written by `export_small`."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Terms:
    """What must be known of a model before its answers are used.

    Attributes:
        licence: of the recordings it was trained on, and so its own.
        notice: in one line what it is, what may be done with it, and what it scores.
    """

    licence: str
    notice: str


def default_folder() -> Path:
    """The folder of the model that comes with the package.

    Raises:
        CheckpointError: this install has none.
    """
    if not (FOLDER / "config.json").is_file():
        raise CheckpointError(
            f"this install of ser_hf has no model of its own (none in {FOLDER}); name a checkpoint: a run folder, a "
            "repository on the Hub, or an ONNX file"
        )
    return FOLDER


def default_terms() -> Terms:
    """Terms of the model that comes with the package, read from its results.json.

    Raises:
        CheckpointError: this install has none.
        SerHfError: its results.json is missing or broken.
    """
    return terms(load_results(default_folder()))


def terms(results: Mapping[str, Any], called: str = "default model") -> Terms:
    """Terms of a model, by its results."""
    corpora, test, split = results["data"]["corpora"], results["test"], results["split"]
    licences = list(dict.fromkeys(str(corpus["licence"]) for corpus in corpora))
    names = ", ".join(str(corpus["name"]).upper() for corpus in corpora)
    limits = ", not for commercial use" if any("-NC" in licence.upper() for licence in licences) else ""
    uar, chance = test["metrics"]["uar"], 100 / len(results["data"]["classes"])
    low, high = uar["speakers"] or uar["clips"] or (uar["value"], uar["value"])
    voices = "new voices" if split["speaker_independent"] else "voices heard in training"
    score = (
        f"UAR {100 * uar['value']:.0f} % ({100 * low:.0f} to {100 * high:.0f}) on {test['n_clips']} clips of "
        f"{test['n_speakers']} {voices}, chance {chance:.1f} %"
    )
    said = f"{called}: trained on {names}, {' and '.join(licences)}{limits}; {score}"
    caveat = results.get("caveat")
    return Terms(" and ".join(licences), said + (f"; {caveat}" if caveat else ""))


@cache
def tell(notice: str) -> None:
    """Logs a notice, once in a process."""
    logger.warning("%s", notice)
