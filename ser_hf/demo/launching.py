"""Opens the page, on this machine alone unless it is asked otherwise."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ser_hf.base.optional import require
from ser_hf.inference import DEFAULT, model_facts, open_model

from .hearing import Hearing
from .limits import Limits

logger = logging.getLogger(__name__)

_QUIET = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "GRADIO_SHARE": "False",
    "GRADIO_MCP_SERVER": "False",
}
"""Read by Gradio when it is imported: it tells nobody that it was started, and offers nothing to others."""


def launch(
    source: str | Path = DEFAULT,
    limits: Limits | None = None,
    host: str | None = None,
    port: int | None = None,
    device: str = "auto",
    tell: Callable[[str], None] = logger.info,
    block: bool = True,
) -> Any:
    """Opens the page of a model, until it is interrupted.

    Args:
        source: see `ser_hf.inference.open_model`.
        limits: what is taken.
        host: where it listens; by default what ``GRADIO_SERVER_NAME`` says, which Spaces set, or 127.0.0.1.
        port: by default what ``GRADIO_SERVER_PORT`` says, or the first free one from 7860 on.
        device: for the model.
        tell: is given the line that says where the page is.
        block: whether to wait until it is ended.

    Returns:
        The page, of ``gradio.Blocks``.

    Raises:
        CheckpointError: the model cannot be loaded.
        SerHfError: Gradio is not installed, or nothing can listen there.
    """
    os.environ |= _QUIET
    require("gradio", "demo")
    from ._gradio import opened
    from .page import make_page

    limits = limits or Limits()
    model = open_model(source, device)
    hearing = Hearing(model, limits)
    page = make_page(hearing, model_facts(source, model))
    try:
        tell(opened(page, limits, host, port))
        if block:
            page.block_thread()
    finally:
        if block:
            hearing.close()
    return page
