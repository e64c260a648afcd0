"""The studies that come with the package, by name."""

from __future__ import annotations

from pathlib import Path

from ser_hf.base.errors import RecipeError, unknown
from ser_hf.training import RECIPES

STUDIES = RECIPES / "studies"


def study_names() -> list[str]:
    """The names of the studies, sorted."""
    return sorted(path.stem for path in STUDIES.glob("*.yaml"))


def find_study(word: str | Path) -> Path:
    """The file of a study: a path, or the name of one that comes with the package.

    Raises:
        RecipeError: there is none of this name.
    """
    if isinstance(word, Path) or Path(word).suffix in (".yaml", ".yml") or Path(word).is_file():
        return Path(word)
    if word not in study_names():
        raise RecipeError(f"{unknown('study', word, study_names())}; see `ser-hf list studies`, or give a .yaml file")
    return STUDIES / f"{word}.yaml"
