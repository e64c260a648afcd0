"""The table of a study: one line for each cell, scores over its folds and seeds, and what they are beside a baseline's.

The same runs give the same bytes: nothing in it depends on when, where or in which order they were run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from ser_hf.base.errors import SerHfError
from ser_hf.evaluation import METRICS, clip_intervals, holm, mcnemar, speaker_intervals, uar_difference
from ser_hf.reporting import load_predictions, load_results

from .study import ROW

_LOW_HIGH = ("low", "high")


@dataclass(frozen=True)
class Row:
    """The runs of a cell that are done.

    Attributes:
        cell: the row and the values of the axes, by name.
        runs: seed and run folder of each.
        expected: how many there should be.
        paper: what the paper says, in per cent.
    """

    cell: Mapping[str, str]
    runs: Sequence[tuple[int, Path]]
    expected: int
    paper: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Seed:
    """All folds of a seed: clip -> (corpus, speaker, reference, prediction), with class ids."""

    clips: Mapping[str, tuple[str, str | None, int, int]]
    folds: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, folders: Sequence[Path]) -> _Seed:
        folds, clips = [], {}
        for folder in folders:
            results = load_results(folder)
            number = {name: i for i, name in enumerate(results["data"]["classes"])}
            for row in load_predictions(folder, results):
                if row["clip_id"] in clips:
                    raise SerHfError(f"{folder}: {row['clip_id']} is also in the test of another fold of the same cell")
                ids = number[row["label"]], number[row["predicted"]]
                clips[row["clip_id"]] = (row["corpus"], row["speaker"], *ids)
            folds.append(results)
        return cls(dict(sorted(clips.items())), folds)

    @property
    def references(self) -> np.ndarray:
        return np.array([clip[2] for clip in self.clips.values()])

    @property
    def predictions(self) -> np.ndarray:
        return np.array([clip[3] for clip in self.clips.values()])

    @property
    def speakers(self) -> list[str | None]:
        return [clip[1] for clip in self.clips.values()]


class _Scored:
    """A cell's seeds, and their scores."""

    def __init__(self, row: Row) -> None:
        self.row = row
        by_seed = groupby(sorted(row.runs), key=lambda run: run[0])
        self.seeds = [_Seed.of([folder for _, folder in runs]) for _, runs in by_seed]
        self.folds = [fold for seed in self.seeds for fold in seed.folds]
        classes = {tuple(fold["data"]["classes"]) for fold in self.folds}
        if len(classes) > 1:
            raise SerHfError(f"{', '.join(row.cell.values())}: its runs have different classes, {sorted(classes)}")
        self.n_classes = len(classes.pop())

    @cached_property
    def values(self) -> dict[str, list[float]]:
        """Every metric, of each seed."""
        from ser_hf.evaluation import scores

        found = [scores(seed.references, seed.predictions, self.n_classes) for seed in self.seeds]
        return {name: [one[name] for one in found] for name in METRICS}

    @cached_property
    def intervals(self) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
        """By clip and by speaker; a clip's predictions of all seeds are drawn together."""
        true = np.concatenate([seed.references for seed in self.seeds])
        said = np.concatenate([seed.predictions for seed in self.seeds])
        clips = [clip for seed in self.seeds for clip in seed.clips]
        speakers = [speaker for seed in self.seeds for speaker in seed.speakers]
        by_clip = (
            clip_intervals(true, said, self.n_classes)
            if len(self.seeds) == 1
            else speaker_intervals(true, said, self.n_classes, clips)
        )
        return by_clip or {}, speaker_intervals(true, said, self.n_classes, speakers)


def study_table(rows: Sequence[Row], baseline: str | None) -> list[dict[str, str]]:
    """The lines of a table, each a column -> text; all have the same columns.

    Over the folds of a seed scores are pooled: every test clip counts once. Over seeds they are averaged, and clips and
    speakers are drawn with the predictions of all seeds together. ``*_fold_mean`` and ``*_fold_std`` are over runs,
    ``*_seed_std`` over seeds.

    A line is compared with the baseline's that has the same values of all axes, if it was tested on the same clips: by
    the difference in UAR with a bootstrap over speakers, which sees all seeds, and by McNemar's test of the first seed
    of each. ``*_holm`` are corrected for all comparisons of the table.

    Args:
        rows: the cells, in the order of the lines.
        baseline: the row that others are compared with.

    Raises:
        SerHfError: a run cannot be read, or two of a cell test the same clip or have other classes.
    """
    scored = [_Scored(row) for row in rows]
    bases = {_axes(one.row): one for one in scored if one.row.cell[ROW] == baseline}
    compared = [_compared(one, bases.get(_axes(one.row))) for one in scored]
    for key in ("p_bootstrap", "p_mcnemar"):
        for line, p in zip(compared, holm([line[key] for line in compared]), strict=True):
            line[f"{key}_holm"] = p
    names = set().union(*(row.cell for row in rows))  # an axis may be called as a column is, such as `protocol`
    lines = []
    for one, line in zip(scored, compared, strict=True):
        found = {**_facts(one), **_scores(one), **_told(one), **_texts(line)}
        lines.append({**one.row.cell, **{key: text for key, text in found.items() if key not in names}})
    return lines


