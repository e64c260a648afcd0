"""Recordings from people nobody knows, decoded in processes of their own: bounded in time and memory.

A damaged file may keep a decoder busy, ask for any memory, or end the process it is decoded in: here it costs one
answer.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ser_hf.base.errors import AudioError, SerHfError, TooLongError

from .decode import LONGEST
from .speech import speech_detector

_PACKAGES = str(Path(__file__).parents[2])
_START = 60.0
"""Seconds a process may take to load what it needs, once, beside the time of a job."""


class Decoded(NamedTuple):
    """A recording.

    Attributes:
        samples: mono float32 ``(n,)``; none where they were written to a file.
        seconds: how long it is.
        speech: seconds of speech in it; None where nobody looked.
    """

    samples: np.ndarray
    seconds: float
    speech: float | None


class BoundedDecoder:
    """Decodes in a few processes, each a recording at a time; may be used from many threads.

    Args:
        rate: Hz of what it gives.
        max_duration: seconds; a longer recording is refused.
        timeout: seconds for one recording; a process that takes longer is ended.
        memory: bytes for one recording, beyond what a process has at its start.
        workers: processes; they are started when they are needed.
        speech: what finds speech (see `ser_hf.audio.speech.speech_detector`); None does not look.

    Raises:
        SerHfError: there is no such detector, or a number is not positive.
    """

    def __init__(
        self,
        rate: int,
        max_duration: float = LONGEST,
        timeout: float = 20.0,
        memory: int = 1 << 30,
        workers: int = 2,
        speech: str | None = "auto",
    ) -> None:
        if speech is not None:
            speech_detector(speech)
        for name, value in (("timeout", timeout), ("memory", memory), ("workers", workers)):
            if not value > 0:
                raise SerHfError(f"{name} is {value}; expected a positive number")
        self.rate, self.max_duration, self.timeout, self.speech = rate, max_duration, timeout, speech
        self._memory = memory
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(workers):
            self._idle.put(None)
        self._workers = workers

    def decode(
        self,
        source: bytes | Path,
        name: str,
        form: str = "file",
        into: Path | None = None,
        max_duration: float | None = None,
        timeout: float | None = None,
    ) -> Decoded:
        """One recording; waits while every process is busy.

        Args:
            source: an audio file's bytes, or the path of one.
            name: how errors call it.
            form: ``"file"``, or ``"json"``: ``{"audio": base64}`` or ``{"array": [...], "sampling_rate": Hz}``.
            into: a WAV file to write instead of giving samples.
            max_duration: seconds, other than those of this decoder.
            timeout: seconds, other than those of this decoder.

        Raises:
            TooLongError: it is longer than ``max_duration``.
            AudioError: it cannot be used, or not within the time and memory given.
        """
        job = {
            "name": name,
            "form": form,
            "rate": self.rate,
            "speech": self.speech,
            "path": str(source) if isinstance(source, Path) else None,
            "into": None if into is None else str(into),
            "max_duration": self.max_duration if max_duration is None else max_duration,
        }
        body = b"" if isinstance(source, Path) else source
        worker = self._idle.get()
        try:
            if worker is None or not worker.alive:
                worker = _Worker(self._memory)
            return worker.do(job, body, self.timeout if timeout is None else timeout)
        finally:
            self._idle.put(worker if worker is not None and worker.alive else None)

    def start(self) -> None:
        """Starts every process, so that the first recordings need not wait for it."""
        taken = [self._idle.get() for _ in range(self._workers)]
        for worker in taken:
            self._idle.put(worker if worker is not None and worker.alive else _Worker(self._memory))

    def close(self) -> None:
        """Ends the processes, each when its recording is done."""
        for _ in range(self._workers):
            worker = self._idle.get()
            if worker is not None:
                worker.close()
        for _ in range(self._workers):
            self._idle.put(None)


class _Worker:
    """One process of `ser_hf.audio._bounded_worker`."""

    def __init__(self, memory: int) -> None:
        paths = [_PACKAGES, *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}._bounded_worker", str(memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**environment, "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,  # an interrupt at the keyboard is for the server, which ends this in order
        )
        self._fresh = True

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def do(self, job: dict[str, Any], body: bytes, timeout: float) -> Decoded:
        late = threading.Event()

        def end() -> None:
            late.set()
            self._process.kill()

        watch = threading.Timer(timeout + (_START if self._fresh else 0), end)
        watch.start()
        try:
            facts, samples = self._ask(job, body)
        except (OSError, EOFError, struct.error) as error:
            self.close()
            why = f"took longer than {timeout:g} s to decode" if late.is_set() else "ended the decoder it was given to"
            raise AudioError(f"{job['name']} {why}; it is damaged, or made to do so") from error
        finally:
            watch.cancel()
        self._fresh = False
        if "error" in facts:
            if "seconds" in facts:
                raise TooLongError(facts["error"], float(facts["seconds"]), float(job["max_duration"]))
            raise AudioError(str(facts["error"]))
        return Decoded(np.frombuffer(samples, "<f4"), float(facts["seconds"]), facts["speech"])

    def _ask(self, job: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        sink, source = self._process.stdin, self._process.stdout
        if sink is None or source is None:
            raise EOFError
        head = json.dumps({**job, "bytes": len(body)}).encode()
        sink.write(struct.pack("<I", len(head)) + head)
        sink.write(body)
        sink.flush()
        (length,) = struct.unpack("<I", source.read(4))
        facts: dict[str, Any] = json.loads(source.read(length))
        samples = source.read(facts["bytes"])
        if len(samples) < facts["bytes"]:
            raise EOFError
        return facts, samples

    def close(self) -> None:
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
