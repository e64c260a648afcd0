"""``ser-hf bench``: this package against its rivals, on the machine at hand."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from ._command import Command, answer

_TASKS = ("features", "map", "build", "train", "inference", "predict", "embed", "windows", "models", "whisper")
_SECONDS = {"whisper": 3.7}
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class BenchCommand(Command):
    """Measures throughput and memory."""

    name = "bench"
    help = (
        "measure speed and memory of features, map, build, train, inference, predict, embed, windows or whisper "
        "against other libraries; cost of models"
    )
    epilog = "All subjects take turns in one run; the table has medians, --output and --json every measurement.\n"
    epilog += "The table of `ser-hf list models`: ser-hf bench models recipes --threads 1 --clips 16\n"
    epilog += "--repeats 3 --output ser_hf/benchmarks/models.json"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """What is measured, on what, how often."""
        parser.add_argument("task", choices=_TASKS, help="what is measured")
        parser.add_argument("recipes", nargs="?", metavar="FOLDER", help="of recipes, or of such folders, for models")
        parser.add_argument("--clips", type=int, default=256, metavar="N", help="clips of a measurement (default 256)")
        parser.add_argument("--repeats", type=int, default=5, metavar="R", help="measurements of each (default 5)")
        parser.add_argument(
            "--seconds", type=float, metavar="S", help="length of the clips (default 3; for whisper 3.7, their mean)"
        )
        parser.add_argument("--corpus", metavar="NAME", help="take its clips (default: noise, or the synthetic voices)")
        parser.add_argument("--data_root", metavar="DIR", help="folder that holds the corpus' folder")
        parser.add_argument("--threads", type=int, metavar="N", help="threads of PyTorch and BLAS (default: theirs)")
        parser.add_argument(
            "--model",
            default="cnn_blstm_attention",
            help="for train, inference, predict, windows (default cnn_blstm_attention); for train transformer too",
        )
        parser.add_argument(
            "--model_settings",
            nargs="+",
            default=[],
            metavar="KEY=VALUE",
            help="e.g. backbone=resnet34, or pretrained=DIR for train of a transformer, whisper and embed",
        )
        parser.add_argument("--batch_size", type=int, default=32, metavar="N", help="of clips (default 32)")
        parser.add_argument("--output", metavar="FILE", help="also write every measurement there, as JSON")

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Measures, prints the table and writes the JSON."""
        if args.threads is not None:  # NumPy's libraries read these when they are loaded, which is below
            os.environ |= dict.fromkeys(_THREADS, str(args.threads))
        import torch

        from ser_hf.base.atomic import write_json
        from ser_hf.benchmarks import TASKS, Settings, to_table

        settings = Settings(
            clips=args.clips,
            repeats=args.repeats,
            seconds=args.seconds if args.seconds is not None else _SECONDS.get(args.task, 3.0),
            corpus=args.corpus,
            data_root=args.data_root,
            threads=args.threads,
            model=args.model,
            model_settings=tuple(args.model_settings),
            batch_size=args.batch_size,
            recipes=args.recipes,
        )
        if settings.threads is not None:
            torch.set_num_threads(settings.threads)
        result = TASKS[args.task](settings)
        answer(args, to_table(result), **result.to_dict())
        if args.output:
            write_json(args.output, result.to_dict())
        return 0
