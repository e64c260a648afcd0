"""Features computed over a dataset, and the rows a model is trained on.

Names are loaded on first use: what a model takes of one clip needs no dataset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ser_hf.base.lazy import lazily

if TYPE_CHECKING:
    from .adding import add_features
    from .feature_rows import FeatureRows
    from .inputs import inputs_of
    from .live_rows import LiveFeatureRows
    from .recording_rows import RecordingRows
    from .rows import prepared, scoring_rows
    from .statistics import FeatureStatistics, feature_statistics
    from .waveform_rows import WaveformRows

_HOMES = {
    "FeatureRows": "feature_rows",
    "FeatureStatistics": "statistics",
    "LiveFeatureRows": "live_rows",
    "RecordingRows": "recording_rows",
    "WaveformRows": "waveform_rows",
    "add_features": "adding",
    "feature_statistics": "statistics",
    "inputs_of": "inputs",
    "prepared": "rows",
    "scoring_rows": "rows",
}

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

__getattr__ = lazily(__name__, _HOMES)
