"""``ser-hf study`` and ``ser-hf score``: many runs as one command."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ser_hf.base.errors import SerHfError

from ._command import Command, answer, complain

if TYPE_CHECKING:
    from ser_hf.studies import Study
    from ser_hf.studies.launchers import Launcher


class StudyCommand(Command):
    """Runs a study."""

    name = "study"
    help = "run many recipes, splits, folds and seeds, and write one table of them"
    goes_on = "the same command goes on where it stopped"
    takes_overrides = True
    epilog = (
        "Any key of a recipe can be given too, and then holds for every run, e.g. --num_train_epochs 1.\n"
        "The same command again goes on where it stopped: what is done is not done again, an interrupted run goes on\n"
        "from its last checkpoint, a failed one is tried again. The table: table.csv (.md, .tex, .html) in its folder."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The study, where its data are, and where it is run."""
        parser.add_argument("study", metavar="STUDY", help="a name of `ser-hf list studies`, or a .yaml file")
        parser.add_argument("--output", metavar="DIR", help="folder of the study; by default runs/studies/<study>")
        parser.add_argument(
            "--table_only", action="store_true", help="write the table of what is done, and run nothing"
        )
        _add_running(parser)

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Runs what is to do, and prints the table."""
        from ser_hf.studies import load_study

        study = load_study(args.study)
        return _run(study, Path(args.output or Path("runs", "studies", study.name)), args, overrides)


class ScoreCommand(Command):
    """Scores recipes on all published folds of corpora."""

    name = "score"
    help = "train and score recipes on every published fold of a corpus: one row, with an interval over speakers"
    goes_on = "the same command goes on where it stopped"
    takes_overrides = True
    epilog = (
        "Folds are EmoBox's where it has some for the corpus, else four of whole speakers; --protocol names others.\n"
        "With several recipes the first is what the others are compared with. Any key of a recipe can be given too."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The recipes and the corpora."""
        parser.add_argument(
            "recipes", nargs="+", metavar="RECIPE", help="names of `ser-hf list recipes`, or .yaml files"
        )
        parser.add_argument("--corpora", nargs="+", required=True, metavar="NAME", help="each is scored by itself")
        parser.add_argument("--protocol", metavar="NAME", help="see `ser-hf list protocols`")
        parser.add_argument("--output", metavar="DIR", help="by default runs/score-<recipes>")
        _add_running(parser)

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Runs what is to do, and prints a row for each recipe and corpus."""
        from ser_hf.studies import score_study

        keys = {"protocol": args.protocol} if args.protocol else {}
        study = score_study(args.recipes, args.corpora, keys)
        args.table_only = False
        return _run(study, Path(args.output or Path("runs", study.name)), args, overrides)


def _add_running(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data_root", metavar="DIR", help="folder that holds one folder per corpus")
    parser.add_argument(
        "--imagenet_weights", metavar="FILE", help="for the rows that start from ImageNet weights: .safetensors"
    )
    parser.add_argument("--dry_run", action="store_true", help="list the runs, and about how long they will take")
    running = parser.add_argument_group("where it is run")
    running.add_argument("--jobs", type=_positive, metavar="N", help="runs at a time (default 1; on Ray what fits)")
    running.add_argument(
        "--launcher",
        choices=("local", "accelerate", "ray"),
        default="local",
        help="local: one process for each run; accelerate: `accelerate launch` for each run; ray: a Ray cluster",
    )
    running.add_argument(
        "--launch_args", metavar="WORDS", default="", help="for accelerate, e.g. '--num_processes 2 --config_file FILE'"
    )
    running.add_argument(
        "--ray_address", metavar="X", help="as in ray.init; by default RAY_ADDRESS, or a Ray of its own"
    )
    running.add_argument("--cpus_per_run", type=float, default=1.0, metavar="N", help="for ray (default 1)")
    running.add_argument("--gpus_per_run", type=float, default=0.0, metavar="N", help="for ray (default 0)")


def _positive(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{word} is not 1 or more")
    return number


def _run(study: Study, output: Path, args: argparse.Namespace, overrides: Sequence[str]) -> int:
    from ser_hf.studies.run_study import plan_study, run_study, write_table
    from ser_hf.studies.writing import short_table

    if any(word.split("=")[0] == "--output_dir" for word in overrides):
        raise SerHfError("a study names the folders of its runs; --output DIR is where they and the table go")
    words = [*(["--data_root", args.data_root] if args.data_root else []), *overrides]
    if args.dry_run:
        plan = plan_study(study, output, words, args.imagenet_weights)
        lines = plan.lines(args.jobs or 1)
        answer(args, "\n".join([f"{study.title}: {output}", *lines]), study=study.title, output=str(output), plan=lines)
        return 0
    if args.table_only:
        failed: dict[str, str] = {}
        rows = write_table(plan_study(study, output, words, args.imagenet_weights), failed)
    else:
        launch = shlex.split(args.launch_args) if args.launcher == "accelerate" else None
        rows, failed = run_study(
            study, output, _launcher(args), words=words, imagenet=args.imagenet_weights, launch=launch
        )
    if rows or args.json:
        told = {"study": study.title, "table": f"{output}/table.csv", "rows": rows, "failed": failed}
        answer(args, f"\n{study.title}\n\n{short_table(rows)}\ntable: {output}/table.csv", **told)
    for label, error in failed.items():
        complain(f"failed: {label}: {error}")
    return 1 if failed or not rows else 0


def _launcher(args: argparse.Namespace) -> Launcher:
    from ser_hf.studies.launchers import LocalProcesses, RayCluster

    if args.launcher != "accelerate" and args.launch_args:
        raise SerHfError("--launch_args is for --launcher accelerate; leave it out")
    if args.launcher == "ray":
        return RayCluster(args.jobs, args.ray_address, args.cpus_per_run, args.gpus_per_run)
    return LocalProcesses(args.jobs or 1)
