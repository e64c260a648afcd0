"""How much unlabelled speech of a speaker a model needs that adapts to speakers: the score by the seconds it hears."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from .bootstrap import speaker_intervals
from .metrics import Floats, Labels, scores

Heard: TypeAlias = npt.NDArray[np.bool_]

SECONDS = (0.0, 5.0, 10.0, 30.0, np.inf)
"""Points of the curve; the last is every clip of a speaker."""
DRAWS = 10


def evaluate_adaptation(
    predict: Callable[[Heard], Labels],
    references: Labels,
    num_classes: int,
    speakers: Sequence[str],
    durations: Sequence[float],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Scores all clips after some of every speaker were heard, which are drawn without a look at their labels.

    Args:
        predict: which clips are heard ``(N,)`` -> predicted class ids of all clips ``(N,)``.
        references: true class ids.
        num_classes: number of classes of the scheme.
        speakers: of the clips; all are known.
        durations: of the clips, in seconds.
        draws: how often clips are drawn; where there is but one way, once.
        seed: of the draws.

    Returns:
        For every entry of `SECONDS`, in plain JSON data: ``seconds`` (0, 5, 10, 30, ``"all"``); ``uar``, its mean over
        the draws, with the 95 % interval over speakers ``uar_speakers_low`` and ``_high`` (None where there is none);
        ``uar_others``, of the clips that were not heard (None where there are none); ``draws`` and ``draws_std``, the
        deviation over them; ``seconds_used_mean`` and ``clips_used_mean`` of a speaker.
    """
    true, lengths = np.asarray(references), np.asarray(durations, dtype=np.float64)
    curve = []
    for seconds in SECONDS:
        number = draws if 0 < seconds < np.inf else 1
        heard = [draw(speakers, lengths, seconds, np.random.default_rng([seed, i])) for i in range(number)]
        predicted = [np.asarray(predict(clips)) for clips in heard]
        curve.append(_point(seconds, true, predicted, heard, num_classes, speakers, lengths))
    return curve


def mean_adaptation(curves: Sequence[Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """The curves of folds as one: means over the folds, and over folds no interval.

    Args:
        curves: of `evaluate_adaptation`, each on other speakers.
    """
    together = []
    for points in zip(*curves, strict=True):
        numbers = {
            key: float(np.mean([point[key] for point in points]))
            for key in ("uar", "draws_std", "seconds_used_mean", "clips_used_mean")
        }
        same = {"seconds": points[0]["seconds"], "draws": points[0]["draws"]}
        others = [point["uar_others"] for point in points]
        together.append(
            {
                **same,
                **numbers,
                "uar_speakers_low": None,
                "uar_speakers_high": None,
                "uar_others": None if None in others else float(np.mean(others)),
            }
        )
    return together


def draw(speakers: Sequence[str], durations: Floats, seconds: float, rng: np.random.Generator) -> Heard:
    """Clips of every speaker, drawn at random until they last ``seconds``, the last one beyond; or all there are.

    With the same generator a longer draw holds the clips of a shorter one.
    """
    names, chosen = np.asarray(speakers, dtype=str), np.zeros(len(speakers), dtype=bool)
    for name in np.unique(names):
        order = rng.permutation(np.flatnonzero(names == name))
        before = np.cumsum(durations[order]) - durations[order]
        chosen[order[before < seconds]] = True
    return chosen


def _point(
    seconds: float,
    true: npt.NDArray[Any],
    predicted: list[npt.NDArray[Any]],
    heard: list[Heard],
    num_classes: int,
    speakers: Sequence[str],
    durations: Floats,
) -> dict[str, Any]:
    """Draws share their references, so that the recall of all of them together is the mean of their recalls."""
    draws, people = len(predicted), len(set(speakers))
    together, said = np.tile(true, draws), np.concatenate(predicted)
    uars = [scores(true, one, num_classes)["uar"] for one in predicted]
    interval = speaker_intervals(together, said, num_classes, [*speakers] * draws)
    low, high = interval["uar"] if interval else (None, None)
    others = ~np.concatenate(heard)
    return {
        "seconds": "all" if seconds == np.inf else int(seconds),
        "uar": float(np.mean(uars)),
        "uar_speakers_low": low,
        "uar_speakers_high": high,
        "uar_others": scores(together[others], said[others], num_classes)["uar"] if others.any() else None,
        "draws": draws,
        "draws_std": float(np.std(uars, ddof=1)) if draws > 1 else 0.0,
        "seconds_used_mean": float(np.mean([durations[clips].sum() for clips in heard])) / people,
        "clips_used_mean": float(np.mean([clips.sum() for clips in heard])) / people,
    }
