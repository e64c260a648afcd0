"""``ser-hf quickstart``: everything once, on synthetic voices, without a download."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ._command import Command, answer, scores

_RECIPE = Path(__file__).with_name("quickstart.yaml")
_PROTOCOLS = ("speaker-independent", "random")


class QuickstartCommand(Command):
    """Trains a small model on synthetic voices, speaker-independent and speaker-mixed."""

    name = "quickstart"
    help = "train and score a small model on synthetic voices: no download, a few minutes"
    takes_overrides = True
    epilog = "Recipe keys can be given as for `ser-hf train`, e.g. --num_train_epochs 2."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Where the runs go."""
        parser.add_argument("--output_dir", default="runs/quickstart", metavar="DIR", help="default: runs/quickstart")

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Runs both protocols and prints both tables."""
        from ser_hf.evaluation import score_table
        from ser_hf.flows.train import train
        from ser_hf.training import load_recipe

        tables, told = [], {}
        for protocol in _PROTOCOLS:
            folder = Path(args.output_dir) / protocol
            words = ["--protocol", protocol, "--output_dir", str(folder), "--overwrite", "true", *overrides]
            results = train(load_recipe(_RECIPE, words))
            tables.append(f"{score_table(results)}report: {folder}/report.html\n")
            told[protocol] = scores(results, folder)
        answer(args, "\n" + "\n".join(tables), **told)
        return 0
