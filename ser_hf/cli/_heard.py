"""What commands that hear have in common: their arguments, and how they print times and answers."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

NOBODY = "none"
"""A detector's name that stands for none: all is taken for speech."""


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Which model, by a word that may be missing, and where it runs."""
    parser.add_argument(
        "checkpoint",
        nargs="?",
        metavar="RUN",
        help="run folder, repository on the Hub, or ONNX file; default: the model that comes with ser_hf",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")


def add_sureness_arguments(parser: argparse.ArgumentParser, otherwise: str = "") -> None:
    """When there is no answer."""
    parser.add_argument(
        "--min_confidence",
        type=float,
        default=0.0,
        metavar="P",
        help="probability the first class needs; below it the answer is 'unsure' (default 0)",
    )
    parser.add_argument(
        "--vad",
        default="auto",
        metavar="X",
        help=f"what finds speech: silero, rule, auto (silero if installed){otherwise}",
    )


def add_window_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of models that hear window by window."""
    parser.add_argument(
        "--window", type=float, metavar="S", help="seconds heard at once; default: what the model hears, at most 4"
    )
    parser.add_argument("--hop", type=float, metavar="S", help="seconds to the next window; default: half a window")
    add_sureness_arguments(parser, f", or {NOBODY}: all is heard")


def window_options(args: argparse.Namespace) -> dict[str, Any]:
    """What `add_window_arguments` says, as `ser_hf.inference.segment` and `live` take it."""
    speech = None if args.vad == NOBODY else args.vad
    return {"window": args.window, "hop": args.hop, "speech": speech, "min_confidence": args.min_confidence}


def clock(seconds: float) -> str:
    """Hours, minutes and seconds with a tenth.

    >>> clock(0), clock(3725.26)
    ('0:00.0', '1:02:05.3')
    """
    tenths = round(10 * seconds)
    whole, rest = divmod(tenths, 10)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02d}:{whole % 60:02d}.{rest}" if hours else f"{minutes}:{whole % 60:02d}.{rest}"


def shares(found: Mapping[str, float], most: int | None = None) -> str:
    """Names with their probabilities, the first ``most`` of them."""
    return ", ".join(f"{name} {share:.3f}" for name, share in [*found.items()][:most])


def rated(found: Mapping[str, float]) -> str:
    """Ratings, to be put behind the classes."""
    return "".join(f"; {name} {value:.2f}" for name, value in found.items())


def columns(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of a table; numbers, which begin with a digit, to the right."""
    table = [[*head], *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    right = [all(row[i][:1].isdigit() or not row[i] for row in table[1:]) for i in range(len(head))]
    for row in table:
        cells = [
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, widths, right, strict=True)
        ]
        yield "  ".join(cells).rstrip()
