"""For whom and for what a model works: scores by sex, speaker, language, corpus, and by length, loudness and noise."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .bootstrap import clip_intervals, speaker_intervals, uar_draws
from .confusions import top_confusions
from .metrics import Labels, confusion_matrix, scores

GROUPS = ("sex", "speaker", "language", "corpus")
SLICES = ("duration", "loudness_db", "snr_db")
UNKNOWN = "unknown"
FEWEST_CLIPS = 10
"""Clips below which a group takes no part in a gap."""
_RESAMPLES = 500
_QUARTERS = 4


def evaluate_groups(
    references: Labels,
    predictions: Labels,
    classes: Sequence[str],
    facts: Mapping[str, Sequence[Any]],
    *,
    seed: int = 0,
) -> dict[str, Any]:
    """Breaks a score down by what is known of the clips.

    Intervals are of 500 resamples, of gaps 2000. UAR is over the classes that a group holds, ``n_classes``: groups with
    other classes are not alike in what is asked of them. A gap is that of the best and the worst group, which is above
    zero by chance alone; its interval is of these two groups, over their speakers, or over clips where a group has one
    speaker or its speakers are not known.

    Args:
        references: true class ids.
        predictions: predicted class ids, in the same order.
        classes: class names; the position is the class id.
        facts: of every clip, by column of predictions.parquet: ``sex``, ``speaker``, ``language``, ``corpus``,
            ``duration`` in seconds, ``loudness_db``, ``snr_db``; None where unknown. Columns may be missing.
        seed: of the bootstrap.

    Returns:
        Plain JSON data: ``groups`` (column -> rows), ``gaps`` (column -> best, worst, their difference in UAR with its
        interval), ``slices`` (column -> rows for each quarter of the clips) and ``confusions`` (corpus -> the ten most
        frequent). A column of which nothing is known, or with one value alone, is left out; corpora are always there.
    """
    true, said = np.asarray(references), np.asarray(predictions)
    speakers = np.asarray(facts.get("speaker", [None] * len(true)), dtype=object)
    found: dict[str, Any] = {"groups": {}, "gaps": {}, "slices": {}}
    for column in GROUPS:
        values = np.array([UNKNOWN if v is None else str(v) for v in facts.get(column, [])], dtype=object)
        names = sorted(set(values.tolist()))
        if (len([*names]) < 2 and column != "corpus") or not names:
            continue
        parts = {name: np.flatnonzero(values == name) for name in names}
        found["groups"][column] = [
            {"group": name, **_scored(true[own], said[own], len(classes), speakers[own], seed)}
            for name, own in parts.items()
        ]
        if gap := _gap(found["groups"][column], parts, true, said, len(classes), speakers, column, seed):
            found["gaps"][column] = gap
    for column in SLICES:
        if rows := _quarters(true, said, len(classes), speakers, facts.get(column, []), seed):
            found["slices"][column] = rows
    corpora = np.asarray(facts.get("corpus", []), dtype=object)
    found["confusions"] = {
        name: top_confusions(confusion_matrix(true[corpora == name], said[corpora == name], len(classes)), classes)
        for name in sorted(set(corpora.tolist()))
    }
    return {key: value for key, value in found.items() if value}


def _scored(
    true: npt.NDArray[Any], said: npt.NDArray[Any], num_classes: int, speakers: npt.NDArray[np.object_], seed: int
) -> dict[str, Any]:
    values = scores(true, said, num_classes)
    options: dict[str, Any] = {"n_resamples": _RESAMPLES, "seed": seed}
    clips = clip_intervals(true, said, num_classes, **options)
    whole = speaker_intervals(true, said, num_classes, speakers.tolist(), **options)
    metrics = {
        name: {"value": values[name], "clips": [*clips[name]], "speakers": [*whole[name]] if whole else None}
        for name in ("accuracy", "uar")
    }
    known = len(set(speakers.tolist()) - {None})
    return {"clips": len(true), "speakers": known, "n_classes": len(np.unique(true)), **metrics}


def _gap(
    rows: Sequence[Mapping[str, Any]],
    parts: Mapping[str, npt.NDArray[Any]],
    true: npt.NDArray[Any],
    said: npt.NDArray[Any],
    num_classes: int,
    speakers: npt.NDArray[np.object_],
    column: str,
    seed: int,
) -> dict[str, Any] | None:
    """The best group against the worst; None where there are no two of known name with enough clips."""
    fit = [row for row in rows if row["group"] != UNKNOWN and row["clips"] >= FEWEST_CLIPS]
    if len(fit) < 2:
        return None
    best, worst = (pick(fit, key=lambda row: row["uar"]["value"]) for pick in (max, min))
    if best is worst:
        best, worst = fit[:2]
    draws = []
    for i, row in enumerate((best, worst)):
        own = parts[row["group"]]
        by_speaker = column != "speaker" and row["speakers"] > 1 and None not in speakers[own]
        units = speakers[own].tolist() if by_speaker else own.tolist()
        draws.append(uar_draws(true[own], said[own], num_classes, units, n_resamples=2000, seed=seed + i))
    low, high = np.percentile(draws[0] - draws[1], [2.5, 97.5])
    difference = best["uar"]["value"] - worst["uar"]["value"]
    return {"best": best["group"], "worst": worst["group"], "uar": difference, "low": float(low), "high": float(high)}


def _quarters(
    true: npt.NDArray[Any],
    said: npt.NDArray[Any],
    num_classes: int,
    speakers: npt.NDArray[np.object_],
    measures: Sequence[Any],
    seed: int,
) -> list[dict[str, Any]]:
    """Scores of the clips in each quarter of a measure; none where all clips measure the same, or nothing is known."""
    values = np.array([np.nan if value is None else value for value in measures], dtype=np.float64)
    known = np.flatnonzero(np.isfinite(values))
    if len(known) < _QUARTERS * FEWEST_CLIPS:
        return []
    edges = np.unique(np.percentile(values[known], np.linspace(0, 100, _QUARTERS + 1)))
    if len(edges) < 3:
        return []
    place = np.clip(np.searchsorted(edges, values[known], side="left") - 1, 0, len(edges) - 2)
    rows = []
    for i, (low, high) in enumerate(itertools.pairwise(edges.tolist())):
        own = known[place == i]
        if len(own):
            scored = _scored(true[own], said[own], num_classes, speakers[own], seed)
            rows.append({"low": low, "high": high, **scored})
    return rows
