"""How long runs will take: as long as the same took before."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import cached_property
from statistics import fmean

from ser_hf.training import RECIPES

from .grid import StudyRun

_TABLE = RECIPES / "results.csv"


class Estimate:
    """Wall-clock seconds of a run.

    The mean of those of its cell that are done, else of its row, else of the recipe as it was measured for the package,
    by the number of epochs.
    """

    def __init__(self) -> None:
        self._took: dict[tuple[str, ...], list[float]] = {}

    def add(self, run: StudyRun, seconds: float) -> None:
        """Takes note of a run that is done."""
        names = tuple(run.cell.values())
        for key in (names, names[:1]):
            self._took.setdefault(key, []).append(seconds)

    def seconds(self, run: StudyRun) -> float | None:
        """Of one run; None where nothing is known."""
        names = tuple(run.cell.values())
        for key in (names, names[:1]):
            if key in self._took:
                return fmean(self._took[key])
        return self._measured(run)

    def left(self, runs: Sequence[StudyRun], jobs: int) -> float | None:
        """Of several runs, ``jobs`` at a time; runs of which nothing is known count as the others do."""
        known = [seconds for run in runs if (seconds := self.seconds(run)) is not None]
        return fmean(known) * len(runs) / min(jobs, len(runs)) if known else None

    def _measured(self, run: StudyRun) -> float | None:
        recipe = run.recipe()
        rows = self._table.get(str(recipe.file), [])
        per_fold = [float(row["seconds"]) / _folds(row["fold"]) for row in rows]
        epochs = [float(row["epochs"]) for row in rows]
        if not per_fold:
            return None
        share = recipe.training.num_train_epochs / fmean(epochs) if min(epochs) > 0 else 1.0
        return fmean(per_fold) * share

    @cached_property
    def _table(self) -> Mapping[str, list[dict[str, str]]]:
        rows: dict[str, list[dict[str, str]]] = {}
        with _TABLE.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["seconds"]:
                    rows.setdefault(row["recipe"], []).append(row)
        return rows


def _folds(told: str) -> int:
    """How many folds ``"1-6"`` or ``"1,3"`` are; one where there are none."""
    low, _, high = told.partition("-")
    return int(high) - int(low) + 1 if high else told.count(",") + 1
