"""``ser-hf build``: corpus folders to a Parquet dataset that `load_dataset` reads."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ._command import Command, add_data_arguments, say


class BuildCommand(Command):
    """Builds a harmonised dataset."""

    name = "build"
    help = "build a harmonised dataset (Parquet and card) from corpus folders"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Corpora, labels, split and place."""
        add_data_arguments(parser)
        parser.add_argument("--scheme", default="8class", help="label scheme (default 8class)")
        parser.add_argument("--protocol", required=True, help="split rule, see `ser-hf list protocols`")
        parser.add_argument("--fold", type=int, help="fold number, for protocols with folds")
        parser.add_argument("--seed", type=int, default=42, help="of the split (default 42)")
        parser.add_argument("--test_size", type=float, default=0.1, help="default 0.1")
        parser.add_argument("--validation_size", type=float, default=0.1, help="default 0.1")
        parser.add_argument("--test_speakers", nargs="+", default=[], help="for speaker-independent: exactly these")
        parser.add_argument("--output", required=True, metavar="OUT", help="folder of the dataset")
        parser.add_argument("--overwrite", action="store_true", help="replace a dataset built there before")

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Builds, and prints the ledger and how to load the result."""
        from ser_hf.building import build
        from ser_hf.data import SplitOptions

        sizes = {"test_size": args.test_size, "validation_size": args.validation_size}
        options = SplitOptions(fold=args.fold, seed=args.seed, test_speakers=tuple(args.test_speakers), **sizes)
        built = build(
            args.corpora,
            args.output,
            protocol=args.protocol,
            options=options,
            scheme=args.scheme,
            data_root=args.data_root,
            data_dirs=args.data_dirs,
            skip_bad=args.skip_bad,
            num_proc=args.num_proc,
            overwrite=args.overwrite,
        )
        say(built.corpora.ledger.to_table())
        say(built.split.audit.to_table())
        for name, rows in built.split.datasets.items():
            say(f"{name:<11}{len(rows)} clips")
        names = ", ".join(f'"{name}"' for name in built.configs)
        say(f'\nload it: datasets.load_dataset("{args.output}", NAME) with NAME one of {names}')
        return 0
