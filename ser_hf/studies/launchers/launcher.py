"""What every launcher does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

LOG = "log.txt"
"""What a run prints, in its folder."""

Job: TypeAlias = dict[str, Any]
"""What a worker is told: ``folder``, ``source``, ``words``, ``launch``, ``cwd``, ``study``; see `worker`."""


@dataclass(frozen=True)
class Started:
    """A job has begun; ``number`` is its place in the list."""

    number: int


@dataclass(frozen=True)
class Finished:
    """A job has ended, after ``seconds`` of wall-clock time; ``error`` says why it failed, None if it did not."""

    number: int
    seconds: float
    error: str | None


Told: TypeAlias = Started | Finished


class Launcher(ABC):
    """Does jobs, some at a time."""

    jobs: int
    """How many at a time."""

    @abstractmethod
    def run(self, jobs: Sequence[Job]) -> Generator[Told, None, None]:
        """Does all jobs, whether others fail or not, and tells as they begin and end.

        To close the iterator stops what is running.
        """
