"""How often and how long the Hub is asked before a push or a pull gives up: a few times, with bounded waits.

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

from .errors import SerHfError

TRIES = 4
"""How often one request is sent at most."""
TIMEOUT = 60.0
"""Seconds in which the server must take or send something; within a large file that is the next piece of it."""
MOST_WAIT = 120.0
"""Seconds that the server may make one push or pull wait, all its ``Retry-After`` together."""
_AGAIN = (408, 409, 429, 500, 502, 503, 504)
"""Answers after which huggingface_hub asks again: after 409 without a pause, and without an end."""
_WAITS = (1.0, 2.0, 4.0)
"""Seconds before a step is run again, where the server names none."""


_ONE_AT_A_TIME = threading.RLock()
T = TypeVar("T")


class GaveUpError(SerHfError):
    """The Hub was asked often enough, or wants to be waited for too long."""


@contextmanager
def patience() -> Iterator[None]:
    """Bounds every request that huggingface_hub makes inside: `TRIES`, `TIMEOUT`, `MOST_WAIT`.

    It gives huggingface_hub another HTTP client for that time, so nothing else should use it meanwhile.

    Raises:
        GaveUpError: a bound was reached.
    """
    from huggingface_hub import set_client_factory
    from huggingface_hub.utils import _http

    usual = _http._GLOBAL_CLIENT_FACTORY  # there is a setter for it, and nothing that reads it
    bounds = _Bounds()

    def bounded() -> Any:
        client = usual()
        _hook(client, request=bounds.asked, response=bounds.answered)
        return client

    with _ONE_AT_A_TIME:
        set_client_factory(bounded)
        try:
            yield
        finally:
            set_client_factory(usual)


@contextmanager
def pulling() -> Iterator[None]:
    """Bounds how often huggingface_hub asks again and how long it waits for a Hub that is overloaded.

    A refusal that has been repeated often enough is final, so that the files of the cache are taken where there are
    any. What others pull at the same time is bounded too, and goes on.
    """
    from huggingface_hub import get_session

    client, bounds = get_session(), _Bounds()
    _hook(client, response=bounds.refused)
    try:
        yield
    finally:
        client.event_hooks = {
            kind: [hook for hook in hooks if hook != bounds.refused] for kind, hooks in client.event_hooks.items()
        }


def _hook(client: Any, **hooks: Callable[[Any], None]) -> None:
    there = client.event_hooks
    client.event_hooks = {**there, **{kind: [*there.get(kind, ()), hook] for kind, hook in hooks.items()}}


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
        limits = request.extensions.get("timeout", {})  # some calls of huggingface_hub take a client's limit away
        request.extensions["timeout"] = {
            name: TIMEOUT if limits.get(name) is None else limits[name] for name in ("connect", "read", "write", "pool")
        }
        name = _name(request)
        with self._lock:
            self._tries[name] += 1
            if self._tries[name] > TRIES:
                said = self._last.get(name, "no answer")
                raise GaveUpError(f"{name} was tried {TRIES} times ({said}); try again later")

    def answered(self, response: Any) -> None:
        if self._too_long(response):
            wait = _asked_wait(response.headers)
            name, status = _name(response.request), response.status_code
            raise GaveUpError(f"{name} is refused for now (HTTP {status}); try again in {wait:.0f} s")

    def refused(self, response: Any) -> None:
        from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]  # not in its list

        name = _name(response.request)
        with self._lock:
            self._tries[name] += 1
        if self._too_long(response) or self._tries[name] >= TRIES:
            hf_raise_for_status(response)

    def _too_long(self, response: Any) -> bool:
        """Notes an answer; whether the server has asked for more than `MOST_WAIT`."""
        name, status = _name(response.request), response.status_code
        with self._lock:
            if status not in _AGAIN:
                self._tries.pop(name, None)
                return False
            self._last[name] = f"HTTP {status}"
            self._waited += _asked_wait(response.headers)
            return self._waited > MOST_WAIT


def _name(request: Any) -> str:
    """A request by its method and address; what is behind the question mark signs it and is nobody's business."""
    return f"{request.method} {str(request.url).partition('?')[0]}"


def _asked_wait(headers: Any) -> float:
    """Seconds that an answer asks to be waited for."""
    from huggingface_hub.utils import parse_ratelimit_headers  # type: ignore[attr-defined]  # not in its list

    limit = parse_ratelimit_headers(headers)
    if limit is not None and limit.remaining == 0:
        return float(limit.reset_in_seconds)
    after = str(headers.get("Retry-After", "")).strip()
    return float(after) if after.isdigit() else 0.0
