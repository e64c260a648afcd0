"""The model, the decoders and the batches behind the routes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from ser_hf.audio.bounded import BoundedDecoder, Decoded
from ser_hf.audio.speech import speech_detector
from ser_hf.base.errors import AudioError, SerHfError, TooLongError
from ser_hf.inference import Heard, Listener, ModelFacts, Scores

from .batcher import Batcher
from .metrics import Metrics
from .refusal import RefusedError
from .settings import Settings
from .uploads import Upload

_LONGER = 1.5
"""Windows of a model beyond which an answer says that not all was heard."""


class Service:
    """Answers for one model.

    Args:
        model: opened by `ser_hf.inference.open_model`.
        facts: of it.
        settings: the limits.
    """

    def __init__(self, model: Listener, facts: ModelFacts, settings: Settings) -> None:
        self.model, self.facts, self.settings = model, facts, settings
        self.metrics = Metrics(lambda: self._batcher.waiting)
        self._batcher = Batcher(model, settings.max_batch, settings.max_delay_ms / 1e3, self.metrics.batch)
        self.detector = speech_detector(settings.vad)
        self._decoder = BoundedDecoder(
            model.sampling_rate,
            settings.max_seconds,
            settings.decode_seconds,
            workers=settings.workers,
            speech=settings.vad,
        )
        self._decoding = ThreadPoolExecutor(settings.workers, "decode")
        self.listening = ThreadPoolExecutor(2, "listen")
        """For what takes long beside the batches: speech in streams, long recordings."""
        self.ready = False

    async def start(self) -> None:
        """Starts the decoders, and lets the model hear silence once: the first clip of a process takes long."""
        self._batcher.start()
        await asyncio.get_running_loop().run_in_executor(self._decoding, self._decoder.start)
        await self.score([np.zeros(self.model.sampling_rate, np.float32)])
        self.ready = True

    async def close(self) -> None:
        """Ends what was started, when what is under way is done."""
        self.ready = False
        await self._batcher.close()
        self._decoding.shutdown(wait=True, cancel_futures=True)
        self.listening.shutdown(wait=True, cancel_futures=True)
        self._decoder.close()

    async def score(self, waveforms: Sequence[np.ndarray]) -> Scores:
        """Scores of waveforms at the model's rate, in a batch with those of others."""
        return await self._batcher.score(waveforms)

    async def classify(self, sent: Sequence[Upload]) -> list[dict[str, Any]]:
        """An answer for every clip, in their order; one that cannot be used is answered by its error.

        Raises:
            RefusedError: none of them can be used.
        """
        tasks = [asyncio.ensure_future(self._decode(one)) for one in sent]
        try:
            decoded = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        usable = [found for found in decoded if isinstance(found, Decoded)]
        refused = [found for found in decoded if isinstance(found, RefusedError)]
        if not usable:
            raise refused[0]
        scores = await self.score([found.samples for found in usable])
        heard = iter([self.heard(scores, i, found.speech, found.seconds) for i, found in enumerate(usable)])
        self.metrics.audio.inc(sum(found.seconds for found in usable))
        return [
            {"file": one.name, "error": str(found)}
            if isinstance(found, RefusedError)
            else {"file": one.name, **self.answer(next(heard))}
            for one, found in zip(sent, decoded, strict=True)
        ]

    async def _decode(self, one: Upload) -> Decoded | RefusedError:
        work = self._decoding.submit(self._decoder.decode, one.data, one.name, one.form)
        try:
            return await asyncio.wrap_future(work)
        except TooLongError as error:
            way = "cut it" if error.seconds > self.settings.max_long_seconds else "/v1/segments takes longer ones"
            return RefusedError(
                413, f"{one.name} is {error.seconds:,.0f} s long, and {error.limit:g} s is the most; {way}"
            )
        except AudioError as error:
            return RefusedError(422, str(error))

    async def decode_long(self, source: Path, name: str, into: Path) -> Decoded:
        """Writes a long recording as mono WAV at the model's rate.

        Raises:
            RefusedError: it cannot be used, or is too long.
        """
        longest = self.settings.max_long_seconds
        seconds = self.settings.decode_seconds + longest / 60
        work = self._decoding.submit(self._decoder.decode, source, name, "file", into, longest, seconds)
        try:
            return await asyncio.wrap_future(work)
        except TooLongError as error:
            raise RefusedError(
                413, f"{name} is {error.seconds:,.0f} s long, and {longest:g} s the most; cut it"
            ) from error
        except AudioError as error:
            raise RefusedError(422, str(error)) from error
        finally:
            await _ended(work)

    async def long(self, work: Callable[[], str]) -> str:
        """What takes long, beside the batches; waits until it is done even where nobody asks any more.

        Raises:
            RefusedError: the recording cannot be used.
        """
        done = self.listening.submit(work)
        try:
            return await asyncio.wrap_future(done)
        except SerHfError as error:
            raise RefusedError(422, str(error)) from error
        finally:
            await _ended(done)

    def heard(self, scores: Scores, row: int, speech: float | None, seconds: float) -> Heard:
        """A row of scores as what was heard."""
        ratings = [] if scores.dimensions is None else scores.dimensions[row].tolist()
        return Heard(
            self.model.named(scores.probabilities[row]),
            dict(zip(self.model.targets, ratings, strict=True)),
            speech,
            seconds,
            self.settings.min_confidence,
        )

    def answer(self, heard: Heard) -> dict[str, Any]:
        """What is told of a clip: the keys of ``ser-hf predict --json``, and the confidence."""
        found: dict[str, Any] = {"label": heard.label, "confidence": heard.confidence, "scores": heard.classes}
        if heard.dimensions:
            found["dimensions"] = heard.dimensions
        found |= {"seconds": round(heard.seconds, 3), "speech": heard.speech and round(heard.speech, 3)}
        warnings = [heard.warning] if heard.warning else []
        if heard.seconds > _LONGER * self.model.window:
            warnings.append(
                f"{heard.seconds:.0f} s long, of which the middle {self.model.window:g} s were heard; /v1/segments "
                "hears all of it"
            )
        return {**found, "warning": "; ".join(warnings)} if warnings else found


async def _ended(work: Future[Any]) -> None:
    """Waits for work whose files are in use until it is done; what it gave was seen, or nobody asks for it."""
    while not (work.cancel() or work.done()):
        await asyncio.sleep(0.05)
