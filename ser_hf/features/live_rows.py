"""Rows whose features are computed as they are asked for, so that every epoch can hear other recordings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import datasets
import numpy as np

from ser_hf.models import SerFeatureExtractor
from ser_hf.records import INPUT_FEATURES

from ._compute import compute
from .recording_rows import RecordingRows


class LiveFeatureRows(RecordingRows):
    """Features computed from recordings on demand; the rows have the form of those of `FeatureRows`.

    Without an augmentation the features are those of `add_features` on the same device, within 1e-5 dB.

    Args:
        dataset: rows with ``audio`` and ``label``.
        extractor: what computes the features.
        device: where STFT and mel product run.
        options: of `RecordingRows`.

    Raises:
        AudioError: a clip cannot be used, when it is asked for.
        SerHfError: a column is missing, or the seed is negative.
    """

    extractor: SerFeatureExtractor

    def __init__(
        self, dataset: datasets.Dataset, extractor: SerFeatureExtractor, *, device: str = "cpu", **options: Any
    ) -> None:
        super().__init__(dataset, extractor, **options)
        self.device = device

    def inputs(self, recordings: Iterator[tuple[str, np.ndarray]]) -> list[dict[str, np.ndarray]]:
        """Features ``(n_mels, n_frames)`` of each recording."""
        return [{INPUT_FEATURES: features} for features in compute(recordings, self.extractor, self.device)]
