"""Weights instead of other clips: of the classes in the loss, or of the clips in the drawing of batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from ser_hf.base.errors import SerHfError, unknown

KINDS = ("balanced", "sqrt")


def class_weights(labels: Sequence[int] | np.ndarray, n_classes: int, kind: str = "balanced") -> np.ndarray:
    """Weights of the classes in the loss, float64 ``(n_classes,)``; their mean over the clips is 1.

    Args:
        labels: class ids ``(n,)``.
        n_classes: of the label scheme; a class without clips has the weight 0.
        kind: ``"balanced"`` is inverse to a class's number of clips, ``"sqrt"`` to the root of it, which is milder.

    >>> class_weights([0, 0, 0, 1], 3)
    array([0.66666667, 2.        , 0.        ])

    Raises:
        SerHfError: an unknown kind.
    """
    if kind not in KINDS:
        raise SerHfError(unknown("kind of class weights", kind, KINDS))
    counts = np.bincount(np.asarray(labels, dtype=np.int64), minlength=n_classes)
    power = 1.0 if kind == "balanced" else 0.5
    weights = np.where(counts > 0, 1 / np.maximum(counts, 1) ** power, 0.0)
    return cast("np.ndarray", weights * counts.sum() / max((weights * counts).sum(), 1e-12))


def sample_weights(labels: Sequence[int] | np.ndarray, n_classes: int, kind: str = "balanced") -> np.ndarray:
    """Weights of the clips for a weighted sampler, float64 ``(n,)``; ``"balanced"`` draws all classes equally often.

    Args:
        labels: class ids ``(n,)``.
        n_classes: of the label scheme.
        kind: see `class_weights`.

    Raises:
        SerHfError: an unknown kind.
    """
    return class_weights(labels, n_classes, kind)[np.asarray(labels, dtype=np.int64)]
