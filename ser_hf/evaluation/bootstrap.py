"""Percentile bootstrap intervals of the scores, resampling clips or whole speakers (Efron & Tibshirani 1993, ch. 13).

Clips of one speaker are alike, so an interval over clips tells how sure the score is for these speakers, and one over
whole speakers (a cluster bootstrap: Field & Welsh 2007, doi 10.1111/j.1467-9868.2007.00593.x) how sure for others.

Every score depends on the confusion matrix alone. Drawing clips with replacement is therefore drawing the cells of the
matrix from a multinomial distribution, and drawing speakers is drawing how often each speaker's matrix is added up.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from .metrics import METRICS, Floats, Labels, confusion_matrix, scores_of

Intervals: TypeAlias = dict[str, tuple[float, float]]


class Difference(NamedTuple):
    """How much better one model is than another.

    Attributes:
        value: the second's UAR less the first's.
        low: lower end of the interval.
        high: its upper end.
        p: two-sided bootstrap p-value, twice the share of resamples on the other side of zero; never 0.
    """

    value: float
    low: float
    high: float
    p: float


_CHUNK_CELLS = 1 << 21
"""Numbers held at a time, 16 MiB."""


def clip_intervals(
    references: Labels,
    predictions: Labels,
    num_classes: int,
    *,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Intervals:
    """Intervals ``{metric: (low, high)}`` when clips are drawn with replacement.

    Args:
        references: true class ids.
        predictions: predicted class ids, in the same order.
        num_classes: number of classes of the scheme.
        level: coverage.
        n_resamples: number of resamples.
        seed: of the own random generator; the same seed gives the same intervals.

    Raises:
        SerHfError: see ``confusion_matrix``.
    """
    cells = confusion_matrix(references, predictions, num_classes).reshape(-1)
    used = np.flatnonzero(cells)
    units = np.zeros((len(used), num_classes**2))
    units[np.arange(len(used)), used] = 1
    clips = int(cells.sum())
    return _intervals(units, cells[used] / clips, clips, num_classes, level, n_resamples, seed)


def speaker_intervals(
    references: Labels,
    predictions: Labels,
    num_classes: int,
    speakers: Sequence[Hashable | None],
    *,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Intervals | None:
    """Intervals ``{metric: (low, high)}`` when whole speakers are drawn with replacement.

    None where there is nothing to draw from: fewer than two speakers, or a clip of which the speaker is unknown (None).
    The other arguments are those of ``clip_intervals``.
    """
    found = _groups(speakers)
    if found is None:
        return None
    groups, n = found
    units = _confusion_of_each(groups, n, references, predictions, num_classes)
    return _intervals(units, np.full(n, 1 / n), n, num_classes, level, n_resamples, seed)


def uar_difference(
    references: Labels,
    predictions: Labels,
    others: Labels,
    num_classes: int,
    speakers: Sequence[Hashable | None],
    *,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Difference | None:
    """How much better ``others`` are than ``predictions`` of the same clips, when whole speakers are drawn.

    The same speakers are drawn for both (a paired cluster bootstrap; Efron & Tibshirani 1993, ch. 8 and 16). None where
    ``speaker_intervals`` is None. The other arguments are those of ``clip_intervals``.
    """
    found = _groups(speakers)
    if found is None:
        return None
    groups, n = found
    both = [_confusion_of_each(groups, n, references, said, num_classes) for said in (predictions, others)]
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=n_resamples)

    def uar(drawn: Floats | npt.NDArray[np.int64], units: Floats) -> Floats:
        return scores_of((drawn @ units).reshape(-1, num_classes, num_classes))["uar"]

    drawn = uar(weights, both[1]) - uar(weights, both[0])
    value = (uar(np.ones((1, n)), both[1]) - uar(np.ones((1, n)), both[0])).item()
    tail = 50 * (1 - level)
    low, high = np.percentile(drawn, [tail, 100 - tail])
    sides = min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))
    return Difference(value, float(low), float(high), min(1.0, 2 * (sides + 1) / (n_resamples + 1)))


def _groups(speakers: Sequence[Hashable | None]) -> tuple[list[int], int] | None:
    """The number of each clip's speaker, and how many there are; None where there is nothing to draw from."""
    ids = {speaker: number for number, speaker in enumerate(dict.fromkeys(speakers))}
    return None if len(ids) < 2 or None in ids else ([ids[speaker] for speaker in speakers], len(ids))


def _confusion_of_each(
    groups: Sequence[int], n_groups: int, references: Labels, predictions: Labels, num_classes: int
) -> Floats:
    """The flat confusion matrix of every group: ``(n_groups, num_classes ** 2)``."""
    confusion_matrix(references, predictions, num_classes)  # refuses ids that are no class
    cell = np.asarray(references, dtype=np.int64) * num_classes + np.asarray(predictions, dtype=np.int64)
    units = np.zeros((n_groups, num_classes**2))
    np.add.at(units, (np.asarray(groups), cell), 1)
    return units


def _intervals(
    units: Floats,
    chances: Floats,
    draws: int,
    num_classes: int,
    level: float,
    n_resamples: int,
    seed: int,
) -> Intervals:
    """Draws ``draws`` of the units ``(n_units, num_classes ** 2)`` again and again and takes the percentiles."""
    found = _drawn(units, chances, draws, num_classes, n_resamples, seed)
    tail = 50 * (1 - level)
    ends = {name: np.percentile(values, [tail, 100 - tail]) for name, values in found.items()}
    return {name: (float(low), float(high)) for name, (low, high) in ends.items()}


def uar_draws(
    references: Labels,
    predictions: Labels,
    num_classes: int,
    units: Sequence[Hashable],
    *,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Floats:
    """The UARs ``(n_resamples,)`` when the units of the clips (speakers, or the clips themselves) are drawn."""
    ids = {unit: number for number, unit in enumerate(dict.fromkeys(units))}
    n = len(ids)
    each = _confusion_of_each([ids[unit] for unit in units], n, references, predictions, num_classes)
    return _drawn(each, np.full(n, 1 / n), n, num_classes, n_resamples, seed)["uar"]


def _drawn(
    units: Floats, chances: Floats, draws: int, num_classes: int, n_resamples: int, seed: int
) -> dict[str, Floats]:
    """Every score of every resample, ``(n_resamples,)`` each."""
    rng = np.random.default_rng(seed)
    chunk = max(1, _CHUNK_CELLS // max(units.shape))
    found: dict[str, list[Floats]] = {name: [] for name in METRICS}
    for start in range(0, n_resamples, chunk):
        weights = rng.multinomial(draws, chances, size=min(chunk, n_resamples - start))
        confusion = (weights @ units).reshape(-1, num_classes, num_classes)
        for name, values in scores_of(confusion).items():
            found[name].append(values)
    return {name: np.concatenate(values) for name, values in found.items()}
