"""How far it is, for people who wait: on standard error, with the rate and the time that is left."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from tqdm import tqdm


class Progress:
    """A bar; use it as a context.

    Args:
        shown: whether anything is shown at all.
        count: says how many recordings there are, or None; it is asked beside the work.
    """

    def __init__(self, shown: bool, count: Callable[[], int | None]) -> None:
        self._bar = tqdm(unit=" clips", disable=not shown, smoothing=0.05, mininterval=0.5)
        if shown:
            threading.Thread(target=self._ask, args=(count,), daemon=True).start()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def add(self, clips: int) -> None:
        """Tells of clips that were heard."""
        self._bar.update(clips)

    def skip(self, clips: int) -> None:
        """Tells of clips that others heard, or a run before this one: they say nothing of the rate."""
        if not self._bar.disable:
            self._bar.initial += clips
            self._bar.update(clips)

    def _ask(self, count: Callable[[], int | None]) -> None:
        with contextlib.suppress(Exception):  # what is wrong the work itself tells; nobody waits for this thread
            self._bar.total = count()
