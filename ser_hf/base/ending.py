"""SIGTERM and SIGHUP end work in order: what is half done is saved or cleared away, and the exit code tells of it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


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

    In another thread than the main one, and for a signal that is ignored (``nohup``), nothing changes.
    """

    def end(number: int) -> None:
        raise Ended(number)

    with _handled(end, workers_end=True):
        yield


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
def _handled(act: Callable[[int], None], *, workers_end: bool) -> Iterator[None]:
    """Handles the first signal by ``act``.

    Args:
        act: is told its number.
        workers_end: whether forked workers end by it. Else they leave the first one, which may be for a whole group of
            processes, to the main process, which ends them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    main = os.getpid()

    def handle(number: int, frame: FrameType | None) -> None:
        for one in before:
            signal.signal(one, signal.SIG_DFL)
        if os.getpid() == main:
            act(number)
        elif workers_end:
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
