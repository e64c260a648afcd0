"""Features computed over a dataset, and the rows a model is trained on."""

from .add_features import add_features
from .feature_rows import FeatureRows

__all__ = ["FeatureRows", "add_features"]
