"""A server that runs until it is told to end."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn

from ser_hf.base.errors import SerHfError
from ser_hf.inference import DEFAULT, model_facts, open_model

from .app import make_app
from .service import Service
from .settings import Settings, is_loopback

logger = logging.getLogger(__name__)

_MESSAGE = 1 << 20
"""Largest message of a stream, in bytes; some wait for each connection."""
_GRACE = 30
"""Seconds for which what is under way may go on when the server is told to end."""


def serve(
    source: str | Path = DEFAULT,
    settings: Settings | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    device: str = "auto",
    tell: Callable[[str], None] = logger.info,
) -> None:
    """Serves a model until SIGTERM or SIGINT; requests that are under way are answered then.

    Args:
        source: see `ser_hf.inference.open_model`.
        settings: the limits.
        host: where it listens; beyond this machine only where that is wanted.
        port: likewise; 0 takes one that is free.
        device: for the model.
        tell: is given the line that says where it listens.

    Raises:
        CheckpointError: the model cannot be loaded.
        SerHfError: it cannot listen there.
    """
    settings = settings or Settings()
    if not is_loopback(host):
        asked = "asks for its key" if settings.api_key else "asks for no key (--api_key_file)"
        logger.warning("%s is reached from other machines, without encryption; the server %s", host, asked)
    model = open_model(source, device)
    app = make_app(Service(model, model_facts(source, model), settings))
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws_max_size=_MESSAGE,
        ws_max_queue=4,
        ws_per_message_deflate=False,  # a small message may inflate to any size
        limit_concurrency=settings.max_waiting + settings.max_streams + 256,
        timeout_graceful_shutdown=_GRACE,
    )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host.strip("[]"), port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        raise SerHfError(f"cannot listen at {host}:{port}: {error}; try another --port, or --host") from error
    shown = f"[{host}]" if ":" in host else host
    tell(f"http://{shown}:{listening.getsockname()[1]}  (/docs, /health, /metrics)")
    # uvicorn raises them once more at its end, in order; Ctrl-C would break into what ends the application
    before = {number: signal.signal(number, _asked) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _asked(*_: object) -> None:
    """Nothing is left to be done."""
