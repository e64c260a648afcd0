"""Features computed over a dataset, and the rows a model is trained on."""

from .add_features import add_features
from .feature_rows import FeatureRows
from .live_rows import LiveFeatureRows
from .recording_rows import RecordingRows
from .rows import inputs_of, prepared, scoring_rows
from .statistics import FeatureStatistics, feature_statistics
from .waveform_rows import WaveformRows

__all__ = [
    "FeatureRows",
    "FeatureStatistics",
    "LiveFeatureRows",
    "RecordingRows",
    "WaveformRows",
    "add_features",
    "feature_statistics",
    "inputs_of",
    "prepared",
    "scoring_rows",
]
