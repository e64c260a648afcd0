"""One process at a time in a folder."""

import os
import re
import subprocess
import sys

import pytest

from ser_hf.base.alone import alone
from ser_hf.base.errors import SerHfError

HOLD = """
import sys
from pathlib import Path
from ser_hf.base.alone import alone
with alone(Path(sys.argv[1])):
    print("in", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path, root):
    """Another process that holds the folder, until it is killed or nobody talks to it any more."""
    command, environment = [sys.executable, "-c", HOLD, tmp_path / "run"], {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout.readline() == b"in\n"
        yield process


def test_the_second_is_refused_by_the_name_of_the_first(other, tmp_path):
    folder = tmp_path / "run"
    message = rf"{re.escape(str(folder))} is in use by process {other.pid} on .*, which began at \d{{4}}-"
    with pytest.raises(SerHfError, match=message), alone(folder):
        pass
    with alone(folder, main=False):
        pass


def test_one_that_was_killed_blocks_nobody(other, tmp_path):
    other.kill()
    other.wait()
    with alone(tmp_path / "run"):
        pass
    assert list((tmp_path / "run").iterdir()) == []


def test_an_error_gives_the_folder_back(tmp_path):
    with pytest.raises(ValueError, match="x"), alone(tmp_path):
        raise ValueError("x")
    with alone(tmp_path):
        pass
