"""What stands before every request: the key, the limits of its body, the number of requests, and the counts."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from .metrics import Metrics
from .refusal import RefusedError
from .settings import Settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LONG = "/v1/segments"
_OPEN = ("/health",)
_HELD = 8
"""Largest bodies of clips that may be held at a time."""
_DRAIN_SECONDS = 1.0
"""For which the body of a refused request is read and thrown away, so that its sender sees the answer."""


class Guard:
    """Middleware; see the module.

    A client that goes away while it waits has its work cancelled.

    Args:
        app: what is guarded.
        settings: the limits.
        metrics: counts.
    """

    def __init__(self, app: App, settings: Settings, metrics: Metrics) -> None:
        self._app, self._settings, self._metrics = app, settings, metrics
        self._requests = 0
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request through, or refuses it."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            refused = self._refuse_key(scope) or _refuse_origin(scope)
            if refused is None:
                await self._app(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 1008, "reason": str(refused)})
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        start, status = time.perf_counter(), 499  # what others log for a client that went away

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            refused = self._refuse_key(scope) or self._refuse_body(scope) or self._refuse_load(scope)
            if refused is None:
                await self._admit(scope, receive, counted)
            else:
                await _drain(receive)
                await refused.response()(scope, receive, counted)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.answered(route, status, time.perf_counter() - start)

    def _refuse_key(self, scope: Scope) -> RefusedError | None:
        key = self._settings.api_key
        if key is None or scope["path"] in _OPEN:
            return None
        given = _header(scope, b"authorization")
        word, _, token = given.partition(b" ")
        if word.lower() == b"bearer" and hmac.compare_digest(token.strip(), key.encode()):
            return None
        return RefusedError(401, "this server asks for its key: Authorization: Bearer KEY")

    def _refuse_body(self, scope: Scope) -> RefusedError | None:
        told = _header(scope, b"content-length")
        most = self._most(scope)
        if told.isdigit() and int(told) > most:
            return _too_large(scope, most)
        return None

    def _refuse_load(self, scope: Scope) -> RefusedError | None:
        if scope["method"] != "POST":
            return None
        if self._requests >= self._settings.max_waiting:
            return RefusedError(503, f"{self._requests} requests are being answered, which is the most; come again")
        if scope["path"] != LONG and self._held >= _HELD * self._settings.max_bytes:
            return RefusedError(503, "the bodies being answered are as many bytes as may be held; come again")
        return None

    def _most(self, scope: Scope) -> int:
        return self._settings.max_long_bytes if scope["path"] == LONG else self._settings.max_bytes

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = _Body(scope, receive, self._most(scope), self._settings.body_seconds)
        counts = scope["method"] == "POST"

        async def limited() -> Message:
            message = await body.receive()
            if scope["path"] != LONG:
                self._held += len(message.get("body", b""))
                own[0] += len(message.get("body", b""))
            return message

        own = [0]
        self._requests += counts
        self._metrics.in_flight.inc()
        work = asyncio.ensure_future(self._app(scope, limited, send))
        gone = asyncio.ensure_future(body.gone())
        try:
            await asyncio.wait([work, gone], return_when=asyncio.FIRST_COMPLETED)
            if not work.done():  # nobody waits for it any more
                work.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await work
                return
            await work
        finally:
            for task in (work, gone):
                task.cancel()
            self._requests -= counts
            self._held -= own[0]
            self._metrics.in_flight.dec()


class _Body:
    """The body of a request as it arrives, and whether its client is still there."""

    def __init__(self, scope: Scope, receive: Receive, most: int, seconds: float) -> None:
        self._scope, self._receive, self._most, self._seconds = scope, receive, most, seconds
        self._size = 0
        self._end = asyncio.get_running_loop().time() + seconds
        self._whole = asyncio.Event()
        self._disconnected = asyncio.Event()

    async def receive(self) -> Message:
        """The next message.

        Raises:
            RefusedError: the body is larger than allowed, or does not arrive.
        """
        if self._whole.is_set():
            await self._disconnected.wait()
            return {"type": "http.disconnect"}
        stall = asyncio.get_running_loop().time() + max(1.0, self._seconds / 10)
        try:
            async with asyncio.timeout_at(min(self._end, stall)):
                message = await self._receive()
        except TimeoutError:
            self._whole.set()
            raise RefusedError(408, "the body did not arrive in time; send it again") from None
        self._size += len(message.get("body", b""))
        if self._size > self._most:
            self._whole.set()
            raise _too_large(self._scope, self._most)
        if message["type"] == "http.disconnect":
            self._disconnected.set()
        if not message.get("more_body", False):
            self._whole.set()
        return message

    async def gone(self) -> None:
        """Returns when the client has gone away after its body was read."""
        await self._whole.wait()
        while not self._disconnected.is_set():
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._disconnected.set()


def _header(scope: Scope, name: bytes) -> bytes:
    return next((bytes(value) for key, value in scope["headers"] if key.lower() == name), b"")


def _too_large(scope: Scope, most: int) -> RefusedError:
    way = "" if scope["path"] == LONG else f"; {LONG} takes longer recordings"
    return RefusedError(413, f"the body is larger than {most / 1e6:g} MB, which is the most here{way}")


def _refuse_origin(scope: Scope) -> RefusedError | None:
    """Refuses pages of other sites, which browsers let open sockets to any server, also to one on this machine."""
    origin = _header(scope, b"origin").decode("latin-1")
    if not origin or urlsplit(origin).netloc == _header(scope, b"host").decode("latin-1"):
        return None
    return RefusedError(403, "a page of another site may not open a stream here")


async def _drain(receive: Receive) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            while (await receive()).get("more_body", False):
                pass
