"""What a score is: metrics, their bootstrap intervals, and the summary that goes into results.json."""

from __future__ import annotations

import importlib
from typing import Any

from .adaptation import evaluate_adaptation, mean_adaptation
from .bootstrap import Difference, clip_intervals, speaker_intervals, uar_difference
from .calibration import (
    brier_score,
    evaluate_calibration,
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    reliability,
    untempered,
)
from .comparison import holm, mcnemar
from .dimensions import DIMENSION_METRICS, ccc, evaluate_dimensions
from .groups import GROUPS, SLICES, evaluate_groups
from .metrics import METRICS, confusion_matrix, scores
from .predictions import write_predictions
from .selective import area_under_risk_coverage, evaluate_selective
from .soft import SOFT_METRICS, evaluate_votes
from .summary import evaluate_predictions
from .table import SOFT_TITLES, absent_classes, calibration_line, score_table

_MODULES = ("Calibration", "Confusion", "PerClass", "SerMetrics")

__all__ = [
    "DIMENSION_METRICS",
    "GROUPS",
    "METRICS",
    "SLICES",
    "SOFT_METRICS",
    "SOFT_TITLES",
    "Calibration",
    "Confusion",
    "Difference",
    "PerClass",
    "SerMetrics",
    "absent_classes",
    "area_under_risk_coverage",
    "brier_score",
    "calibration_line",
    "ccc",
    "clip_intervals",
    "confusion_matrix",
    "evaluate_adaptation",
    "evaluate_calibration",
    "evaluate_dimensions",
    "evaluate_groups",
    "evaluate_predictions",
    "evaluate_selective",
    "evaluate_votes",
    "expected_calibration_error",
    "fit_temperature",
    "holm",
    "mcnemar",
    "mean_adaptation",
    "negative_log_likelihood",
    "reliability",
    "score_table",
    "scores",
    "speaker_intervals",
    "uar_difference",
    "untempered",
    "write_predictions",
]


def __getattr__(name: str) -> Any:
    """The ``evaluate`` modules on first use: they bring ``evaluate``, which the other names do without."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(".ser_metrics", __name__), name)
