"""Every fold of a recipe, one after the other, and their test clips scored together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ser_hf.base.errors import RecipeError
from ser_hf.base.steps import steps
from ser_hf.protocols import SplitOptions, folds_of
from ser_hf.reporting import pooled
from ser_hf.training import load_recipe

from ._corpora import read_corpora
from .train import train

ALL = "all"


def train_folds(source: str, words: Sequence[str], folder: str | None = None) -> dict[str, Any]:
    """Runs a recipe on each fold that its protocol has on its data; a fold that is done already is not done again.

    Args:
        source: the recipe.
        words: overrides, without a fold.
        folder: holds the run folders, ``fold1`` and so on; by default they are those of single runs.

    Returns:
        What results.json of one run would say that tested every clip once; see `ser_hf.reporting.pooled`.

    Raises:
        RecipeError: the protocol has no folds.
        SerHfError: see `train`; or a fold that is done was run by another recipe.
    """
    recipe = load_recipe(source, words)
    options = SplitOptions.of({**vars(recipe.data), "seed": recipe.data.split_seed, "fold": None})
    folds = folds_of(read_corpora(recipe).dataset, str(recipe.data.protocol), options)
    if not folds:
        raise RecipeError(f"--fold {ALL}: protocol {recipe.data.protocol} has no folds; leave it out")
    runs = []
    for fold in folds:
        place = ["--output_dir", str(Path(folder) / f"fold{fold}")] if folder else []
        one = load_recipe(source, [*words, "--fold", str(fold), *place])
        runs.append(one.folder)
        if (one.folder / "results.json").is_file() and not one.run.overwrite:
            steps.info("fold %d of %d is done: %s", fold, len(folds), one.folder)
            continue
        results = train(one)
        if results:
            uar = results["test"]["metrics"]["uar"]["value"]
            steps.info("fold %d of %d: UAR %.1f %%, in %s", fold, len(folds), 100 * uar, runs[-1])
    if recipe.training.process_index:
        return {}
    together = pooled(runs)
    return {**together, "name": together["name"].removesuffix(f"-fold{folds[0]}"), "runs": [str(run) for run in runs]}
