"""Runs on a Ray cluster, or on a Ray of this machine alone."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from ser_hf.base.errors import SerHfError
from ser_hf.base.optional import require

from .launcher import Finished, Job, Launcher, Started, Told
from .process import WorkerProcess


class RayCluster(Launcher):
    """``jobs`` Ray actors, each with a worker process.

    The folders of the recordings and of the study must be the same on all machines, and ser_hf installed on them.

    Args:
        jobs: how many at a time; None: as many as the cluster has room for.
        address: of the cluster, as ``ray.init`` takes it; None: that of ``RAY_ADDRESS``, else one is started here.
        cpus: cores of a run.
        gpus: GPUs of a run; may be a share.

    Raises:
        SerHfError: Ray is not installed, or there is no room for a single run.
    """

    def __init__(self, jobs: int | None, address: str | None = None, cpus: float = 1, gpus: float = 0) -> None:
        self._ray: Any = require("ray", "ray")
        self._address, self._cpus, self._gpus = address, cpus, gpus
        self._wanted = jobs
        self.jobs = jobs or 1

    def run(self, jobs: Sequence[Job]) -> Generator[Told, None, None]:
        """See `Launcher.run`."""
        ray = self._ray
        own = not ray.is_initialized()
        if own:
            ray.init(address=self._address, log_to_driver=False, logging_level="ERROR", include_dashboard=False)
        try:
            self.jobs = self._room()
            yield from self._run(jobs)
        finally:
            if own:
                ray.shutdown()

    def _run(self, jobs: Sequence[Job]) -> Generator[Told, None, None]:
        ray, todo = self._ray, [*range(len(jobs))]
        options = {"num_cpus": self._cpus, "num_gpus": self._gpus, "max_restarts": -1}
        kind = ray.remote(**options)(WorkerProcess)
        idle = [kind.remote(max(1, int(self._cpus))) for _ in range(min(self.jobs, len(jobs)))]
        running: dict[Any, tuple[int, Any]] = {}
        while todo or running:
            while todo and idle:
                number, actor = todo.pop(0), idle.pop()
                running[actor.do.remote(jobs[number])] = number, actor
                yield Started(number)
            (done,), _ = ray.wait([*running], num_returns=1)
            number, actor = running.pop(done)
            idle.append(actor)
            try:
                seconds, error = ray.get(done)
            except ray.exceptions.RayError as lost:  # a machine that is gone
                seconds, error = 0.0, f"Ray lost it: {str(lost).splitlines()[0]}"
            yield Finished(number, seconds, error)

    def _room(self) -> int:
        there = self._ray.cluster_resources()
        fits = [int(there.get("CPU", 0) // self._cpus)] if self._cpus else []
        fits += [int(there.get("GPU", 0) / self._gpus)] if self._gpus else []
        if not (most := min(fits, default=1)):
            raise SerHfError(
                f"the Ray cluster has {there.get('CPU', 0):g} CPUs and {there.get('GPU', 0):g} GPUs, and a run needs "
                f"{self._cpus:g} and {self._gpus:g}; ask for less"
            )
        return min(self._wanted or most, most)
