"""A process that is asked to end does, whatever it is doing."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

from ser_hf.base import ending as module
from ser_hf.base.ending import Ended, ending, noting

NUMBERS = [signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE", 0.02)
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it is ignored
    yield
    signal.signal(signal.SIGHUP, before)


def _go_on(work, *args):
    work(*args)
    for _ in range(500):
        time.sleep(0.01)
    pytest.fail("it went on")


class Deaf:
    """What is raised while it goes is dropped by Python."""

    def __init__(self, number):
        self.number = number

    def __del__(self):
        os.kill(os.getpid(), self.number)
        time.sleep(0)


@pytest.mark.parametrize("number", NUMBERS)
def test_what_python_drops_is_raised_again_and_not_told(number, capfd):
    with pytest.raises(Ended) as ended, ending():
        _go_on(Deaf, number)
    assert ended.value.signal == number
    assert capfd.readouterr().err == ""


def test_what_a_library_catches_is_raised_again():
    tries = []

    def catches():
        with contextlib.suppress(Ended):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        tries.append("dropped")

    with pytest.raises(Ended), ending():
        _go_on(catches)
    assert tries == ["dropped"]


def test_an_end_under_way_is_not_asked_for_again():
    cleared = []

    def clears_up():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        finally:
            time.sleep(0.3)
            cleared.append(True)

    with pytest.raises(Ended), ending():
        clears_up()
    assert cleared


@pytest.mark.parametrize("block", [ending, noting])
def test_after_the_block_all_is_as_before(block):
    hook, before = sys.unraisablehook, [signal.getsignal(number) for number in NUMBERS]
    with block():
        assert [signal.getsignal(number) for number in NUMBERS] != before
    assert [signal.getsignal(number) for number in NUMBERS] == before
    assert sys.unraisablehook is hook


PROGRAM = """
import os, signal, time
from ser_hf.base.ending import ending, noting
with BLOCK() as asked:
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.2 if asked else 5)
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
"""


@pytest.mark.parametrize("block", ["ending", "noting"])
def test_a_second_signal_ends_at_once(block):
    done = subprocess.run([sys.executable, "-c", PROGRAM.replace("BLOCK", block)], capture_output=True, timeout=60)
    assert done.returncode == -signal.SIGTERM
