"""A run that brings its process down brings down nothing else, and nothing outlives the study."""

import sys
import time
from pathlib import Path

import pytest

from ser_hf.base.errors import SerHfError
from ser_hf.studies.launchers import Finished, LocalProcesses, RayCluster, Started
from ser_hf.studies.launchers.process import WorkerProcess

WORKER = """
import json, os, signal, sys, time
for line in sys.stdin:
    job = json.loads(line)
    if job["does"] == "die":
        open(os.path.join(job["folder"], "log.txt"), "w").write("some\\nlast words\\n")
        sys.exit(3)
    if job["does"] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if job["does"] == "wait":
        open(os.path.join(job["folder"], str(os.getpid())), "w").close()
        sys.stdin.read()
        break
    print(json.dumps({"error": "bad" if job["does"] == "fail" else None, "seconds": 1.5}), flush=True)
"""


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch, tmp_path):
    """A worker that does what a job says, in place of the one that trains."""
    (tmp_path / "stand_in.py").write_text(WORKER, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    monkeypatch.setattr("ser_hf.studies.launchers.process._WORKER", "stand_in")


def jobs_of(tmp_path: Path, *does: str) -> list[dict]:
    return [{"does": what, "folder": str(tmp_path), "cwd": str(tmp_path)} for what in does]


def test_every_job_begins_and_ends_whatever_becomes_of_others(tmp_path):
    told = list(LocalProcesses(2).run(jobs_of(tmp_path, "do", "fail", "die", "do", "kill", "do")))
    ended = {event.number: event for event in told if isinstance(event, Finished)}
    assert sorted(event.number for event in told if isinstance(event, Started)) == [*range(6)]
    assert [ended[i].error for i in (0, 1, 3, 5)] == [None, "bad", None, None]
    assert ended[0].seconds == 1.5
    assert ended[2].error == f"its process ended with exit code 3; see {tmp_path}/log.txt: last words"
    assert ended[4].error.startswith("its process was ended by signal 9")


def test_no_jobs_are_no_processes():
    assert list(LocalProcesses(3).run([])) == []


def test_one_worker_does_one_job_after_the_other_in_one_process(tmp_path):
    worker = WorkerProcess()
    assert [worker.do(job) for job in jobs_of(tmp_path, "do", "do")] == [(1.5, None)] * 2
    worker.end()
    worker.end()


def test_who_stops_listening_stops_the_work(tmp_path):
    events = LocalProcesses(1).run(jobs_of(tmp_path, "wait", "do"))
    assert next(events) == Started(0)
    end = time.monotonic() + 30
    while not (pids := [path for path in tmp_path.iterdir() if path.name.isdigit()]):
        assert time.monotonic() < end
        time.sleep(0.01)
    events.close()
    assert not Path("/proc", pids[0].name).exists() or sys.platform != "linux"


def test_more_than_the_cluster_has_is_refused(tmp_path):
    pytest.importorskip("ray")
    with pytest.raises(SerHfError, match=r"CPUs and .* a run needs 1000 and 0; ask for less"):
        list(RayCluster(1, cpus=1000).run(jobs_of(tmp_path, "do")))
