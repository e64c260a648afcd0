"""Clips of many requests, scored together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from ser_hf.inference import Listener, Scores


@dataclass(frozen=True, eq=False)
class _Call:
    """The clips of one request, and where their scores go."""

    waveforms: Sequence[np.ndarray]
    scores: asyncio.Future[Scores]


class Batcher:
    """Gathers what comes within a short time and has it scored in one thread, the model's only one.

    A request that was given up is left out when its turn comes. Where a batch fails, every request of it is scored
    alone, so that nobody pays for a neighbour.

    Args:
        model: scores.
        most: clips scored together; those of one request are not parted.
        delay: seconds for which the first of a batch waits for others.
        seen: is told the size of every batch.
    """

    def __init__(
        self, model: Listener, most: int = 32, delay: float = 0.005, seen: Callable[[int], None] | None = None
    ) -> None:
        self._model, self._most, self._delay, self._seen = model, most, delay, seen
        self._alone = model.one_speaker_a_call
        self._queue: asyncio.Queue[_Call] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1, "score")
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Requests that wait."""
        return self._queue.qsize()

    def start(self) -> None:
        """Begins; inside the event loop."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Ends; what still waits is given up."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        while not self._queue.empty():
            self._queue.get_nowait().scores.cancel()
        self._thread.shutdown(wait=True)

    async def score(self, waveforms: Sequence[np.ndarray]) -> Scores:
        """What the model says of the clips of one request; see `Listener.score`."""
        call = _Call(waveforms, asyncio.get_running_loop().create_future())
        self._queue.put_nowait(call)
        return await call.scores

    async def _run(self) -> None:
        while True:
            calls = await self._gather()
            try:
                calls = [call for call in calls if not call.scores.done()]
                if calls and not await self._score(calls) and len(calls) > 1:
                    for call in calls:
                        await self._score([call])
            finally:
                for call in calls:
                    call.scores.cancel()  # does nothing to what is answered
            del calls  # nothing is held while nobody asks

    async def _gather(self) -> list[_Call]:
        calls = [await self._queue.get()]
        count, loop = len(calls[0].waveforms), asyncio.get_running_loop()
        end = loop.time() + self._delay
        while count < self._most and not self._alone:
            try:
                if self._queue.empty():
                    async with asyncio.timeout_at(end):
                        call = await self._queue.get()
                else:
                    call = self._queue.get_nowait()
            except TimeoutError:
                break
            calls.append(call)
            count += len(call.waveforms)
        return calls

    async def _score(self, calls: Sequence[_Call]) -> bool:
        """Gives every call its scores; where that fails one alone is given the error, and several are left."""
        waveforms = [samples for call in calls for samples in call.waveforms]
        if self._seen is not None:
            self._seen(len(waveforms))
        done = asyncio.get_running_loop().run_in_executor(self._thread, self._model.score, waveforms)
        await asyncio.wait([done])
        error = done.exception()
        if error is not None:
            if len(calls) == 1 and not calls[0].scores.done():
                calls[0].scores.set_exception(error)
            return False
        found, at = done.result(), 0
        for call in calls:
            rows = slice(at, at := at + len(call.waveforms))
            if not call.scores.done():
                ratings = None if found.dimensions is None else found.dimensions[rows]
                call.scores.set_result(Scores(found.probabilities[rows], ratings))
        return True
