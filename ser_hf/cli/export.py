"""``ser-hf export``: a checkpoint as an ONNX file."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ._command import Command, say


class ExportCommand(Command):
    """Writes ONNX."""

    name = "export"
    help = "write a checkpoint as one ONNX file, checked against PyTorch by onnxruntime"
    epilog = "Class names and feature settings are in the file's metadata. `ser-hf predict FILE.onnx` takes the file."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The checkpoint and the file."""
        parser.add_argument("checkpoint", metavar="RUN", help="run folder, or repository on the Hub")
        parser.add_argument("--output", metavar="FILE.onnx", help="default: RUN/model.onnx")

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Writes the file and prints its name."""
        from ser_hf.inference import export_onnx

        say(str(export_onnx(args.checkpoint, args.output)))
        return 0
