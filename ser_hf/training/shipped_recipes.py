"""The recipes that come with the package: found by name, with the scores that were measured by them."""

from __future__ import annotations

import csv
from pathlib import Path

from ser_hf.base.errors import RecipeError, unknown

RECIPES = Path(__file__).parents[1] / "recipes"
"""In a checkout a link to the folder at its top."""
GROUPS = {
    "baselines": "support vector machines and logistic regression on features of the whole clip",
    "from_scratch": "networks that start from random weights",
    "imagenet": "image networks that start from ImageNet weights",
    "pretrained": "transformers that start from published checkpoints of speech or audio, and probes on frozen ones",
}
"""Folder -> what its recipes are for."""
_OTHERS = ("accelerate", "cluster", "studies")
"""Folders that hold no recipes."""


def recipe_files(folder: Path) -> list[Path]:
    """The recipes of a folder and of the folders in it, sorted; Accelerate's configurations and studies are none."""
    files = [*folder.glob("*.yaml"), *folder.glob("*/*.yaml")]
    return sorted(path for path in files if path.parent.name not in _OTHERS)


def recipe_names() -> list[str]:
    """``<folder>/<name>`` of every recipe, sorted."""
    return [path.relative_to(RECIPES).with_suffix("").as_posix() for path in recipe_files(RECIPES)]


def did_you_mean(word: str | Path) -> str:
    """Asks after the recipes whose file has this name, in another folder; nothing where there is none.

    >>> did_you_mean("recipes/mine/resnet34.yaml")
    "; did you mean 'from_scratch/resnet34'?"
    """
    stem = Path(word).name.removesuffix(".yaml")
    same = [repr(name) for name in recipe_names() if name.rpartition("/")[2] == stem]
    return f"; did you mean {' or '.join(same)}?" if same else ""


def find_recipe(word: str | Path) -> Path:
    """The file of a recipe: a path, or the name of one that comes with the package, with its folder or without.

    >>> find_recipe("resnet34").name, find_recipe("from_scratch/resnet34").name
    ('resnet34.yaml', 'resnet34.yaml')

    Raises:
        RecipeError: there is none of this name, or more than one.
    """
    if isinstance(word, Path) or Path(word).suffix in (".yaml", ".yml") or Path(word).is_file():
        return Path(word)
    names = recipe_names()
    found = [name for name in names if word in (name, name.rpartition("/")[2])]
    if len(found) > 1:
        raise RecipeError(f"{word!r} is the name of several recipes: {', '.join(found)}; name the folder too")
    if not found:
        known = names if "/" in word else [name.rpartition("/")[2] for name in names]
        elsewhere = did_you_mean(word)
        message = f"unknown recipe {word!r}{elsewhere} See" if elsewhere else unknown("recipe", word, known) + "; see"
        raise RecipeError(f"{message} `ser-hf list recipes`, or give the path of a .yaml file")
    return RECIPES / f"{found[0]}.yaml"


def measured() -> dict[str, list[str]]:
    """Recipe -> a line for each of its measured scores, in the order of ``results.csv``."""
    with (RECIPES / "results.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["test_clips"]]
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["recipe"].removesuffix(".yaml"), []).append(_line(row))
    return found


def _line(row: dict[str, str]) -> str:
    """A measured row in words, e.g. ``"UAR 69.5 % (62.9-75.4), random, speaker-mixed, ..."``."""
    uar, low, high = (f"{100 * float(row[key]):.1f}" for key in ("uar", "uar_low", "uar_high"))
    fold = f", fold {row['fold']}" if row["fold"] else ""
    sides = "speaker-independent" if row["speaker_independent"] == "True" else "speaker-mixed"
    caveat = f"; {row['caveat']}" if row["caveat"] else ""
    return (
        f"UAR {uar} % ({low}-{high}): {row['corpora']}, {row['protocol']}{fold}, {sides}, {row['test_clips']} clips, "
        f"{row['test_speakers']} speakers{caveat}"
    )
