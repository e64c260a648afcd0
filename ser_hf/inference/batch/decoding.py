"""Recordings decoded ahead of the model, in order, by processes of their own."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

import numpy as np

from .hearing import Settings, Sound, hearer
from .item import Item
from .worker import question

_WORKER = f"{__package__}.worker"
_HOME = str(Path(__file__).parents[3])
"""Where ser_hf lies, for a process whose own path may not lead there."""
_TOGETHER = 8
"""Items a thread is given at once: handing them over costs as much as reading a short one."""
_AHEAD = 4
"""Such groups for every worker, decoded or being decoded, that wait for the model."""
_HELD = 256 << 20
"""Bytes of samples that may wait, about; long recordings are decoded less far ahead."""
_TRIES = 2
"""A recording that ends its worker gets one more: memory may have been short."""
_ENDS = 5.0
"""Seconds a process has to end that says no more."""

Tag = TypeVar("Tag")


class Decoder:
    """Decodes items in order, ahead of who takes them; use it as a context.

    A recording that brings its process down is told as one that cannot be used, and another process goes on.

    Args:
        settings: how they are read.
        workers: processes; 0 decodes where it is called, without ahead and without protection.
    """

    def __init__(self, settings: Settings, workers: int) -> None:
        self.settings = settings
        self.workers = workers
        self._here = threading.local()
        self._all: list[_Process] = []
        self._pool = ThreadPoolExecutor(workers, "decoding") if workers else None

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            for process in self._all:
                process.kill()  # what is not taken is not waited for
            self._pool.shutdown(cancel_futures=True)
            for process in self._all:
                process.kill()

    def __call__(self, items: Iterable[tuple[Tag, Item]]) -> Iterator[tuple[Tag, Item, Sound]]:
        """Every item with its tag and its sound, in order; its bytes are let go."""
        if self._pool is None:
            hear = hearer(self.settings)
            yield from ((tag, item._replace(data=None), hear(item)) for tag, item in items)
            return
        todo = iter(items)
        waiting: deque[tuple[list[tuple[Tag, Item]], Future[list[Sound]]]] = deque()
        most = _AHEAD * self.workers
        while True:
            while len(waiting) < most and (group := [*islice(todo, _TOGETHER)]):
                told = self._pool.submit(self._group, [item for _, item in group])
                waiting.append(([(tag, item._replace(data=None)) for tag, item in group], told))
            if not waiting:
                return
            named, told = waiting.popleft()
            sounds = told.result()
            size = sum(sound.samples.nbytes for sound in sounds if sound.samples is not None)
            most = max(1, min(_AHEAD * self.workers, _HELD // max(1, size)))
            for (tag, item), sound in zip(named, sounds, strict=True):
                yield tag, item, sound

    def _group(self, items: list[Item]) -> list[Sound]:
        process: _Process | None = getattr(self._here, "process", None)
        if process is None:
            process = self._here.process = _Process(self.settings)
            self._all.append(process)
        return [process.hear(item) for item in items]


class _Process:
    """The near end of a decoding process, which is started when there is an item, and anew after one that ended it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = json.dumps(dataclasses.asdict(settings)).encode()
        self._process: subprocess.Popen[bytes] | None = None
        self._asked: Connection
        self._told: Connection
        self._ended = False

    def hear(self, item: Item) -> Sound:
        """What became of an item."""
        if item.error is not None:
            return Sound(error=item.error)
        code = 0
        for _ in range(_TRIES):
            try:
                return self._ask(item)
            except (EOFError, OSError):  # it is gone, in the middle of whatever it was doing
                code = self._close()
            if self._ended:
                break
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return Sound(error=f"{item.called} cannot be decoded: the process that did it {how}")

    def kill(self) -> None:
        """Ends it for good."""
        self._ended = True
        if (process := self._process) is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()

    def _ask(self, item: Item) -> Sound:
        if self._process is None:
            self._begin()
        line, data = question(item)
        self._asked.send_bytes(line)
        if data is not None:
            self._asked.send_bytes(data)
        told = json.loads(self._told.recv_bytes())
        samples = np.frombuffer(self._told.recv_bytes(), np.float32) if told["heard"] else None
        return Sound(samples, told["speech"], told["error"])

    def _begin(self) -> None:
        if self._ended:
            raise EOFError
        paths = os.pathsep.join(filter(None, (_HOME, os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", _WORKER],  # -P: a file of the user's called json.py is not ours
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
            start_new_session=True,  # an interrupt of the terminal is for the command, whose end is heard
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise EOFError
        self._asked = Connection(os.dup(self._process.stdin.fileno()), readable=False)
        self._told = Connection(os.dup(self._process.stdout.fileno()), writable=False)
        self._process.stdin.close()
        self._process.stdout.close()
        self._asked.send_bytes(self._settings)

    def _close(self) -> int:
        """Clears away a process that is gone, and gives its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        try:
            code = process.wait(timeout=_ENDS)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        self._asked.close()
        self._told.close()
        return code
