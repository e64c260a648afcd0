"""Recipes and the trainer they build.

Names are loaded on first use: the light ``arguments`` serve the command line's help.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .checkpoint import load_checkpoint
    from .prediction import predict, probabilities
    from .recipe import Recipe, folders, load_recipe, pairs
    from .scoring import read_split, score, write_split
    from .trainer import RECIPE, build_trainer, configure, history

_HOMES = {
    "RECIPE": "trainer",
    "build_trainer": "trainer",
    "configure": "trainer",
    "folders": "recipe",
    "history": "trainer",
    "predict": "prediction",
    "probabilities": "prediction",
    "Recipe": "recipe",
    "load_checkpoint": "checkpoint",
    "load_recipe": "recipe",
    "pairs": "recipe",
    "read_split": "scoring",
    "score": "scoring",
    "write_split": "scoring",
}
__all__ = [
    "RECIPE",
    "Recipe",
    "build_trainer",
    "configure",
    "folders",
    "history",
    "load_checkpoint",
    "load_recipe",
    "pairs",
    "predict",
    "probabilities",
    "read_split",
    "score",
    "write_split",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
