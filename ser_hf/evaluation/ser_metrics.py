"""The scores as local ``evaluate`` modules: no code is fetched from the Hub.

All take class ids and can be combined; `Calibration` takes probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import datasets
import evaluate
import numpy as np

from .calibration import N_BINS, brier_score, expected_calibration_error, negative_log_likelihood
from .confusions import top_confusions
from .metrics import METRICS, Labels, confusion_matrix, per_class_of, scores

_IDS = {"predictions": datasets.Value("int64"), "references": datasets.Value("int64")}


def _info(description: str, inputs: str, features: dict[str, Any]) -> evaluate.MetricInfo:
    return evaluate.MetricInfo(
        description=description, citation="", inputs_description=inputs, features=datasets.Features(features)
    )


class SerMetrics(evaluate.Metric):  # type: ignore[misc]  # evaluate is published without types
    """Accuracy (WA), UAR, macro F1 and weighted F1 of predicted class ids.

    >>> metric = SerMetrics()
    >>> found = metric.compute(predictions=[0, 1, 1], references=[0, 0, 1], num_classes=2)
    >>> sorted(found)
    ['accuracy', 'macro_f1', 'uar', 'weighted_f1']
    >>> found["uar"]
    0.75

    With others, whose results are put together:

    >>> both = evaluate.combine([SerMetrics(), PerClass()])
    >>> found = both.compute(predictions=[0, 1, 1], references=[0, 0, 1], num_classes=2)
    >>> found["uar"], found["recall"]
    (0.75, [0.5, 1.0])
    """

    def _info(self) -> evaluate.MetricInfo:
        """What the module takes, for ``evaluate``."""
        return _info(
            f"Scores of speech emotion recognition: {', '.join(METRICS)}.",
            "predictions, references: class ids, one per clip; num_classes: classes of the scheme.",
            _IDS,
        )

    def _compute(self, *, predictions: Labels, references: Labels, num_classes: int, **_: Any) -> dict[str, float]:
        """The scores; see ``ser_hf.evaluation.metrics.scores``."""
        return scores(references, predictions, num_classes)


class PerClass(evaluate.Metric):  # type: ignore[misc]
    """Precision, recall and F1 of every class, and its clips, in the order of the class ids.

    >>> PerClass().compute(predictions=[0, 1, 1], references=[0, 0, 1], num_classes=2)["precision"]
    [1.0, 0.5]
    """

    def _info(self) -> evaluate.MetricInfo:
        """What the module takes, for ``evaluate``."""
        return _info(
            "Precision, recall, F1 and number of clips of every class.",
            "predictions, references: class ids, one per clip; num_classes: classes of the scheme.",
            _IDS,
        )

    def _compute(self, *, predictions: Labels, references: Labels, num_classes: int, **_: Any) -> dict[str, Any]:
        confusion = confusion_matrix(references, predictions, num_classes)
        precision, recall, f1 = (values.tolist() for values in per_class_of(confusion))
        return {"precision": precision, "recall": recall, "f1": f1, "clips": confusion.sum(axis=1).tolist()}


class Confusion(evaluate.Metric):  # type: ignore[misc]
    """The confusion matrix, rows true, and the ten most frequent confusions.

    >>> found = Confusion().compute(predictions=[0, 1, 1], references=[0, 0, 1], classes=["angry", "sad"])
    >>> found["confusion"], found["top_confusions"][0]["predicted"]
    ([[1, 1], [0, 1]], 'sad')
    """

    def _info(self) -> evaluate.MetricInfo:
        """What the module takes, for ``evaluate``."""
        return _info(
            "Confusion matrix and most frequent confusions.",
            "predictions, references: class ids, one per clip; num_classes, or classes: their names.",
            _IDS,
        )

    def _compute(
        self,
        *,
        predictions: Labels,
        references: Labels,
        num_classes: int | None = None,
        classes: Sequence[str] = (),
        **_: Any,
    ) -> dict[str, Any]:
        names = [*classes] or [*map(str, range(num_classes or 1 + int(np.max([*references, *predictions]))))]
        confusion = confusion_matrix(references, predictions, len(names))
        return {"confusion": confusion.tolist(), "top_confusions": top_confusions(confusion, names)}


class Calibration(evaluate.Metric):  # type: ignore[misc]
    """Expected calibration error, Brier score and negative log-likelihood of probabilities.

    >>> metric = Calibration()
    >>> found = metric.compute(predictions=[[0.8, 0.2], [0.8, 0.2], [0.3, 0.7]], references=[0, 1, 1])
    >>> round(found["ece"], 3)
    0.3
    """

    def _info(self) -> evaluate.MetricInfo:
        """What the module takes, for ``evaluate``."""
        return _info(
            "Expected calibration error (ECE), Brier score, negative log-likelihood.",
            "predictions: probabilities of the classes, one row per clip; references: class ids; n_bins: of the ECE.",
            {"predictions": datasets.Sequence(datasets.Value("float64")), "references": datasets.Value("int64")},
        )

    def _compute(self, *, predictions: Any, references: Labels, n_bins: int = N_BINS, **_: Any) -> dict[str, float]:
        shares, true = np.asarray(predictions, np.float64), np.asarray(references)
        return {
            "ece": expected_calibration_error(shares, true, n_bins),
            "brier": brier_score(shares, true),
            "nll": negative_log_likelihood(shares, true),
        }
