"""How far a study is: one line, on a terminal drawn anew, elsewhere one for each run that ends."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from ser_hf.base.steps import steps

from .estimate import Estimate
from .grid import StudyRun

_NAMED = 2


class Progress:
    """Counts the runs of a study that are done, running and to do.

    Args:
        runs: those to do.
        done: how many are done already.
        jobs: how many are done at a time.
        estimate: of what they take.
    """

    def __init__(self, runs: Sequence[StudyRun], done: int, jobs: int, estimate: Estimate) -> None:
        self._runs, self._jobs, self._estimate = runs, jobs, estimate
        self._before, self._ended, self._failed = done, 0, 0
        self._running: dict[int, float] = {}
        self._waiting = set(range(len(runs)))
        self._bar: Any = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            form = "{desc} |{bar:20}| {n_fmt} of {total_fmt}{postfix}"
            total = self._before + len(self._runs)
            self._bar = tqdm(total=total, initial=self._before, desc="runs", bar_format=form, file=sys.stderr)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def begin(self, number: int) -> None:
        """A run has begun."""
        self._waiting.discard(number)
        self._running[number] = time.monotonic()
        self._draw()

    def end(self, number: int, seconds: float, error: str | None) -> None:
        """A run has ended."""
        self._running.pop(number, None)
        self._ended += 1
        self._failed += error is not None
        run = self._runs[number]
        if error is None:
            self._estimate.add(run, seconds)
        if self._bar is not None:
            self._bar.update(1)
            if error is not None:
                self._bar.write(f"failed: {run.label}: {error}", file=sys.stderr)
        else:
            what = "done" if error is None else "failed"
            steps.info("%s in %s: %s%s", what, told(seconds), run.label, f": {error}" if error else "")
            steps.info("  %s", self.line())
        self._draw()

    def line(self) -> str:
        """``12 of 40 done, 1 failed, running svm, fold 2, seed 42; about 9 min left``."""
        parts = [f"{self._before + self._ended - self._failed} of {self._before + len(self._runs)} done"]
        parts += [f"{self._failed} failed"] if self._failed else []
        named = [self._runs[number].label for number in self._running]
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        parts += [f"running: {'; '.join(named[:_NAMED])}{more}"] if named else []
        left = self._left()
        return ", ".join(parts) + (f"; about {told(left)} left" if left else "")

    def _left(self) -> float | None:
        """Seconds until all is done, if it goes on as before."""
        todo = [self._runs[number] for number in [*self._waiting, *self._running]]
        if not todo or (left := self._estimate.left(todo, self._jobs)) is None:
            return None
        spent = sum(time.monotonic() - start for start in self._running.values()) / self._jobs
        return max(1.0, left - spent)

    def _draw(self) -> None:
        if self._bar is not None:
            self._bar.set_postfix_str(self.line().partition(" done")[2])


def told(seconds: float) -> str:
    """A duration in words.

    >>> told(42), told(540), told(9000)
    ('42 s', '9 min', '2 h 30 min')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
