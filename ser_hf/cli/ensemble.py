"""``ser-hf ensemble``: finished runs as one."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ser_hf.base.errors import SerHfError

from ._command import Command, add_data_arguments, answer, scores, settle_own

_PLACES = ("data_root", "data_dirs", "dataset")
_DATA = ("data_root", "data_dirs", "skip_bad", "max_duration", "num_proc")


class EnsembleCommand(Command):
    """Combines runs."""

    name = "ensemble"
    help = "combine finished runs of one split into a run of their mean, which every command takes"
    epilog = (
        "By probabilities the runs may be of any kind (networks, transformers, support vector machines). They are\n"
        "copied into DIR and scored together by what they said of their test clips, without the recordings.\n"
        "By weights they must be of one architecture, best fine-tunings of one checkpoint (arXiv 2203.05482). What\n"
        "comes out is one network, which is scored anew: --data_root and what follows are for this alone.\n"
        "Runs of different splits are refused: one would have been trained on what the other is tested on.\n\n"
        "ser-hf ensemble runs/svm-fold1 runs/wavlm-fold1 --shares 1 2 --output runs/both-fold1"
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The runs, how they are combined, and for averaged weights the recordings."""
        parser.add_argument("runs", nargs="+", metavar="RUN", help="run folders of `ser-hf train`, two or more")
        parser.add_argument("--output", metavar="DIR", required=True, help="run folder to write; must hold none yet")
        parser.add_argument(
            "--by",
            choices=("probabilities", "weights"),
            default="probabilities",
            help="what the mean is of (default probabilities)",
        )
        parser.add_argument(
            "--shares",
            nargs="+",
            type=float,
            default=[],
            metavar="X",
            help="how much each run counts (default equally)",
        )
        parser.add_argument(
            "--name", help="of the ensemble; the same for all folds of one (default: those of the runs)"
        )
        add_data_arguments(parser, corpora=False)

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Combines and prints the table."""
        from ser_hf.evaluation import score_table
        from ser_hf.flows.ensemble import WEIGHTS, ensemble

        given = {"by": args.by, "shares": args.shares, "name": args.name}
        if args.by == WEIGHTS:
            args.corpora = None
            given |= {"reading": settle_own(args), **{name: getattr(args, name) for name in _DATA}}
        elif named := [name for name in _PLACES if getattr(args, name)]:
            raise SerHfError(f"--{named[0]} is for --by weights: the mean of probabilities needs no recordings")
        results, folder = ensemble(args.runs, args.output, **given)
        answer(args, f"\n{score_table(results)}\nreport: {folder}/report.html", **scores(results, folder))
        return 0
