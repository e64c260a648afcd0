"""Runs in processes of this machine."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Generator, Sequence

from .launcher import Finished, Job, Launcher, Started, Told
from .process import WorkerProcess

_PATIENCE = 30.0
"""Seconds that runs have to save a checkpoint when the study is ended before they are."""


class LocalProcesses(Launcher):
    """``jobs`` worker processes side by side, which share the processor's cores among them.

    Args:
        jobs: how many.
    """

    def __init__(self, jobs: int = 1) -> None:
        self.jobs = jobs

    def run(self, jobs: Sequence[Job]) -> Generator[Told, None, None]:
        """See `Launcher.run`."""
        todo: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        told: queue.SimpleQueue[Told] = queue.SimpleQueue()
        for number in [*range(len(jobs)), *[None] * self.jobs]:
            todo.put(number)
        threads = max(1, (os.cpu_count() or 1) // self.jobs)
        workers = [WorkerProcess(threads) for _ in range(min(self.jobs, len(jobs)))]
        stopped = threading.Event()
        for worker in workers:
            threading.Thread(target=_work, args=(worker, jobs, todo, told, stopped), daemon=True).start()
        left = len(jobs)
        try:
            while left:
                event = told.get()
                left -= isinstance(event, Finished)
                yield event
        finally:
            stopped.set()
            for worker in workers if left else ():
                worker.ask()
            for worker in workers:
                worker.end(_PATIENCE if left else 0)


def _work(
    worker: WorkerProcess,
    jobs: Sequence[Job],
    todo: queue.SimpleQueue[int | None],
    told: queue.SimpleQueue[Told],
    stopped: threading.Event,
) -> None:
    while (number := todo.get()) is not None and not stopped.is_set():
        told.put(Started(number))
        told.put(Finished(number, *worker.do(jobs[number])))
