"""The part of ``ser-hf predict`` that writes a table: its arguments, and the run."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ser_hf.base.ending import advising
from ser_hf.base.plain import plain_json

from ._command import say

if TYPE_CHECKING:
    from ser_hf.inference.batch import Item

EPILOG = """\
examples:
  ser-hf predict clip.wav                                              # printed, by the model of ser_hf
  ser-hf predict runs/mine calls/ --output scores.parquet              # every audio file below a folder
  ser-hf predict runs/mine calls.csv more/*.flac --output scores.csv   # a table with paths, and files
  ser-hf predict runs/mine hf://USER/NAME --output scores/             # a dataset of the Hub, Parquet shards
  accelerate launch --multi_gpu -m ser_hf.cli predict runs/mine calls/ --output scores.parquet
"""


def add_batch_arguments(parser: argparse.ArgumentParser) -> None:
    """What matters where a table is written."""
    many = parser.add_argument_group("any number of recordings, into a table")
    many.add_argument(
        "--output",
        metavar="OUT",
        help="write a row for every recording to OUT.parquet, OUT.csv or OUT.jsonl, or Parquet shards into a folder; "
        "killed and started again the same way it goes on",
    )
    many.add_argument("--workers", type=int, metavar="N", help="processes that decode (default: one for every core)")
    many.add_argument("--batch_size", type=int, default=32, metavar="N", help="clips scored together (default 32)")
    many.add_argument(
        "--shard_size", type=int, default=1000, metavar="N", help="clips that a kill can cost (default 1000)"
    )
    many.add_argument(
        "--embeddings", action="store_true", help="a column embedding: what the last layer, or a probe's head, takes"
    )
    many.add_argument("--overwrite", action="store_true", help="begin anew where OUT is there")


def run_batch(args: argparse.Namespace, checkpoint: str, words: Sequence[str]) -> int:
    """Writes the table, and says in one line what became of the recordings."""
    from ser_hf.inference.batch import Options, predict_many

    with advising(lambda: "the same command goes on where it stopped"):
        summary = predict_many(
            words,
            args.output,
            checkpoint,
            device=args.device,
            workers=args.workers,
            batch_size=args.batch_size,
            overwrite=args.overwrite,
            shown=not args.quiet,
            options=Options(args.min_confidence, args.vad, args.max_duration, args.embeddings, args.shard_size),
        )
    say(plain_json(summary.told()) if args.json else str(summary))
    return 0 if summary.errors < summary.clips else 2


def named(words: Sequence[str]) -> Iterator[Item]:
    """The recordings that words name, one by one; see `ser_hf.inference.batch.sources_of`."""
    from ser_hf.inference.batch import sources_of

    return sources_of(words).items()
