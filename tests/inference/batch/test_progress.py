"""The bar tells how far it is, and never fails in place of the work."""

import threading

import pytest

from ser_hf.inference.batch.progress import Progress


@pytest.mark.parametrize("error", [RuntimeError("the client has been closed"), AttributeError("half imported")])
def test_a_count_that_fails_is_no_failure(error, capsys):
    def count():
        raise error

    before = set(threading.enumerate())
    with Progress(True, count) as bar:
        for thread in set(threading.enumerate()) - before:
            thread.join(10)
        bar.add(3)
    shown = capsys.readouterr().err
    assert "3 clips" in shown
    assert "Exception" not in shown


def test_nothing_is_shown_when_quiet(capsys):
    with Progress(False, lambda: 5) as bar:
        bar.add(3)
        bar.skip(2)
    assert capsys.readouterr().err == ""
