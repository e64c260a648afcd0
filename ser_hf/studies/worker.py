"""A process that does one run after the other, as it is told on its standard input; it ends with whom it is told by.

Each line that comes in is a job in JSON, each line that goes out what became of it. What a run prints goes into a log
beside it. A run that brings the process down brings down nothing else.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from ser_hf.base.ending import Ended, ending

from .launchers.launcher import LOG

_NO_BARS = dict.fromkeys(("HF_DATASETS_DISABLE_PROGRESS_BARS", "HF_HUB_DISABLE_PROGRESS_BARS"), "1")


def main() -> int:
    """Does jobs until there are no more, or until a signal ends it."""
    try:
        with ending():
            _work()
    except Ended as ended:
        sys.stderr.write(f"ended by {ended.signal.name}; {ended.advice}\n")
        sys.stderr.flush()
        os._exit(128 + ended.signal)  # the thread that listens would stop Python from ending in order
    return 0


def _work() -> None:
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.environ |= _NO_BARS
    jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_hear, args=(jobs,), daemon=True).start()
    while True:
        job = jobs.get()
        os.environ["SER_HF_STUDY"] = job["study"]  # by which trackers group runs
        folder = Path(job["folder"])
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / LOG).open("ab", buffering=0) as log:
            os.dup2(log.fileno(), sys.stdout.fileno())
            os.dup2(log.fileno(), sys.stderr.fileno())
            start = time.perf_counter()
            error = _launched(job) if job["launch"] else _trained(job)
            sys.stdout.flush()
            sys.stderr.flush()
        replies.write(json.dumps({"error": error, "seconds": time.perf_counter() - start}) + "\n")
        replies.flush()


def _hear(jobs: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Hands on the jobs; at the end of the input whoever gave them is gone, and so goes all that was started here."""
    for line in sys.stdin:
        jobs.put(json.loads(line))
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def _trained(job: dict[str, Any]) -> str | None:
    """Trains in this process; gives what is wrong with what it was told, if anything is."""
    from ser_hf.base.disk import told
    from ser_hf.base.errors import SerHfError
    from ser_hf.base.plain import PlainFormatter
    from ser_hf.base.steps import steps
    from ser_hf.flows.train import train
    from ser_hf.training import load_recipe

    teller = logging.StreamHandler(sys.stderr)
    teller.setFormatter(PlainFormatter("%(message)s"))
    logging.basicConfig(handlers=[teller], force=True)
    steps.setLevel(logging.INFO)
    try:
        train(load_recipe(job["source"], job["words"]))
    except SerHfError as error:
        return str(error)
    except OSError as error:
        return told(error)
    return None


def _launched(job: dict[str, Any]) -> str | None:
    """Trains in processes of ``accelerate launch``."""
    command = ["accelerate.commands.launch", *job["launch"], "-m", "ser_hf.cli", "train", job["source"], *job["words"]]
    with subprocess.Popen([sys.executable, "-m", *command], stdin=subprocess.DEVNULL) as launcher:
        try:
            code = launcher.wait()
        except Ended:
            launcher.terminate()  # it hands the signal on to its processes, and waits for their checkpoint
            launcher.wait()
            raise
    return None if code == 0 else f"accelerate launch ended with code {code}; see {job['folder']}/{LOG}"


if __name__ == "__main__":
    sys.exit(main())
