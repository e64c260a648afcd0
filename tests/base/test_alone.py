"""One process at a time in a folder."""

import multiprocessing
import os
import re
import signal

import pytest

from ser_hf.base.alone import alone
from ser_hf.base.errors import SerHfError


def hold(folder, entered, leave):
    with alone(folder):
        entered.set()
        leave.wait()


@pytest.fixture
def other(tmp_path):
    """Another process that holds the folder."""
    context = multiprocessing.get_context("fork")
    entered, leave = context.Event(), context.Event()
    process = context.Process(target=hold, args=(tmp_path / "run", entered, leave))
    process.start()
    assert entered.wait(30)
    yield process
    leave.set()
    process.join()


def test_the_second_is_refused_by_the_name_of_the_first(other, tmp_path):
    folder = tmp_path / "run"
    message = rf"{re.escape(str(folder))} is in use by process {other.pid} on .*, which began at \d{{4}}-"
    with pytest.raises(SerHfError, match=message), alone(folder):
        pass
    with alone(folder, main=False):
        pass


def test_one_that_was_killed_blocks_nobody(other, tmp_path):
    os.kill(other.pid, signal.SIGKILL)
    other.join()
    with alone(tmp_path / "run"):
        pass
    assert list((tmp_path / "run").iterdir()) == []


def test_an_error_gives_the_folder_back(tmp_path):
    with pytest.raises(ValueError, match="x"), alone(tmp_path):
        raise ValueError("x")
    with alone(tmp_path):
        pass
