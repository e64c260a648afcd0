"""``ser-hf evaluate``: a checkpoint on recordings."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ser_hf.base.errors import SerHfError

from ._command import (
    Command,
    add_data_arguments,
    add_deterministic_argument,
    add_split_arguments,
    answer,
    held,
    scores,
    settle_own,
)

_SHARED = ("data_root", "data_dirs", "skip_bad", "max_duration", "num_proc", "output")


def _is_run(source: str) -> bool:
    """Whether it is a run folder; a folder that is not there yet is told of as one."""
    folder = Path(source)
    local = folder.exists() or source.startswith((".", "/", "~")) or source.count("/") != 1
    return local and not ((folder / "config.json").is_file() and not (folder / "results.json").is_file())


class EvaluateCommand(Command):
    """Scores a run's checkpoint."""

    name = "evaluate"
    help = "score a checkpoint: a run's on its own test clips or other corpora, or anybody's on any corpora"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The run and the recordings."""
        parser.add_argument(
            "run",
            metavar="RUN",
            help="run folder, or anybody's audio classifier: a folder, or USER/NAME of the Hub",
        )
        add_data_arguments(parser, required=False)
        parser.add_argument("--output", metavar="DIR", help="default: RUN/evaluations/<corpora>")
        parser.add_argument(
            "--robustness",
            nargs="*",
            metavar="CONDITION",
            help="of a run's own test clips the score under these conditions, or all: MP3, Opus, telephone, noise, "
            "gain, a room, cuts",
        )
        parser.add_argument(
            "--listen",
            action="store_true",
            help="put the recordings of the surest errors into the report; for yourself, if they may not be passed on",
        )
        add_deterministic_argument(parser)
        others = parser.add_argument_group("for checkpoints that are no runs of ours, whose labels --labels explains")
        others.add_argument("--scheme", help="label scheme; by default the checkpoint's own labels, in our words")
        others.add_argument("--protocol", help="score the test side of this split alone; by default all clips")
        others.add_argument("--seed", type=int, default=42, help="of the drawing of the split (default 42)")
        add_split_arguments(others)

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Scores and prints the table."""
        with held(args, "hide the GPU (CUDA_VISIBLE_DEVICES=)"):
            return self._run(args)

    def _run(self, args: argparse.Namespace) -> int:
        from ser_hf.evaluation import score_table
        from ser_hf.flows.evaluate import evaluate
        from ser_hf.flows.evaluate_other import evaluate_other
        from ser_hf.protocols import SplitOptions

        shared = {"reading": settle_own(args), **{name: getattr(args, name) for name in _SHARED}}
        if args.robustness is not None:
            return _robustness(args, shared)
        if _is_run(args.run):
            for name in ("scheme", "protocol"):
                if getattr(args, name):
                    raise SerHfError(f"--{name} is for checkpoints of others; {args.run} has its own, leave it out")
            results, folder = evaluate(args.run, args.corpora, listen=args.listen, **shared)
        else:
            if not args.corpora:
                raise SerHfError(f"{args.run} is no run of ours and has no test clips; add --corpora NAME ... to score")
            options = SplitOptions.of(vars(args))
            results, folder = evaluate_other(
                args.run, args.corpora, scheme=args.scheme, protocol=args.protocol, options=options, **shared
            )
        answer(args, f"\n{score_table(results)}\nreport: {folder}/report.html", **scores(results, folder))
        return 0


def _robustness(args: argparse.Namespace, shared: dict[str, Any]) -> int:
    from ser_hf.flows.robustness import evaluate_robustness, robustness_table

    if args.corpora or not _is_run(args.run):
        raise SerHfError("--robustness is of a run of ours on its own test clips; leave out --corpora")
    lines, folder = evaluate_robustness(args.run, args.robustness, **shared)
    answer(args, f"\n{robustness_table(lines)}\ntable and figure: {folder}", folder=str(folder), rows=lines)
    return 0
