"""SIGTERM and SIGHUP end work in order: what is half done is saved or cleared away, and the exit code tells of it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


_PATIENCE = 0.5
"""Seconds after which it is looked whether the end that was asked for is under way."""


class Ended(SystemExit):
    """The process was asked to end. Uncaught it ends it, with the code a shell tells of the signal.

    Attributes:
        signal: which.
        advice: how to go on, in words; empty where only the command knows.
    """

    def __init__(self, number: int, advice: str = "") -> None:
        super().__init__(128 + number)
        self.signal = signal.Signals(number)
        self.advice = advice


class Asked:
    """Whether the process was asked to end: the number of the signal, 0 while it was not."""

    def __init__(self) -> None:
        self.number = 0


@contextmanager
def ending() -> Iterator[None]:
    """Has SIGTERM and SIGHUP raise `Ended` in the block, as Ctrl-C raises KeyboardInterrupt; a second one ends at once.

    Python drops what is raised while C calls it back, as in the middle of an import or of decoding. So the block asks
    again while what it raised is nowhere any more and the block goes on.

    In another thread than the main one, and for a signal that is ignored (``nohup``), nothing changes.
    """
    raised: weakref.ref[Ended] | None = None
    over = threading.Event()

    def lost() -> bool:
        return raised is not None and raised() is None

    def insist(number: int) -> None:
        while not over.wait(_PATIENCE):
            if lost():
                os.kill(os.getpid(), number)
                return

    def end(number: int) -> None:
        nonlocal raised
        ended = Ended(number)
        raised = weakref.ref(ended)
        threading.Thread(target=insist, args=(number,), daemon=True).start()
        try:
            raise ended
        finally:
            del ended  # which its own traceback would keep

    tell = sys.unraisablehook
    sys.unraisablehook = lambda dropped: None if isinstance(dropped.exc_value, Ended) else tell(dropped)
    try:
        with _handled(end, workers_end=True, lost=lost):
            yield
    finally:
        over.set()
        sys.unraisablehook = tell


@contextmanager
def noting() -> Iterator[Asked]:
    """Has SIGTERM and SIGHUP noted in the block, for work that comes to an end by itself; a second one ends at once."""
    asked = Asked()

    def note(number: int) -> None:
        asked.number = number

    with _handled(note, workers_end=False):
        yield asked


@contextmanager
def advising(advice: Callable[[], str]) -> Iterator[None]:
    """Says how to go on where the block is ended, unless what is inside it has said so."""
    try:
        yield
    except Ended as ended:
        ended.advice = ended.advice or advice()
        raise
    except KeyboardInterrupt as interrupt:
        interrupt.args = interrupt.args or (advice(),)
        raise


def advice_of(interrupt: KeyboardInterrupt) -> str:
    """How to go on after Ctrl-C, in words; empty where only the command knows."""
    return str(interrupt.args[0]) if interrupt.args else ""


@contextmanager
def _handled(
    act: Callable[[int], None], *, workers_end: bool, lost: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Handles the first signal by ``act``; a second one ends the process at once.

    Args:
        act: is told its number.
        workers_end: whether forked workers end by it. Else they leave the first one, which may be for a whole group of
            processes, to the main process, which ends them.
        lost: whether what ``act`` did came to nothing, so that the next signal is the first one again.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    main, asked = os.getpid(), False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        first, asked = not asked or lost(), True
        if first and os.getpid() == main:
            act(number)
        elif not first or workers_end:
            for one in before:
                signal.signal(one, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    before = {one: signal.getsignal(one) for one in _SIGNALS}
    before = {one: handler for one, handler in before.items() if handler is not signal.SIG_IGN}
    for one in before:
        signal.signal(one, handle)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler or signal.SIG_DFL)  # None: set by C code, which cannot be set again
