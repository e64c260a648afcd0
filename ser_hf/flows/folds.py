"""Every fold of a recipe, one after the other, and their test clips scored together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from accelerate import PartialState

from ser_hf.base.errors import RecipeError
from ser_hf.base.steps import steps
from ser_hf.base.uncounted import counted
from ser_hf.protocols import SplitOptions, folds_of
from ser_hf.reporting import load_results, pooled, write_model_card, write_report
from ser_hf.reporting.model_card import CARD
from ser_hf.training import Recipe, default_of, load_recipe
from ser_hf.training.trainer import CHECKPOINTS
from ser_hf.training.whole_checkpoints import any_whole

from ._corpora import read_corpora
from .train import train

ALL = "all"


def train_folds(source: str, words: Sequence[str], folder: str | None = None) -> dict[str, Any]:
    """Runs a recipe on each fold that its protocol has on its data; a fold that is done already is not done again.

    With ``--resume_from_checkpoint last`` the fold that was interrupted goes on; the others begin.

    Args:
        source: the recipe.
        words: overrides, without a fold.
        folder: holds the run folders, ``fold1`` and so on; by default they are those of single runs.

    Returns:
        What results.json of one run would say that tested every clip once; see `ser_hf.reporting.pooled`.

    Raises:
        RecipeError: the protocol has no folds, a fold that is done was run by another recipe or other settings, or
            something was asked for that is of one run alone; all before anything is trained.
        SerHfError: see `train`.
    """
    recipe = load_recipe(source, words)
    _check(recipe)
    with recipe.training.main_process_first(desc="data"):
        folds = folds_for(recipe)
    if not folds:
        raise RecipeError(f"--fold {ALL}: protocol {recipe.data.protocol} has no folds; leave it out")
    recipes = _recipes(source, words, folds, folder)
    runs = [one.folder for one in recipes]
    done = [is_done(one) for one in recipes]
    PartialState().wait_for_everyone()  # so that every process has seen the same
    for fold, one, run, over in zip(folds, recipes, runs, done, strict=True):
        if over:
            if not one.training.process_index:
                complete_run(run)
            steps.info("fold %d of %d is done: %s", fold, len(folds), run)
            continue
        if not any_whole(run / CHECKPOINTS):
            one.training.resume_from_checkpoint = None
        results = train(one, group=recipe.run_name(None))
        if results:
            uar = results["test"]["metrics"]["uar"]["value"]
            steps.info("fold %d of %d: UAR %.1f %%, in %s", fold, len(folds), 100 * uar, run)
    if recipe.training.process_index:
        return {}
    together = pooled(runs)
    return {**together, "name": together["name"].removesuffix(f"-fold{folds[0]}"), "runs": [str(run) for run in runs]}


def folds_for(recipe: Recipe) -> tuple[int, ...]:
    """The folds that a recipe's protocol has on its clips; none where it has no folds."""
    options = SplitOptions.of({**vars(recipe.data), "seed": recipe.data.split_seed, "fold": None})
    return folds_of(read_corpora(recipe).dataset, str(recipe.data.protocol), options)


def _check(recipe: Recipe) -> None:
    """Refuses what is of one run alone.

    Raises:
        RecipeError: a push, whose folds would take each other's place, or a checkpoint, which is of one fold.
    """
    if recipe.training.push_to_hub:
        raise RecipeError(f"--fold {ALL} makes a run of each; leave out push_to_hub, and `ser-hf push` one of them")
    resume = recipe.training.resume_from_checkpoint
    if resume and resume.lower() not in ("true", "last"):
        raise RecipeError(f"{resume} is of one fold; with --fold {ALL} say --resume_from_checkpoint last")


def _recipes(source: str, words: Sequence[str], folds: Sequence[int], folder: str | None) -> list[Recipe]:
    """The recipe of every fold, each with a run folder of its own."""
    found = [load_recipe(source, [*words, "--fold", str(fold)]) for fold in folds]
    if folder is None and len({one.folder for one in found}) == len(found):
        return found
    place = Path(folder) if folder else found[0].folder  # which the file names, for all
    for fold, one in zip(folds, found, strict=True):
        one.training.output_dir = str(place / f"fold{fold}")
    return found


def is_done(recipe: Recipe) -> bool:
    """Whether the run folder of a recipe holds its results, and they are not to be overwritten.

    Raises:
        RecipeError: they are of another recipe or of other settings.
    """
    if recipe.run.overwrite or not (recipe.folder / "results.json").is_file():
        return False
    results, settings = load_results(recipe.folder), json.loads(json.dumps(recipe.settings()))
    before = {"recipe": results.get("recipe"), **counted(results["training"]["arguments"])}
    now = {"recipe": recipe.file, **counted(settings)}
    for key in sorted({*before, *now}):
        then, told = (values.get(key, default_of(key)) for values in (before, now))
        if then != told:
            raise RecipeError(
                f"{recipe.folder} is done, with {key}: {then}, and {key} is now {told}; choose another --output_dir, "
                "or run every fold again with --overwrite true"
            )
    return True


def complete_run(folder: Path) -> None:
    """Writes report and card of a run that is done and was ended before it had them; the card comes last."""
    if not (folder / CARD).is_file():
        steps.info("%s is scored, and its report is written now", folder)
        write_report(folder)
        write_model_card(folder)
