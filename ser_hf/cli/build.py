"""``ser-hf build``: corpus folders to a Parquet dataset that `load_dataset` reads."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ser_hf.base.errors import SerHfError

from ._command import Command, add_data_arguments, add_split_arguments, answer, settle_own
from .push import tell_push

if TYPE_CHECKING:
    from ser_hf.corpora import Reading
    from ser_hf.flows.build import Built


class BuildCommand(Command):
    """Builds a harmonised dataset."""

    name = "build"
    help = "build a harmonised dataset (Parquet and card) from corpus folders"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Corpora, labels, split and place."""
        add_data_arguments(parser, required=False)
        parser.add_argument(
            "--scheme", default="8class", help="label scheme, own (every label there is), or a .yaml file (8class)"
        )
        parser.add_argument("--protocol", help="split rule, see `ser-hf list protocols`")
        parser.add_argument("--seed", type=int, default=42, help="of the drawing of the split (default 42)")
        add_split_arguments(parser)
        parser.add_argument("--output", required=True, metavar="OUT", help="folder of the dataset")
        parser.add_argument("--overwrite", action="store_true", help="replace a dataset built there before")
        parser.add_argument(
            "--manifest", metavar="DIR", help="make the dataset of a manifest instead: no --corpora, no --protocol"
        )
        parser.add_argument(
            "--allow_differences", action="store_true", help="even where your copy is not the manifest's"
        )
        parser.add_argument("--push", metavar="USER/NAME", help="then send it to the Hub, see `ser-hf push`")
        parser.add_argument("--private", action="store_true", help="make a new repository private")

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Builds, and prints the ledger and how to load the result."""
        reading = settle_own(args)
        built = _rebuild(args, reading) if args.manifest else _build(args, reading)
        clips = {str(name): len(rows) for name, rows in built.split.datasets.items()}
        names = ", ".join(f'"{name}"' for name in built.configs)
        words = [built.corpora.ledger.to_table(), built.split.audit.to_table()]
        words += [f"{name:<11}{count} clips" for name, count in clips.items()]
        words.append(f'\nload it: datasets.load_dataset("{args.output}", NAME) with NAME one of {names}')
        told = {"output": args.output, "configs": list(built.configs), "clips": clips}
        answer(args, "\n".join(words), **told, audit=built.split.audit.to_list(0))
        if args.push:
            from ser_hf.reporting import push_dataset

            tell_push(args, push_dataset(args.output, args.push, private=args.private))
        return 0


_SHARED = ("data_root", "data_dirs", "skip_bad", "max_duration", "num_proc", "overwrite")


def _build(args: argparse.Namespace, reading: Reading) -> Built:
    from ser_hf.flows.build import build
    from ser_hf.protocols import SplitOptions

    for name in ("corpora", "protocol"):
        if not getattr(args, name):
            raise SerHfError(f"--{name} is missing; give --corpora NAME ... and --protocol RULE, or --manifest DIR")
    return build(
        args.corpora,
        args.output,
        protocol=args.protocol,
        options=SplitOptions.of(vars(args)),
        scheme=args.scheme,
        reading=reading,
        **{name: getattr(args, name) for name in _SHARED},
    )


def _rebuild(args: argparse.Namespace, reading: Reading) -> Built:
    from ser_hf.flows.build import rebuild

    if args.corpora or args.protocol:
        raise SerHfError("--manifest says which corpora and which split: leave out --corpora and --protocol")
    return rebuild(
        args.manifest,
        args.output,
        allow_differences=args.allow_differences,
        reading=reading,
        **{name: getattr(args, name) for name in _SHARED},
    )
