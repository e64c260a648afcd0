"""The scores as a local ``evaluate`` module: no code is fetched from the Hub."""

from __future__ import annotations

from typing import Any

import datasets
import evaluate

from .metrics import METRICS, Labels, scores


class SerMetrics(evaluate.Metric):  # type: ignore[misc]  # evaluate is published without types
    """Accuracy (WA), UAR, macro F1 and weighted F1 of predicted class ids.

    >>> metric = SerMetrics()
    >>> found = metric.compute(predictions=[0, 1, 1], references=[0, 0, 1], num_classes=2)
    >>> sorted(found)
    ['accuracy', 'macro_f1', 'uar', 'weighted_f1']
    >>> found["uar"]
    0.75
    """

    def _info(self) -> evaluate.MetricInfo:
        """What the module takes, for ``evaluate``."""
        return evaluate.MetricInfo(
            description=f"Scores of speech emotion recognition: {', '.join(METRICS)}.",
            citation="",
            inputs_description="predictions, references: class ids, one per clip; num_classes: classes of the scheme.",
            features=datasets.Features({"predictions": datasets.Value("int64"), "references": datasets.Value("int64")}),
        )

    def _compute(self, *, predictions: Labels, references: Labels, num_classes: int, **_: Any) -> dict[str, float]:
        """The scores; see ``ser_hf.evaluation.metrics.scores``."""
        return scores(references, predictions, num_classes)
