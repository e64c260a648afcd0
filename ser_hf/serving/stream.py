"""``/v1/stream``: live sound in, an answer for every hop out."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from ser_hf.base.errors import AudioError

from .hops import Hops, Window
from .service import Service

_WINDOW = 4.0
"""Seconds, of models that hear more or all."""
_HELLO_SECONDS, _IDLE_SECONDS, _SEND_SECONDS = 10.0, 30.0, 10.0
_TRY_AGAIN, _BAD_DATA, _GOING_AWAY = 1013, 1003, 1001
EXPECTED = (
    'first a text {"sampling_rate": HZ, "format": "s16le" or "f32le", "hop": SECONDS}, then blocks of mono samples'
)


class Streams:
    """The open streams of a server.

    Args:
        service: scores.
    """

    def __init__(self, service: Service) -> None:
        self._service, self._open = service, 0

    async def __call__(self, websocket: WebSocket) -> None:
        """Serves one connection until either side ends it."""
        await websocket.accept()
        most = self._service.settings.max_streams
        if self._service.model.one_speaker_a_call:
            await _end(websocket, _BAD_DATA, "this model compares clips of one speaker, and hears no streams")
        elif self._open >= most:
            await _end(websocket, _TRY_AGAIN, f"{most} streams are open, which is the most; come again")
        else:
            self._open += 1
            self._service.metrics.streams.inc()
            try:
                await self._serve(websocket)
            except (WebSocketDisconnect, RuntimeError):  # it went away, perhaps while it was sent something
                pass
            finally:
                self._open -= 1
                self._service.metrics.streams.dec()

    async def _serve(self, websocket: WebSocket) -> None:
        try:
            async with asyncio.timeout(_HELLO_SECONDS):
                hops = self._begin(await websocket.receive())
            while True:
                async with asyncio.timeout(_IDLE_SECONDS):
                    message = await websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                block, text = message.get("bytes"), message.get("text")
                if block is None and _object(text).get("end") is not True:
                    raise AudioError(f'expected blocks of samples, or {{"end": true}} at the end; {EXPECTED}')
                for window in hops.push(block or b"", last=block is None):
                    await self._answer(websocket, window)
                if block is None:
                    await _end(websocket, 1000, "the end")
                    return
        except AudioError as error:
            await _end(websocket, _BAD_DATA, str(error))
        except TimeoutError:
            await _end(websocket, _GOING_AWAY, "nothing was sent or read for too long")

    def _begin(self, message: Any) -> Hops:
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1000))
        model, given = self._service.model, _object(message.get("text"))
        window = min(model.window, _WINDOW)
        rate, hop = given.get("sampling_rate"), given.get("hop", window / 4)
        if not (type(rate) is int and isinstance(hop, int | float) and math.isfinite(hop)):
            raise AudioError(f"sampling_rate and hop must be numbers; {EXPECTED}")
        return Hops(rate, model.sampling_rate, window, float(hop), str(given.get("format", "s16le"))[:20])

    async def _answer(self, websocket: WebSocket, window: Window) -> None:
        service, loop = self._service, asyncio.get_running_loop()
        rate, seconds = service.model.sampling_rate, window.end - window.start
        speech = loop.run_in_executor(service.listening, service.detector.seconds, window.samples, rate)
        scores = await service.score([window.samples])
        found = service.answer(service.heard(scores, 0, await speech, seconds))
        service.metrics.audio.inc(seconds)
        async with asyncio.timeout(_SEND_SECONDS):
            await websocket.send_json({"start": round(window.start, 3), "end": round(window.end, 3), **found})


def _object(text: str | None) -> dict[str, Any]:
    """A small JSON object; an empty one for anything else."""
    if text is None or len(text) > 1000:
        return {}
    try:
        given = json.loads(text)
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


async def _end(websocket: WebSocket, code: int, reason: str) -> None:
    if websocket.application_state is WebSocketState.CONNECTED:
        if code != 1000:
            await websocket.send_json({"error": reason})
        await websocket.close(code, reason[:60])