def _axes(row: Row) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in row.cell.items() if name != ROW)


def _facts(one: _Scored) -> dict[str, str]:
    folds, seed = one.folds, one.seeds[0]
    parameters = {fold["model"]["parameters"] for fold in folds}
    return {
        "recipe": _all(fold.get("recipe") or fold["name"] for fold in folds),
        "corpora": _all("+".join(corpus["name"] for corpus in fold["data"]["corpora"]) for fold in folds),
        "scheme": _all(fold["data"]["scheme"] for fold in folds),
        "protocol": _all(fold["split"]["protocol"] for fold in folds),
        "speaker_independent": str(all(fold["split"]["speaker_independent"] for fold in folds)),
        "runs": str(len(one.row.runs)),
        "runs_expected": str(one.row.expected),
        "seeds": str(len(one.seeds)),
        "test_clips": str(len(seed.clips)),
        "test_speakers": str(len(set(seed.speakers) - {None})),
        "epochs": f"{np.mean([fold['training']['epochs'] for fold in folds]):.0f}",
        "parameters": str(max(parameters)),
        "precision": _all(fold["training"]["precision"] for fold in folds),
        "caveat": _all(fold.get("caveat", "") for fold in folds),
    }


def _scores(one: _Scored) -> dict[str, str]:
    by_clip, by_speaker = one.intervals
    line: dict[str, str] = {}
    for name in METRICS:
        values = one.values[name]
        folds = [fold["test"]["metrics"][name]["value"] for fold in one.folds]
        line[name] = _share(float(np.mean(values)))
        for end, i in zip(_LOW_HIGH, (0, 1), strict=True):
            line[f"{name}_{end}"] = _share(by_clip[name][i])
        for end, i in zip(_LOW_HIGH, (0, 1), strict=True):
            line[f"{name}_speakers_{end}"] = _share(by_speaker[name][i] if by_speaker else None)
        line[f"{name}_fold_mean"] = _share(float(np.mean(folds)))
        line[f"{name}_fold_std"] = _share(float(np.std(folds, ddof=1)) if len(folds) > 1 else None)
        line[f"{name}_seed_std"] = _share(float(np.std(values, ddof=1)) if len(values) > 1 else None)
    return line


def _told(one: _Scored) -> dict[str, str]:
    """The paper's figures in per cent, and ours less them in points."""
    line: dict[str, str] = {}
    for name in METRICS:
        figure = one.row.paper.get(name)
        line[f"paper_{name}"] = "" if figure is None else f"{figure:g}"
        ours = 100 * float(np.mean(one.values[name]))
        line[f"paper_{name}_difference"] = "" if figure is None else f"{ours - figure:+.1f}"
    return {**line, "paper_source": str(one.row.paper.get("source", ""))}


def _compared(one: _Scored, base: _Scored | None) -> dict[str, float | None]:
    nothing = dict.fromkeys(("uar_difference", "uar_difference_low", "uar_difference_high", "p_bootstrap", "p_mcnemar"))
    if (
        base is None
        or base is one
        or any({*seed.clips} != {*base.seeds[0].clips} for seed in (*one.seeds, *base.seeds))
    ):
        return nothing
    pairs = [*zip(one.seeds, base.seeds, strict=False)]
    first, first_base = pairs[0]
    p = mcnemar(first_base.predictions == first_base.references, first.predictions == first.references)
    found = uar_difference(
        np.concatenate([seed.references for seed, _ in pairs]),
        np.concatenate([other.predictions for _, other in pairs]),
        np.concatenate([seed.predictions for seed, _ in pairs]),
        one.n_classes,
        [speaker for seed, _ in pairs for speaker in seed.speakers],
    )
    if found is None:
        return {**nothing, "p_mcnemar": p}
    return dict(zip(nothing, (*found, p), strict=True))


def _texts(line: Mapping[str, float | None]) -> dict[str, str]:
    return {key: _share(value) for key, value in line.items()}


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _all(texts: Any) -> str:
    return " ".join(sorted({str(text) for text in texts if text}))
