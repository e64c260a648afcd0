"""What people must know of a model before they use its answers."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ser_hf import __version__

from .listener import Listener
from .opening import DEFAULT

LIMITS = (
    "It names the emotion that listeners or a script would call a voice, not what a person feels.",
    "It learned from few speakers and mostly acted speech: other languages, accents, ages, microphones, noise and "
    "spontaneous speech are not covered by its score.",
    "Do not use it to judge people, or where a mistake does harm. Some laws forbid emotion recognition at work and in "
    "education (EU AI Act, Article 5).",
)
USES = "Research, teaching, comparing methods, and looking through recordings that somebody listens to afterwards."


@dataclass(frozen=True)
class ModelFacts:
    """A model in words and numbers.

    Attributes:
        name: as it was opened.
        labels: its classes.
        targets: its ratings, mostly none.
        sampling_rate: Hz it works at.
        window: seconds of a recording it hears at once; None where it hears all.
        version: of ser_hf.
        licence: of the recordings it learned from, and so its own; None where nothing is known of it.
        notice: where it comes from and what it scores, in one line; None likewise.
        score: UAR on test clips with its interval over speakers (or clips), the number of both, chance; None likewise.
        uses: what it is for.
        limits: what it is not for.
    """

    name: str
    labels: tuple[str, ...]
    targets: tuple[str, ...]
    sampling_rate: int
    window: float | None
    version: str
    licence: str | None
    notice: str | None
    score: dict[str, Any] | None
    uses: str = USES
    limits: tuple[str, ...] = LIMITS

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return asdict(self)


def model_facts(source: str | Path, model: Listener) -> ModelFacts:
    """Facts of an open model; licence and score are read from the results.json beside it, where there is one.

    Args:
        source: what it was opened from.
        model: itself.

    Raises:
        SerHfError: results.json is there and broken.
    """
    results = _results(source)
    licence = notice = score = None
    name = "default" if str(source) == DEFAULT else Path(source).name
    if results is not None:
        from .default_model import terms

        told = terms(results, name)
        licence, notice, score = told.licence, told.notice.partition(": ")[2], _score(results)
    return ModelFacts(
        name=name,
        labels=model.labels,
        targets=model.targets,
        sampling_rate=model.sampling_rate,
        window=model.window if math.isfinite(model.window) else None,
        version=__version__,
        licence=licence,
        notice=notice,
        score=score,
    )


def _results(source: str | Path) -> dict[str, Any] | None:
    from .default_model import default_folder

    folder = default_folder() if str(source) == DEFAULT else Path(source)
    folder = folder.parent if folder.is_file() else folder
    if not (folder / "results.json").is_file():
        return None
    from ser_hf.reporting import load_results

    return dict(load_results(folder))


def _score(results: dict[str, Any]) -> dict[str, Any]:
    test = results["test"]
    uar = test["metrics"]["uar"]
    return {
        "uar": uar["value"],
        "interval": uar["speakers"] or uar["clips"],
        "interval_over": "speakers" if uar["speakers"] else "clips",
        "clips": test["n_clips"],
        "speakers": test["n_speakers"],
        "chance": 1 / len(results["data"]["classes"]),
        "new_voices": bool(results["split"]["speaker_independent"]),
        "caveat": results.get("caveat"),
    }
