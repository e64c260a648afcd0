"""How often and how long the Hub is asked before a push gives up: every request a few times, with bounded waits.

huggingface_hub sets no time limit on what it sends, repeats some requests and others not, and waits for as long as the
server tells it to. Here is the one place that bounds all of it.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ser_hf.base.errors import SerHfError

TRIES = 4
"""How often one request is sent at most."""
TIMEOUT = 60.0
"""Seconds in which the server must take or send something; within a large file that is the next piece of it."""
MOST_WAIT = 120.0
"""Seconds that the server may make one push wait, all its ``Retry-After`` together."""
_AGAIN = (408, 409, 429, 500, 502, 503, 504)
"""Answers after which huggingface_hub asks again: after 409 without a pause, and without an end."""
_WAITS = (1.0, 2.0, 4.0)
"""Seconds before a step is run again, where the server names none."""


T = TypeVar("T")


class GaveUpError(SerHfError):
    """The Hub was asked often enough, or wants to be waited for too long."""


@contextmanager
def patience() -> Iterator[None]:
    """Bounds every request that huggingface_hub makes inside: `TRIES`, `TIMEOUT`, `MOST_WAIT`.

    Raises:
        GaveUpError: a bound was reached.
    """
    from huggingface_hub import set_client_factory
    from huggingface_hub.utils import _http

    usual = _http._GLOBAL_CLIENT_FACTORY  # there is a setter for it, and nothing that reads it
    bounds = _Bounds()

    def bounded() -> Any:
        client = usual()
        if client.timeout.read is None:
            client.timeout = TIMEOUT
        hooks = client.event_hooks
        client.event_hooks = {
            "request": [*hooks.get("request", ()), bounds.asked],
            "response": [*hooks.get("response", ()), bounds.answered],
        }
        return client

    set_client_factory(bounded)
    try:
        yield
    finally:
        set_client_factory(usual)


def patiently(step: Callable[[], T]) -> T:
    """Runs a step, and again where the connection or the server failed; it must come to the same if it is run twice.

    Raises:
        GaveUpError: from within `patience`, a request has failed `TRIES` times.
    """
    from huggingface_hub import errors
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]  # the client library, by the hub's own name

    for wait in _WAITS:
        try:
            return step()
        except errors.HfHubHTTPError as error:
            if error.response.status_code == 409 or error.response.status_code not in _AGAIN:
                raise
            pause = _asked_wait(error.response.headers) or wait
        except (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError):
            pause = wait
        time.sleep(pause)
    return step()


class _Bounds:
    """Counts what was asked and not answered; several threads upload at once."""

    def __init__(self) -> None:
        self._tries: Counter[str] = Counter()
        self._last: dict[str, str] = {}
        self._waited = 0.0
        self._lock = threading.Lock()

    def asked(self, request: Any) -> None:
        name = _name(request)
        with self._lock:
            self._tries[name] += 1
            if self._tries[name] > TRIES:
                said = self._last.get(name, "no answer")
                raise GaveUpError(f"{name} was tried {TRIES} times ({said}); try again later")

    def answered(self, response: Any) -> None:
        name, status = _name(response.request), response.status_code
        with self._lock:
            if status not in _AGAIN:
                self._tries.pop(name, None)
                return
            self._last[name] = f"HTTP {status}"
            wait = _asked_wait(response.headers)
            self._waited += wait
            if self._waited > MOST_WAIT:
                raise GaveUpError(f"{name} is refused for now (HTTP {status}); try again in {wait:.0f} s")


def _name(request: Any) -> str:
    """A request by its method and address; what is behind the question mark signs it and is nobody's business."""
    return f"{request.method} {str(request.url).partition('?')[0]}"


def _asked_wait(headers: Any) -> float:
    """Seconds that an answer asks to be waited for."""
    from huggingface_hub.utils import parse_ratelimit_headers

    limit = parse_ratelimit_headers(headers)
    if limit is not None and limit.remaining == 0:
        return float(limit.reset_in_seconds)
    after = str(headers.get("Retry-After", "")).strip()
    return float(after) if after.isdigit() else 0.0
