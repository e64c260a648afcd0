"""The near end of a worker process."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from .launcher import LOG, Job

_WORKER = "ser_hf.studies.worker"
_TAIL = 4096


class WorkerProcess:
    """A worker that is started when there is a job, and anew after one that brought it down."""

    def __init__(self, threads: int | None = None) -> None:
        self._threads = threads
        self._process: subprocess.Popen[str] | None = None

    def do(self, job: Job) -> tuple[float, str | None]:
        """Does a job; gives the seconds it took, and what went wrong or None."""
        start = time.perf_counter()
        process = self._process if self._process and self._process.poll() is None else self._begin(job["cwd"])
        reply = ""
        try:
            if process.stdin and process.stdout:
                process.stdin.write(json.dumps(job) + "\n")
                process.stdin.flush()
                reply = process.stdout.readline()
        except BrokenPipeError:
            pass  # it ended before it heard the job: there is no reply
        if reply:
            told = json.loads(reply)
            return float(told["seconds"]), told["error"]
        code = process.wait()
        self._forget()
        return time.perf_counter() - start, _why(code, Path(job["folder"]) / LOG)

    def ask(self) -> None:
        """Asks it to end in order, which for a training is with a checkpoint."""
        if (process := self._process) is not None:
            process.terminate()

    def end(self, patience: float = 0) -> None:
        """Ends it, and whatever it has started.

        Args:
            patience: seconds it has to end by itself.
        """
        process = self._process
        if process is None:
            return
        if patience:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience)
        if process.stdin:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._forget()

    def _forget(self) -> None:
        if self._process and self._process.stdin and self._process.stdout:
            self._process.stdout.close()
            with contextlib.suppress(BrokenPipeError):  # the job it did not live to hear
                self._process.stdin.close()
        self._process = None

    def _begin(self, cwd: str) -> subprocess.Popen[str]:
        own = {"OMP_NUM_THREADS": str(self._threads)} if self._threads and "OMP_NUM_THREADS" not in os.environ else {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", _WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, **own},
            cwd=cwd,
            start_new_session=True,  # an interrupt of the terminal is for the study, which ends its workers
        )
        return self._process


def _why(code: int, log: Path) -> str:
    """What is known of a process that is gone: its signal or exit code, and its last words."""
    ended = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f"its process {ended}; see {log}" + (f": {last[:200]}" if last and code > 0 else "")
