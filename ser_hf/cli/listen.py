"""``ser-hf listen``: emotions of what a microphone or a pipe brings, while it goes on."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ser_hf.base.plain import plain_json

from ._command import Command, say
from ._heard import add_model_arguments, add_window_arguments, clock, rated, shares, window_options

if TYPE_CHECKING:
    from ser_hf.inference.streaming import Answer


class ListenCommand(Command):
    """Classifies sound as it comes."""

    name = "listen"
    help = "classify the sound of the microphone, or of standard input, while it goes on"
    epilog = (
        "From a pipe, raw 16-bit little-endian mono samples:\n"
        "  ffmpeg -loglevel error -i STREAM -f s16le -ac 1 -ar 16000 - | ser-hf listen --stdin --rate 16000"
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The checkpoint and where the sound comes from."""
        add_model_arguments(parser)
        parser.add_argument("--stdin", action="store_true", help="read raw samples (s16le, mono) from standard input")
        parser.add_argument("--rate", type=int, default=16_000, metavar="HZ", help="of these samples (default 16000)")
        parser.add_argument("--input", metavar="X", help="name or number of the microphone; default: the system's")
        add_window_arguments(parser)
        parser.add_argument("--top", type=int, default=3, help="classes shown (default 3)")

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Prints an answer after every hop, until the sound ends or Ctrl-C."""
        from ser_hf.base.errors import SerHfError
        from ser_hf.inference import DEFAULT, live, open_model
        from ser_hf.inference.streaming import microphone_blocks

        if args.stdin and sys.stdin.isatty():
            raise SerHfError("--stdin reads raw samples, and nothing is piped in; see ser-hf listen --help")
        device = int(args.input) if args.input and args.input.isdigit() else args.input
        blocks = _piped() if args.stdin else microphone_blocks(args.rate, device)
        model = open_model(args.checkpoint or DEFAULT, args.device)
        try:
            for answer in live(model, blocks, args.rate, **window_options(args)):
                say(plain_json(answer.as_dict()) if args.json else _words(answer, args.top))
        except KeyboardInterrupt:  # how one stops listening
            say()
        return 0


def _piped() -> Iterator[Any]:
    from ser_hf.base.errors import AudioError
    from ser_hf.inference.streaming import pcm_blocks

    came = False
    for block in pcm_blocks(sys.stdin.buffer):
        came = True
        yield block
    if not came:
        raise AudioError("standard input brought no samples; expected raw 16-bit mono sound (s16le)")


def _words(answer: Answer, top: int) -> str:
    sure = shares(answer.classes, top)
    head = f"{clock(answer.start)} - {clock(answer.end)}  {answer.label}"
    if not sure:
        return head
    first = next(iter(answer.classes))
    return f"{head}{f': {sure}' if first != answer.label else sure.removeprefix(first)}{rated(answer.dimensions)}"
