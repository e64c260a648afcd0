"""Recipes and the trainer they build.

Names are loaded on first use: the light ``arguments`` serve the command line's help.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ser_hf.base.lazy import lazily

if TYPE_CHECKING:
    from .averaging import average_checkpoints
    from .baseline import fit_baseline
    from .calibrating import calibrate, fold_temperature
    from .checkpoint import load_checkpoint
    from .determinism import deterministic
    from .ensemble import (
        Ensemble,
        EnsembleConfig,
        EnsembleExtractor,
        Model,
        class_names,
        combined,
        mean_probabilities,
        save_ensemble,
    )
    from .facts import network_facts
    from .foreign_classes import ForeignClasses
    from .freezing import check_layers
    from .keys import as_list, check_key, default_of
    from .making import STATISTICS, make_extractor, make_model
    from .own_data import own_words, reading_of
    from .prediction import outputs, outputs_and_hidden, predict, probabilities
    from .recipe import Recipe, folders, load_recipe, naming, pairs
    from .scoring import SPLIT, read_split, score, scored, trained_on, write_split
    from .shipped_recipes import RECIPES
    from .starting import base_model, with_its_past
    from .targets import Targets
    from .trackers import TRACKING, Tracking, tracking
    from .trainer import RECIPE, build_trainer, configure
    from .whole_weights import with_whole_weights

_HOMES = {
    "Ensemble": "ensemble",
    "EnsembleConfig": "ensemble",
    "EnsembleExtractor": "ensemble",
    "Model": "ensemble",
    "SPLIT": "scoring",
    "TRACKING": "trackers",
    "Targets": "targets",
    "as_list": "keys",
    "Tracking": "trackers",
    "tracking": "trackers",
    "average_checkpoints": "averaging",
    "check_key": "keys",
    "class_names": "ensemble",
    "combined": "ensemble",
    "mean_probabilities": "ensemble",
    "save_ensemble": "ensemble",
    "scored": "scoring",
    "ForeignClasses": "foreign_classes",
    "RECIPE": "trainer",
    "STATISTICS": "making",
    "base_model": "starting",
    "build_trainer": "trainer",
    "calibrate": "calibrating",
    "check_layers": "freezing",
    "configure": "trainer",
    "default_of": "keys",
    "deterministic": "determinism",
    "fit_baseline": "baseline",
    "fold_temperature": "calibrating",
    "folders": "recipe",
    "make_extractor": "making",
    "make_model": "making",
    "naming": "recipe",
    "network_facts": "facts",
    "outputs": "prediction",
    "outputs_and_hidden": "prediction",
    "own_words": "own_data",
    "predict": "prediction",
    "probabilities": "prediction",
    "RECIPES": "shipped_recipes",
    "Recipe": "recipe",
    "load_checkpoint": "checkpoint",
    "load_recipe": "recipe",
    "pairs": "recipe",
    "read_split": "scoring",
    "reading_of": "own_data",
    "score": "scoring",
    "trained_on": "scoring",
    "with_its_past": "starting",
    "with_whole_weights": "whole_weights",
    "write_split": "scoring",
}
__all__ = [
    "RECIPE",
    "RECIPES",
    "SPLIT",
    "STATISTICS",
    "TRACKING",
    "Ensemble",
    "EnsembleConfig",
    "EnsembleExtractor",
    "ForeignClasses",
    "Model",
    "Recipe",
    "Targets",
    "Tracking",
    "as_list",
    "average_checkpoints",
    "base_model",
    "build_trainer",
    "calibrate",
    "check_key",
    "check_layers",
    "class_names",
    "combined",
    "configure",
    "default_of",
    "deterministic",
    "fit_baseline",
    "fold_temperature",
    "folders",
    "load_checkpoint",
    "load_recipe",
    "make_extractor",
    "make_model",
    "mean_probabilities",
    "naming",
    "network_facts",
    "outputs",
    "outputs_and_hidden",
    "own_words",
    "pairs",
    "predict",
    "probabilities",
    "read_split",
    "reading_of",
    "save_ensemble",
    "score",
    "scored",
    "tracking",
    "trained_on",
    "with_its_past",
    "with_whole_weights",
    "write_split",
]


__getattr__ = lazily(__name__, _HOMES)
