"""Features computed over a dataset, and the rows a model is trained on."""

from .add_features import add_features
from .feature_rows import FeatureRows
from .live_rows import LiveFeatureRows
from .statistics import FeatureStatistics, feature_statistics

__all__ = [
    "FeatureRows",
    "FeatureStatistics",
    "LiveFeatureRows",
    "add_features",
    "feature_statistics",
]
