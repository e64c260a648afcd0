"""Rows with functionals -> a fitted baseline, as a recipe says."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from ser_hf.base.errors import RecipeError
from ser_hf.baselines import Baseline, Clips, build_baseline, fit
from ser_hf.data import class_weights
from ser_hf.evaluation import scores
from ser_hf.features import FeatureRows
from ser_hf.labels import Scheme
from ser_hf.records import CLIP_ID, INPUT_FEATURES, LABEL, SOURCE, SPEAKER

from .arguments import AugmentArguments
from .recipe import Recipe, pairs

_NETWORKS = (
    *(field.name for field in dataclasses.fields(AugmentArguments)),
    *("imagenet", "imagenet_weights", "patience", "precision", "num_train_epochs", "max_steps", "learning_rate"),
    *("weight_decay", "label_smoothing_factor", "per_device_train_batch_size", "targets", "target_weight"),
)
"""Keys that mean something for networks alone, and would be passed over."""


def fit_baseline(
    recipe: Recipe, parts: Mapping[str, Any], scheme: Scheme, *, by_speaker: bool
) -> tuple[Baseline, dict[str, Any]]:
    """Fits the baseline of a recipe on training and validation split, see `fit`; the test is not looked at.

    Args:
        recipe: names a baseline.
        parts: rows with features, by the name of their split.
        scheme: the classes of their labels.
        by_speaker: inner folds hold whole speakers, as the test does.

    Returns:
        The machine, and what results.json says about its training: ``candidates`` has the settings that were tried
        with their UAR in the inner folds.

    Raises:
        SerHfError: a key for networks, a setting out of its range, or rows that it cannot be fitted on.
    """
    for key in _NETWORKS:
        if key in recipe.given:
            raise RecipeError(f"{key} is for networks, and model is {recipe.model.model!r}; leave it out")
    if recipe.data.balance == "weighted_sampler":
        raise RecipeError("balance: weighted_sampler is for networks; a baseline takes class_weights")
    start = time.perf_counter()
    config = build_baseline(str(recipe.model.model), scheme.classes, **pairs(recipe.model.model_settings))
    config.label_scheme = scheme.name
    voices = bool(recipe.data.copies)
    train, validation = (_clips(parts[name], by_speaker, voices=voices) for name in ("train", "validation"))
    weights = class_weights(train.labels, len(scheme.classes)) if recipe.data.balance == "class_weights" else None
    machine, candidates, shares = fit(config, train, validation, weights, calibrate=recipe.run.calibrate)
    seconds = time.perf_counter() - start
    return machine, {
        "epochs": 0.0,
        "best_epoch": None,
        "best_validation_uar": scores(validation.labels, shares.argmax(axis=1), len(scheme.classes))["uar"],
        "seconds": round(seconds, 1),
        "device": "cpu",
        "precision": "fp64",
        "history": [],
        "candidates": candidates,
    }


def _clips(rows: Any, by_speaker: bool, *, voices: bool = False) -> Clips:
    """An augmented copy is of its source's group.

    Args:
        rows: with features.
        by_speaker: groups are speakers.
        voices: the copies of a number, ``<source>#<number>``, are a voice of their own: one speaker at another speed is
            normalised as another, and no copy moves what the clips themselves are normalised by.
    """
    speakers, clips = list(rows[SPEAKER]), list(rows[CLIP_ID])
    sources = list(rows[SOURCE]) if SOURCE in rows.column_names else [None] * len(rows)
    groups = speakers if by_speaker else [source or clip for source, clip in zip(sources, clips, strict=True)]
    heard = speakers
    if voices:
        heard = [
            f"{speaker}#{clip.rpartition('#')[2]}" if source and speaker else speaker
            for speaker, source, clip in zip(speakers, sources, clips, strict=True)
        ]
    copies = np.array([source is not None for source in sources], dtype=bool)
    return Clips(_vectors(FeatureRows(rows, training=False)), np.asarray(rows[LABEL][:]), heard, groups, copies)


def _vectors(rows: FeatureRows) -> np.ndarray:
    """Features ``(N, D)`` float64 of rows of one frame each."""
    given = rows.__getitems__(list(range(len(rows))))
    return np.stack([row[INPUT_FEATURES] for row in given]).reshape(len(rows), -1).astype(np.float64)
