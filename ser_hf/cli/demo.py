"""``ser-hf demo``: a page to try a model."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ._command import Command, complain, say
from ._heard import add_model_arguments, add_sureness_arguments


class DemoCommand(Command):
    """Opens a page."""

    name = "demo"
    help = "open a page to try a model: microphone or file, probabilities, spectrogram, timeline"
    epilog = "Nothing leaves this machine. --space DIR writes the same page as a folder for a Hugging Face Space."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The checkpoint, the address and the limits."""
        add_model_arguments(parser)
        parser.add_argument("--host", default=None, help="default 127.0.0.1: only this machine")
        parser.add_argument("--port", type=int, default=None, help="default: the first free one from 7860 on")
        parser.add_argument("--max_seconds", type=float, metavar="S", help="longest recording (default 900)")
        parser.add_argument("--max_megabytes", type=float, metavar="N", help="largest file (default 64)")
        add_sureness_arguments(parser)
        parser.add_argument(
            "--space", metavar="DIR", help="instead: write a folder that is a Hugging Face Space, the model in it"
        )

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Opens the page until it is interrupted, or writes the folder."""
        from ser_hf.demo import Limits, launch, write_space
        from ser_hf.inference import DEFAULT

        source = args.checkpoint or DEFAULT
        if args.space is not None:
            say(str(write_space(source, args.space)))
            return 0
        names = ("max_seconds", "max_megabytes", "min_confidence", "vad")
        limits = Limits(**{name: getattr(args, name) for name in names if getattr(args, name) is not None})
        if args.host not in (None, "127.0.0.1", "localhost", "::1"):
            complain(f"{args.host} is reached from other machines, and the page asks nobody who they are")
        launch(source, limits, args.host, args.port, args.device, say)
        return 0
