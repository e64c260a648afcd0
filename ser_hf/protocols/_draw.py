"""Drawing: recordings in strata, dealt to sides by share or to folds in turn; identical recordings stay together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from ._columns import Columns


def units(recordings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first row of every recording, in the order of their hashes, and the position of every row's recording.

    The order of the hashes makes a drawing independent of the order of the rows.
    """
    _, first, unit = np.unique(recordings.astype(str), return_index=True, return_inverse=True)
    return first, unit


def draw(strata: Sequence[Hashable], shares: Mapping[str, float], rng: np.random.Generator) -> np.ndarray:
    """Names a side for every unit: ``shares`` of each stratum by largest remainder, so that the totals are exact."""
    members = _members(strata)
    side = np.full(len(strata), "train", dtype=object)
    for own in members.values():
        rng.shuffle(own)
    taken = dict.fromkeys(members, 0)
    for name, share in shares.items():
        exact = {s: share * len(own) for s, own in members.items()}
        counts = {s: int(x) for s, x in exact.items()}
        missing = round(sum(exact.values())) - sum(counts.values())
        room = [s for s, own in members.items() if taken[s] + counts[s] < len(own)]
        for stratum in sorted(room, key=lambda s: counts[s] - exact[s])[:missing]:
            counts[stratum] += 1
        for stratum, own in members.items():
            start = taken[stratum]
            side[own[start : start + counts[stratum]]] = name
            taken[stratum] += counts[stratum]
    return side


def deal(strata: Sequence[Hashable], folds: int, rng: np.random.Generator) -> np.ndarray:
    """A fold from 1 to ``folds`` for every unit, dealt in turn stratum after stratum.

    So the folds differ by one unit at most, in all and in every stratum.
    """
    order = []
    for own in _members(strata).values():
        rng.shuffle(own)
        order += own
    fold = np.empty(len(strata), dtype=int)
    fold[order] = np.arange(len(order)) % folds + 1
    return fold


def share(columns: Columns, rows: np.ndarray, strata: Sequence[Hashable], size: float, seed: int) -> np.ndarray:
    """Which rows a drawing takes: ``size`` of the recordings among ``rows``, stratified by ``strata`` (one per row)."""
    numbers = np.flatnonzero(rows)
    first, unit = units(columns.recordings[numbers])
    side = draw([strata[i] for i in numbers[first]], {"taken": size}, np.random.default_rng(seed))
    taken = np.zeros(len(rows), dtype=bool)
    taken[numbers[side[unit] == "taken"]] = True
    return taken


def by_corpus_and_class(columns: Columns) -> list[Hashable]:
    """The stratum of every row for drawings that look past the speaker."""
    return list(zip(columns.corpora, columns.labels, strict=True))


def _members(strata: Sequence[Hashable]) -> dict[Hashable, list[int]]:
    members: dict[Hashable, list[int]] = defaultdict(list)
    for unit, stratum in enumerate(strata):
        members[stratum].append(unit)
    return members
