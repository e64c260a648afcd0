"""A few faults of ``run.py``, which puts in the others: the same command again ends right, and leaves nothing else.

It runs in a process of its own, which has libraries keep their things in a folder of its own.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("run.py")


def put_in(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(PROGRAM), *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(PROGRAM.parents[2])},
    )


def test_a_build_that_is_killed_or_ended_leaves_what_it_would_have_left():
    done = put_in("--jobs", "build", "--few")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "0 wrong" in done.stdout


@pytest.mark.slow
def test_every_fault(tmp_path):
    done = put_in("--output", str(tmp_path / "table.md"))
    assert done.returncode == 0, (tmp_path / "table.md").read_text()
