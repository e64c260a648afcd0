"""``ser-hf serve``: a model behind HTTP."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from ._command import Command, say
from ._heard import add_model_arguments, add_sureness_arguments

_LIMITS: dict[str, tuple[type, str]] = {
    "max_seconds": (float, "longest clip of /v1/classify (default 120)"),
    "max_megabytes": (float, "largest body of /v1/classify (default 32)"),
    "max_long_seconds": (float, "longest recording of /v1/segments (default 3600)"),
    "max_long_megabytes": (float, "largest body of /v1/segments (default 256)"),
    "max_batch": (int, "clips scored together (default 32)"),
    "max_delay_ms": (float, "milliseconds for which a clip waits for others (default 5)"),
    "max_waiting": (int, "requests at a time; more are answered 503 (default 128)"),
    "max_streams": (int, "/v1/stream connections at a time (default 32)"),
    "workers": (int, "processes that decode (default 2)"),
}
_KEY = "SER_HF_API_KEY"


class ServeCommand(Command):
    """Serves a model."""

    name = "serve"
    help = "answer requests over HTTP: clips, long recordings, live sound"
    epilog = "Ends at SIGTERM or Ctrl-C, when what is under way is answered. http://HOST:PORT/docs says what it takes."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The checkpoint, the address and the limits."""
        add_model_arguments(parser)
        parser.add_argument("--host", default="127.0.0.1", help="default 127.0.0.1: only this machine")
        parser.add_argument("--port", type=int, default=8000, help="default 8000; 0 takes a free one")
        parser.add_argument("--threads", type=int, metavar="N", help="threads that compute; default: all cores")
        add_sureness_arguments(parser)
        for name, (kind, words) in _LIMITS.items():
            parser.add_argument(f"--{name}", type=kind, metavar="N", help=words)
        parser.add_argument(
            "--api_key_file",
            metavar="FILE",
            help=f"ask every request for this key (Authorization: Bearer KEY); {_KEY} in the environment does the same",
        )

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Serves until it is told to end."""
        if args.threads is not None:
            _set_threads(args.threads)  # read by the libraries when they are imported, which is below
        from ser_hf.base.optional import require

        for module in ("fastapi", "uvicorn", "multipart", "websockets", "prometheus_client"):
            require(module, "serve")
        from ser_hf.inference import DEFAULT
        from ser_hf.serving import Settings, serve

        given = {name: getattr(args, name) for name in _LIMITS if getattr(args, name) is not None}
        settings = Settings(**given, min_confidence=args.min_confidence, vad=args.vad, api_key=_key(args.api_key_file))
        serve(args.checkpoint or DEFAULT, settings, args.host, args.port, args.device, say)
        return 0


def _set_threads(threads: int) -> None:
    from ser_hf.base.errors import SerHfError

    if threads < 1:
        raise SerHfError(f"--threads is {threads}; expected 1 or more")
    os.environ["OMP_NUM_THREADS"] = str(threads)


def _key(file: str | None) -> str | None:
    if file is None:
        return os.environ.get(_KEY)
    return Path(file).read_text(encoding="utf-8").strip()
