"""The scores of a classifier, all from its confusion matrix, so that one place defines each of them.

Accuracy is also called weighted accuracy (WA) in the field; UAR is the unweighted average recall. A class without
a clip in the references has no recall: UAR and macro F1 average over the classes that the references hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ser_hf.base.errors import SerHfError

METRICS = ("accuracy", "uar", "macro_f1", "weighted_f1")
"""Names of the scores, in the order in which they are shown."""

Labels: TypeAlias = Sequence[int] | npt.NDArray[Any]
Floats: TypeAlias = npt.NDArray[np.float64]


def confusion_matrix(references: Labels, predictions: Labels, num_classes: int) -> npt.NDArray[np.int64]:
    """Counts ``(num_classes, num_classes)``: rows are true classes, columns predicted ones.

    >>> confusion_matrix([0, 0, 1], [0, 1, 1], num_classes=2).tolist()
    [[1, 1], [0, 1]]

    Raises:
        SerHfError: there is no clip, the lengths differ, or an id is not in ``0..num_classes-1``.
    """
    true, predicted = _checked(references, predictions, num_classes)
    counts = np.bincount(true * num_classes + predicted, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes).astype(np.int64)


def scores(references: Labels, predictions: Labels, num_classes: int) -> dict[str, float]:
    """Accuracy, UAR, macro F1 and weighted F1.

    Args:
        references: true class ids.
        predictions: predicted class ids, in the same order.
        num_classes: number of classes of the scheme.

    >>> {name: round(value, 3) for name, value in scores([0, 0, 0, 1], [0, 0, 1, 1], num_classes=3).items()}
    {'accuracy': 0.75, 'uar': 0.833, 'macro_f1': 0.733, 'weighted_f1': 0.767}

    Raises:
        SerHfError: see ``confusion_matrix``.
    """
    confusion = confusion_matrix(references, predictions, num_classes)
    return {name: float(value) for name, value in scores_of(confusion).items()}


def scores_of(confusion: npt.NDArray[Any]) -> dict[str, Floats]:
    """The scores of many confusion matrices ``(..., classes, classes)`` at once, each ``(...)``; all hold a clip."""
    hits, true, _ = _margins(confusion)
    _, recall, f1 = per_class_of(confusion)
    held = true > 0
    classes = held.sum(axis=-1)
    total = true.sum(axis=-1)
    return {
        "accuracy": hits.sum(axis=-1) / total,
        "uar": np.where(held, recall, 0.0).sum(axis=-1) / classes,
        "macro_f1": np.where(held, f1, 0.0).sum(axis=-1) / classes,
        "weighted_f1": (f1 * true).sum(axis=-1) / total,
    }


def per_class_of(confusion: npt.NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1 of every class, each ``(..., classes)``; 0 where there is nothing to divide by."""
    hits, true, predicted = _margins(confusion)
    return _ratio(hits, predicted), _ratio(hits, true), _ratio(2 * hits, true + predicted)


def _margins(confusion: npt.NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    """Clips that were right, that are of the class, that were taken for it; each ``(..., classes)``."""
    counts = np.asarray(confusion, dtype=np.float64)
    return np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(axis=-1), counts.sum(axis=-2)


def _ratio(above: Floats, below: Floats) -> Floats:
    return above / np.where(below > 0, below, 1.0)


def _checked(
    references: Labels, predictions: Labels, num_classes: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Both as arrays ``(clips,)`` of class ids."""
    true, predicted = np.asarray(references), np.asarray(predictions)
    if true.ndim != 1 or true.shape != predicted.shape:
        raise SerHfError(
            f"references and predictions must be one class id per clip: found shapes {true.shape} and {predicted.shape}"
        )
    if not len(true):
        raise SerHfError("there is no clip to score: the references are empty")
    for name, ids in (("references", true), ("predictions", predicted)):
        if not np.issubdtype(ids.dtype, np.integer):
            raise SerHfError(f"{name} must be integer class ids; found {ids.dtype} (take the argmax of the logits)")
        if ids.min() < 0 or ids.max() >= num_classes:
            raise SerHfError(f"{name} must be in 0..{num_classes - 1}; found {ids.min()}..{ids.max()}")
    return true.astype(np.int64), predicted.astype(np.int64)
