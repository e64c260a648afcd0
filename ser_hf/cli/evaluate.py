"""``ser-hf evaluate``: a checkpoint on recordings."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ._command import Command, add_data_arguments, say, settle_own


class EvaluateCommand(Command):
    """Scores a run's checkpoint."""

    name = "evaluate"
    help = "score a run's checkpoint: on its own test clips, or on other corpora"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The run and the recordings."""
        parser.add_argument("run", metavar="RUN", help="run folder written by `ser-hf train`")
        add_data_arguments(parser, required=False)
        parser.add_argument("--output", metavar="DIR", help="default: RUN/evaluations/<corpora>")

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Scores and prints the table."""
        from ser_hf.evaluation import score_table
        from ser_hf.flows.evaluate import evaluate

        reading = settle_own(args)
        results, folder = evaluate(
            args.run,
            args.corpora,
            data_root=args.data_root,
            data_dirs=args.data_dirs,
            skip_bad=args.skip_bad,
            max_duration=args.max_duration,
            num_proc=args.num_proc,
            output=args.output,
            reading=reading,
        )
        say(f"\n{score_table(results)}\nreport: {folder}/report.html")
        return 0
