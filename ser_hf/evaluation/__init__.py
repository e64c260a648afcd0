"""What a score is: metrics, their bootstrap intervals, and the summary that goes into results.json."""

from __future__ import annotations

import importlib
from typing import Any

from .bootstrap import clip_intervals, speaker_intervals
from .metrics import METRICS, confusion_matrix, scores
from .predictions import write_predictions
from .summary import evaluate_predictions
from .table import absent_classes, score_table

__all__ = [
    "METRICS",
    "SerMetrics",
    "absent_classes",
    "clip_intervals",
    "confusion_matrix",
    "evaluate_predictions",
    "score_table",
    "scores",
    "speaker_intervals",
    "write_predictions",
]


def __getattr__(name: str) -> Any:
    """``SerMetrics`` on first use: it brings ``evaluate``, which the other names do without."""
    if name != "SerMetrics":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(".ser_metrics", __name__).SerMetrics
