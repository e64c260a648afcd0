"""Fits a support vector machine; what a recipe leaves open is chosen inside the training split."""

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

from .speakers import Features, normalise_speakers
from .svm import AUTO, Svm, SvmConfig

if TYPE_CHECKING:
    from sklearn.svm import SVC

Labels = NDArray[np.int64]

COSTS = (1.0, 3.0, 10.0, 30.0)
"""Candidates for ``C: auto``."""
WIDTHS = (0.125, 0.25, 0.5, 1.0, 2.0)
"""Candidates for ``gamma: auto``, times the number of features."""
INNER_FOLDS = 5

logger = logging.getLogger(__name__)

_TEMPERATURES = np.geomspace(0.02, 50, 200)


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

    def prepared(self, config: SvmConfig) -> Features:
        """The features as the machine gets them."""
        return normalise_speakers(self.features, self.speakers) if config.speaker_normalisation else self.features

    def __add__(self, other: Clips) -> Clips:
        features, labels = np.concatenate([self.features, other.features]), np.concatenate([self.labels, other.labels])
        copies = ~np.concatenate([self.originals, other.originals])
        return Clips(features, labels, [*self.speakers, *other.speakers], [*self.groups, *other.groups], copies)


def fit(
    config: SvmConfig, train: Clips, validation: Clips, weights: NDArray[np.float64] | None = None
) -> tuple[Svm, list[dict[str, float]], NDArray[np.float64]]:
    """Fits a machine: chosen on the training clips, then fitted on training and validation clips together.

    ``auto`` settings are those with the best mean UAR over five inner folds of the training clips, or as many as there
    are groups, stratified by class and split by group, and scored on clips that are no copies; among equals the first.
    The temperature is the one with the
    highest likelihood of the validation labels under a machine fitted on the training clips. With that nothing is left
    to be chosen on the validation clips, and the last machine learns from them as well. No other clip is seen.

    Args:
        config: settings and class names; it is not changed.
        train: at least two classes.
        validation: one clip or more.
        weights: of every class ``(C,)``, on the cost of an error; None for equal ones.

    Returns:
        The machine, whose configuration holds what was chosen; one entry of candidates and UAR for each that was
        tried; and the validation clips' scores ``(N, C)`` by the machine that had not seen them.

    Raises:
        SerHfError: there is but one class, one group and something to choose, or the speaker of a clip is unknown.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if len(np.unique(train.labels)) < 2:
        raise SerHfError("a support vector machine needs training clips of two classes or more")
    features, chosen, tried = train.prepared(config), copy.deepcopy(config), _candidates(config)
    log: list[dict[str, float]] = []
    if len(tried) > 1:
        uars, folds = _inner_uars(features, train, tried, weights)
        log = [
            {"C": cost, "gamma": width, "uar": uar, "folds": folds}
            for (cost, width), uar in zip(tried, uars, strict=True)
        ]
        best = max(log, key=lambda entry: entry["uar"])
        chosen.C, chosen.gamma = best["C"], best["gamma"]
    else:
        ((chosen.C, chosen.gamma),) = tried

    def fitted(clips: Clips) -> Svm:
        machine = _machine(float(chosen.C), "rbf", float(chosen.gamma) / features.shape[1], weights, clips.labels)
        return Svm(chosen, make_pipeline(StandardScaler(), machine).fit(clips.prepared(chosen), clips.labels))

    machine = fitted(train)
    chosen.temperature = _temperature(machine, validation)
    scores = machine(torch.from_numpy(validation.features), validation.speakers)["logits"].softmax(dim=-1).numpy()
    return fitted(train + validation), log, scores


def _machine(cost: float, kernel: str, gamma: float, weights: NDArray[np.float64] | None, labels: Labels) -> SVC:
    """A machine, not fitted; ``weights`` of the classes among the labels."""
    from sklearn.svm import SVC

    of_class = None if weights is None else {int(label): float(weights[label]) for label in np.unique(labels)}
    return SVC(C=cost, kernel=kernel, gamma=gamma, class_weight=of_class, break_ties=True, cache_size=500)


def _candidates(config: SvmConfig) -> list[tuple[float, float]]:
    costs = COSTS if config.C == AUTO else (float(config.C),)
    widths = WIDTHS if config.gamma == AUTO else (float(config.gamma),)
    return list(itertools.product(costs, widths))


def _inner_uars(
    features: Features, train: Clips, tried: Sequence[tuple[float, float]], weights: NDArray[np.float64] | None
) -> tuple[list[float], int]:
    """Mean UAR of every candidate over the inner folds, and their number; a fold's distances are computed once."""
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.metrics.pairwise import euclidean_distances
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.preprocessing import StandardScaler

    groups = np.asarray(train.groups, dtype=str)
    number = min(INNER_FOLDS, len(np.unique(groups)))
    if number < 2:
        raise SerHfError(
            "C and gamma are chosen over inner folds, and the training split has one speaker or recording; give both a "
            "number"
        )
    if number < INNER_FOLDS:
        logger.warning("C and gamma are chosen over %d inner folds: there are no more speakers or recordings", number)
    found, used = np.zeros(len(tried)), 0
    folds = StratifiedGroupKFold(number, shuffle=True, random_state=0)
    for fitted, held in folds.split(features, train.labels, groups):
        held = held[train.originals[held]]
        if not len(held) or len(np.unique(train.labels[fitted])) < 2:
            continue
        used += 1
        scaled = StandardScaler().fit(features[fitted]).transform(features)
        distances = euclidean_distances(scaled, scaled[fitted], squared=True) / features.shape[1]
        labels = train.labels[fitted]
        for i, (cost, width) in enumerate(tried):
            kernel = np.exp(-width * distances)
            machine = _machine(cost, "precomputed", 1.0, weights, labels).fit(kernel[fitted], labels)
            found[i] += balanced_accuracy_score(train.labels[held], machine.predict(kernel[held]))
    if not used:
        raise SerHfError("no inner fold has two classes to learn from; give C and gamma a number")
    return [float(uar) / used for uar in found], used


def _temperature(machine: Svm, validation: Clips) -> float:
    """What decision values are divided by, so that their softmax makes the labels most likely."""
    decision = machine.decision(validation.prepared(machine.config))
    known = np.isin(validation.labels, machine.pipeline.classes_)
    if not known.any():
        return 1.0
    decision, labels = decision[known], validation.labels[known]
    columns = np.searchsorted(machine.pipeline.classes_, labels)
    scaled = decision[None] / _TEMPERATURES[:, None, None]
    peaks = scaled.max(axis=2, keepdims=True)
    total = peaks[..., 0] + np.log(np.exp(scaled - peaks).sum(axis=2))
    loss = (total - scaled[:, np.arange(len(labels)), columns]).mean(axis=1)
    return float(_TEMPERATURES[loss.argmin()])
