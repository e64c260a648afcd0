"""``ser-hf train``: a recipe, with overrides."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence

from ser_hf.training.arguments import GROUPS
from ser_hf.training.bounds import BOUNDS, span

from ._command import Command, answer, scores


class TrainCommand(Command):
    """Trains, scores and reports."""

    name = "train"
    help = "train and score a model by a recipe"
    takes_overrides = True
    epilog = (
        "Any field of transformers.TrainingArguments can be given too, e.g. --num_train_epochs 20 --seed 1\n"
        "--learning_rate 5e-4 --resume_from_checkpoint last --push_to_hub true --hub_model_id USER/NAME.\n"
        "The command line wins over the file; a list without a value, or with the word none, is emptied.\n"
        "Several processes:\n"
        "accelerate launch --config_file recipes/accelerate/cpu.yaml --num_processes 2 \\\n"
        "    -m ser_hf.cli train RECIPE.yaml\n"
        "ser-hf launch --config_file cpu --num_processes 2 train RECIPE"
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The recipe, and for the help every key of ours; they are parsed with the recipe."""
        parser.add_argument("recipe", metavar="RECIPE", help="a name of `ser-hf list recipes`, or a .yaml file")
        parser.add_argument("--output_dir", metavar="DIR", help="run folder; by default runs/<recipe>-<protocol>")
        for group in GROUPS:
            section = parser.add_argument_group((group.__doc__ or group.__name__).rstrip("."))
            for field in dataclasses.fields(group):
                kind = group.__annotations__[field.name]  # Field.type is changed by other parsers
                nargs = "*" if "list" in kind else "?" if kind == "bool" else None
                section.add_argument(
                    f"--{field.name}",
                    nargs=nargs,
                    const="true" if nargs == "?" else None,
                    metavar="X",
                    help=f"{field.metadata['help']}{_default(field)}".replace("%", "%%"),
                    default=argparse.SUPPRESS,
                )

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Trains and prints the score table."""
        from ser_hf.evaluation import score_table
        from ser_hf.flows.folds import ALL, train_folds
        from ser_hf.flows.train import train
        from ser_hf.training import load_recipe

        fold, words = getattr(args, "fold", None), list(overrides)
        apart = ("recipe", "command", "fold", "json", "quiet", *(["output_dir"] if fold == ALL else []))
        for key, value in vars(args).items():
            if key not in apart and value is not None:
                words += [f"--{key}", *(value if isinstance(value, list) else [value])]
        if fold == ALL:
            results = train_folds(args.recipe, words, args.output_dir)
            if results:
                runs = [str(run) for run in results["runs"]]
                answer(args, f"\n{score_table(results)}\nruns: {' '.join(runs)}", runs=runs, test=results["test"])
            return 0
        words += ["--fold", fold] if fold is not None else []
        recipe = load_recipe(args.recipe, words)
        folder = recipe.training.output_dir
        results = train(recipe)
        if results:
            answer(args, f"\n{score_table(results)}\nreport: {folder}/report.html", **scores(results, str(folder)))
        return 0


def _default(field: dataclasses.Field[object]) -> str:
    shown = [] if field.default in (dataclasses.MISSING, None) else [f"default {field.default}"]
    shown += [span(field.name)] if field.name in BOUNDS else []
    return f" ({'; '.join(shown)})" if shown else ""
