"""Gradio's server, told to ask for nothing elsewhere."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ser_hf.base.errors import SerHfError

from .limits import Limits
from .page import STYLE, theme

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; connect-src 'self' data: blob:; font-src 'self' data:; "
    "worker-src 'self' blob:"
)
"""What a browser may fetch for the page: what comes from it."""


class OnlyFromHere:
    """Middleware that forbids browsers every request elsewhere.

    Args:
        app: ASGI.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Adds the policy to every answer."""

        async def with_policy(message: Any) -> None:
            if message["type"] == "http.response.start":
                own = [(b"content-security-policy", POLICY.encode()), (b"referrer-policy", b"no-referrer")]
                message = {**message, "headers": [*message.get("headers", []), *own]}
            await send(message)

        await self._app(scope, receive, with_policy if scope["type"] == "http" else send)


def opened(page: gr.Blocks, limits: Limits, host: str | None, port: int | None) -> str:
    """Opens the page and gives its address.

    Raises:
        SerHfError: nothing can listen there.
    """
    page.queue(max_size=limits.max_waiting, default_concurrency_limit=1)
    try:
        _, address, _ = page.launch(
            server_name=host,
            server_port=port,
            share=False,
            quiet=True,
            prevent_thread_lock=True,
            show_error=False,
            max_file_size=int(limits.max_megabytes * 1e6),
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            enable_monitoring=False,
            footer_links=[],
            theme=theme(),
            css=STYLE,
            app_kwargs={"middleware": [(OnlyFromHere, (), {})]},
        )
    except OSError as error:
        raise SerHfError(f"the page cannot be opened: {error}; try another --port, or --host") from error
    return str(address)
