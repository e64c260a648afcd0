"""Features computed over a dataset, and the rows a model is trained on."""

from .add_features import add_features
from .feature_rows import FeatureRows
from .live_rows import LiveFeatureRows

__all__ = ["FeatureRows", "LiveFeatureRows", "add_features"]
