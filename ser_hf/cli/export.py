"""``ser-hf export``: a checkpoint as an ONNX file, or as a small folder."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ._command import Command, answer


class ExportCommand(Command):
    """Writes ONNX, or a small checkpoint."""

    name = "export"
    help = "write a checkpoint as one ONNX file, checked against PyTorch by onnxruntime, or as a small folder"
    epilog = "The ONNX file gives probabilities from a waveform, at the rate its metadata names beside the classes.\n"
    epilog += "`ser-hf predict FILE.onnx` takes it without PyTorch."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The checkpoint and the file."""
        parser.add_argument("checkpoint", metavar="RUN", help="run folder, or repository on the Hub")
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--output", metavar="FILE.onnx", help="default: RUN/model.onnx")
        form.add_argument(
            "--small", metavar="DIR", help="instead: a folder to pass on, weights in float16, with card and licence"
        )
        parser.add_argument(
            "--int8", action="store_true", help="ONNX weights in 8 bits: a smaller file, a little further from PyTorch"
        )
        parser.add_argument(
            "--folds",
            nargs="+",
            default=[],
            metavar="RUN",
            help="with --small: runs by the same recipe that left speakers out, whose score is told",
        )

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Writes the file or folder and prints its name."""
        from ser_hf.base.errors import SerHfError
        from ser_hf.inference import export_onnx, export_small

        if args.folds and args.small is None:
            raise SerHfError("--folds tells the score of a small folder; add --small DIR, or leave it out")
        if args.int8 and args.small is not None:
            raise SerHfError("--int8 is for ONNX, and --small writes no ONNX; leave one of them out")
        if args.small is not None:
            written = export_small(args.checkpoint, args.small, args.folds)
        else:
            written = export_onnx(args.checkpoint, args.output, args.int8)
        answer(args, str(written), output=str(written))
        return 0
