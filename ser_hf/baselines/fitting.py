"""Fits a baseline; what a recipe leaves open is chosen inside the training split."""

from __future__ import annotations

import copy
import itertools
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from ser_hf.base.errors import SerHfError
from ser_hf.evaluation import fit_temperature

from .baseline import AUTO, Baseline, BaselineConfig, Labels
from .build import BASELINES
from .speakers import Features, check_features, normalise_speakers, population

if TYPE_CHECKING:
    from sklearn.preprocessing import StandardScaler

INNER_FOLDS = 5

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Clips:
    """Clips to learn from or to calibrate on.

    Attributes:
        features: ``(N, D)``.
        labels: class ids ``(N,)``.
        speakers: of the clips; None where unknown.
        groups: clips of one group are never on both sides of an inner fold: their speaker, or their recording.
        copies: which clips ``(N,)`` are augmented copies: learned from, and never scored; None if none is.
    """

    features: Features
    labels: Labels
    speakers: Sequence[str | None]
    groups: Sequence[str]
    copies: NDArray[np.bool_] | None = None

    @property
    def originals(self) -> NDArray[np.bool_]:
        """Which clips ``(N,)`` are no copies."""
        return np.ones(len(self.labels), dtype=bool) if self.copies is None else ~self.copies

    def prepared(self, config: BaselineConfig) -> Features:
        """The features as the machine learns from them: a training speaker is told by the own clips alone."""
        return normalise_speakers(self.features, self.speakers) if config.speaker_normalisation else self.features

    def population(self) -> StandardScaler:
        """That of the speakers, whom their copies do not move: no unseen speaker is one."""
        speakers = [name for name, original in zip(self.speakers, self.originals, strict=True) if original]
        return population(self.features[self.originals], speakers)

    def __add__(self, other: Clips) -> Clips:
        features, labels = np.concatenate([self.features, other.features]), np.concatenate([self.labels, other.labels])
        copies = ~np.concatenate([self.originals, other.originals])
        return Clips(features, labels, [*self.speakers, *other.speakers], [*self.groups, *other.groups], copies)


def fit(
    config: BaselineConfig,
    train: Clips,
    validation: Clips,
    weights: NDArray[np.float64] | None = None,
    *,
    calibrate: bool = True,
) -> tuple[Baseline, list[dict[str, float]], NDArray[np.float64]]:
    """Fits a machine: chosen on the training clips, then fitted on training and validation clips together.

    ``auto`` settings are those with the best mean UAR over five inner folds of the training clips, or as many as there
    are groups, stratified by class and split by group, and scored on clips that are no copies; among equals the first.
    The temperature is the one with the highest likelihood of the validation labels under a machine fitted on the
    training clips, again without copies. With that nothing is left to be chosen on the validation clips, and the last
    machine learns from them as well. The population of speaker normalisation is that of the speakers themselves, not of
    their copies. No other clip is seen.

    Args:
        config: settings and class names; it is not changed.
        train: at least two classes.
        validation: one clip or more.
        weights: of every class ``(C,)``, on the cost of an error; None for equal ones.
        calibrate: fit the temperature, see `fit_temperature`; otherwise it is 1.

    Returns:
        The machine, whose configuration holds what was chosen; one entry of candidates and UAR for each that was
        tried; and the validation clips' scores ``(N, C)`` by the machine that had not seen them.

    Raises:
        SerHfError: there is but one class, one group and something to choose, or the speaker of a clip is unknown.
        NotFiniteError: there is NaN or infinity among the features.
    """
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    _, kind = BASELINES[config.model_type]
    if len(np.unique(train.labels)) < 2:
        raise SerHfError(f"{kind.title} needs training clips of two classes or more")
    check_features(train.features, "training clip")
    check_features(validation.features, "validation clip")
    features, chosen, tried = train.prepared(config), copy.deepcopy(config), _candidates(config)
    log: list[dict[str, float]] = []
    best = tried[0]
    if len(tried) > 1:
        uars, folds = _inner_uars(kind, features, train, tried, weights)
        log = [{**settings, "uar": uar, "folds": folds} for settings, uar in zip(tried, uars, strict=True)]
        best = tried[int(np.argmax(uars))]
    for name, value in best.items():
        setattr(chosen, name, value)

    def fitted(clips: Clips) -> Baseline:
        given = kind.arguments(best, features.shape[1])
        steps = [
            ("standardscaler", StandardScaler()),
            (config.model_type, kind.estimator()(**given, class_weight=_of_class(weights, clips.labels))),
        ]
        pipeline = Pipeline(steps).fit(clips.prepared(chosen), clips.labels)
        if chosen.speaker_normalisation:
            pipeline = Pipeline([("population", clips.population()), *pipeline.steps])
        return kind(chosen, pipeline)

    chosen.temperature = 1.0
    machine = fitted(train)
    if calibrate:
        chosen.temperature = _temperature(machine, validation)
    scores = machine(torch.from_numpy(validation.features), validation.speakers)["logits"].softmax(dim=-1).numpy()
    return fitted(train + validation), log, scores


def _of_class(weights: NDArray[np.float64] | None, labels: Labels) -> dict[int, float] | None:
    """Weights of the classes among the labels."""
    return None if weights is None else {int(label): float(weights[label]) for label in np.unique(labels)}


def _candidates(config: BaselineConfig) -> list[dict[str, float]]:
    """Every combination of what the settings leave open."""
    given = {name: getattr(config, name) for name in config.grids}
    axes = [config.grids[name] if value == AUTO else (float(value),) for name, value in given.items()]
    return [dict(zip(given, values, strict=True)) for values in itertools.product(*axes)]


def _inner_uars(
    kind: type[Baseline],
    features: Features,
    train: Clips,
    tried: Sequence[dict[str, float]],
    weights: NDArray[np.float64] | None,
) -> tuple[list[float], int]:
    """Mean UAR of every candidate over the inner folds, and their number."""
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.preprocessing import StandardScaler

    groups, names = np.asarray(train.groups, dtype=str), " and ".join(tried[0])
    number = min(INNER_FOLDS, len(np.unique(groups)))
    if number < 2:
        raise SerHfError(
            f"inner folds choose {names}, and the training split has one speaker or recording; give {names} a number"
        )
    if number < INNER_FOLDS:
        logger.warning("%s: chosen over %d inner folds: there are no more speakers or recordings", names, number)
    found, used = np.zeros(len(tried)), 0
    folds = StratifiedGroupKFold(number, shuffle=True, random_state=0)
    for fitted, held in folds.split(features, train.labels, groups):
        held, labels = held[train.originals[held]], train.labels[fitted]
        if not len(held) or len(np.unique(labels)) < 2:
            continue
        used += 1
        scaler = StandardScaler().fit(features[fitted])
        sides = scaler.transform(features[fitted]), labels, scaler.transform(features[held])
        said = kind.predictions(tried, *sides, _of_class(weights, labels))
        found += [balanced_accuracy_score(train.labels[held], one) for one in said]
    if not used:
        raise SerHfError(f"no inner fold has two classes to learn from; give {names} a number")
    return [float(uar) / used for uar in found], used


def _temperature(machine: Baseline, validation: Clips) -> float:
    """What decision values are divided by, so that their softmax makes the labels of originals most likely."""
    logits = machine(torch.from_numpy(validation.features), validation.speakers)["logits"].numpy()
    return fit_temperature(logits[validation.originals], validation.labels[validation.originals])
