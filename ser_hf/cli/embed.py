"""``ser-hf embed``: embeddings of clips by a frozen speech transformer, as a Parquet table."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ser_hf.base.errors import SerHfError

from ._command import Command, add_data_arguments, add_deterministic_argument, answer, held, settle_own


class EmbedCommand(Command):
    """Embeds clips."""

    name = "embed"
    help = "embed clips by a speech transformer, published or fine-tuned, into a Parquet table"
    epilog = """\
examples:
  ser-hf embed openai/whisper-base --corpora ravdess --data_root DIR --output ravdess.parquet --layers 1 2 3 4 5
  ser-hf embed runs/my-whisper --dataset recordings.csv --output mine.parquet --pooling mean_std
"""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The checkpoint, the clips, and what is taken of them."""
        parser.add_argument("checkpoint", metavar="CHECKPOINT", help="a repository on the Hub, or a folder")
        parser.add_argument("data", metavar="DATA", nargs="?", help="the same as --dataset DATA")
        add_data_arguments(parser, required=False)
        parser.add_argument(
            "--scheme", default="own", help="label scheme of the column label (default own: every label there is)"
        )
        parser.add_argument("--output", required=True, metavar="OUT.parquet", help="the table")
        parser.add_argument(
            "--layers", type=int, nargs="+", metavar="N", help="0: what the first layer takes; else all"
        )
        parser.add_argument("--pooling", default="mean", help="mean, mean_std or attention, over time (default mean)")
        parser.add_argument("--dtype", default="auto", help="auto, float32 or bfloat16")
        parser.add_argument("--trim_db", type=float, metavar="DB", help="cut edges this far under the loudest frame")
        parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
        add_deterministic_argument(parser)
        parser.add_argument("--batch_size", type=int, default=64, metavar="N", help="clips decoded together")

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Embeds, and says what was written."""
        with held(args):
            return self._run(args)

    def _run(self, args: argparse.Namespace) -> int:
        from ser_hf.data import load_corpus
        from ser_hf.embeddings import add_embeddings, write_embeddings
        from ser_hf.training import folders

        if args.data and args.dataset:
            raise SerHfError(f"two data sets, {args.data} and {args.dataset}; name one")
        args.dataset = args.dataset or args.data
        if not (args.dataset or args.corpora):
            raise SerHfError("no clips: name a dataset, folder or table after the checkpoint, or give --corpora")
        reading = settle_own(args)
        corpora = load_corpus(
            args.corpora,
            data_root=args.data_root,
            data_dirs=folders(args.data_dirs),
            scheme=args.scheme,
            skip_bad=args.skip_bad,
            max_duration=args.max_duration,
            num_proc=args.num_proc,
            reading=reading,
        )
        rows = add_embeddings(
            corpora.dataset,
            args.checkpoint,
            layers=args.layers,
            pooling=args.pooling,
            dtype=args.dtype,
            trim_db=args.trim_db,
            device=args.device,
            batch_size=args.batch_size,
            num_proc=args.num_proc,
            keep_audio=False,
        )
        write_embeddings(rows, args.output)
        layers, size = rows.features["embedding"].shape
        words = f"{args.output}: {len(rows)} clips, {layers} layers of {size} numbers each"
        told = {"output": args.output, "clips": len(rows), "layers": layers, "size": size}
        answer(args, f"{corpora.ledger.to_table()}\n{words}", **told)
        return 0
