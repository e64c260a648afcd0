"""Which speakers are held out: those whose clips come closest to what was asked, in all and of every class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ._columns import Columns, among

_DRAWS = 500
_MISSING = 10.0
"""What a class costs that one side lacks: more than any difference of shares."""


def closest(columns: Columns, speakers: Sequence[str], count: int, rng: np.random.Generator, seed: int) -> list[str]:
    """``count`` of the speakers, drawn so that both sides have every class and the share of clips that was asked.

    Of 500 drawings the one is taken with the smallest sum, over the classes and over all clips, of the squared
    difference between the share of clips that is held out and the share of speakers; a class that is there and that
    one side lacks costs more than any difference. Among equals the first is taken, so where all speakers recorded the
    same, the drawing is a plain one. The result depends on the seed, the speakers' names and their counts alone.

    Args:
        columns: of the clips.
        speakers: to choose from, sorted.
        count: at least 1.
        rng: of the first drawing; it is used once, whatever the data are.
        seed: of the others.
    """
    place = {speaker: i for i, speaker in enumerate(speakers)}
    first = np.array([place[str(speaker)] for speaker in rng.permutation(speakers)[:count]])
    if not 0 < count < len(speakers):
        return [speakers[i] for i in first]
    others = np.argsort(np.random.default_rng([seed, len(speakers)]).random((_DRAWS, len(speakers))), axis=1)[:, :count]
    chosen = np.zeros((_DRAWS + 1, len(speakers)))
    np.put_along_axis(chosen, np.vstack([first, others]), 1.0, axis=1)
    best = int(np.argmin(np.round(_costs(chosen, _counts(columns, speakers), count / len(speakers)), 9)))
    return [speakers[i] for i in ([*first] if best == 0 else others[best - 1])]


def evenest(columns: Columns, speakers: Sequence[str], deals: Sequence[np.ndarray]) -> np.ndarray:
    """Of several deals of speakers to folds the one whose folds are most alike in clips and classes; ties: the first.

    Args:
        columns: of the clips.
        speakers: that are dealt.
        deals: fold numbers from 1, one per speaker.
    """
    counts = _counts(columns, speakers)
    folds = int(deals[0].max())

    def cost(deal: np.ndarray) -> float:
        held = np.stack([deal == number for number in range(1, folds + 1)]).astype(float)
        return round(float(_costs(held, counts, 1 / folds).sum()), 9)

    return min(deals, key=cost)


def _costs(chosen: np.ndarray, counts: np.ndarray, share: float) -> np.ndarray:
    """The cost of every drawing ``(draws, speakers)``, given the clips ``(speakers, classes)``."""
    total = counts.sum(axis=0)
    held = chosen @ counts
    lacking = ((held == 0) | (held == total)).sum(axis=1)
    off = ((held / total - share) ** 2).sum(axis=1) + (held.sum(axis=1) / total.sum() - share) ** 2
    costs: np.ndarray = off + _MISSING * lacking
    return costs


def _counts(columns: Columns, speakers: Sequence[str]) -> np.ndarray:
    """Clips of every speaker and class; classes that none of them has are left out."""
    own = among(columns.speakers, speakers)
    place = {speaker: i for i, speaker in enumerate(speakers)}
    classes = sorted(set(columns.labels[own]), key=str)
    number = {label: i for i, label in enumerate(classes)}
    counts = np.zeros((len(speakers), len(classes)))
    for speaker, label in zip(columns.speakers[own], columns.labels[own], strict=True):
        counts[place[speaker], number[label]] += 1
    return counts
