"""Rows of recordings for models that bring a feature extractor of their own."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import datasets
import numpy as np
from transformers import SequenceFeatureExtractor

from ser_hf.models import WhisperSerFeatureExtractor
from ser_hf.models.waveform import as_waveform
from ser_hf.records import DURATION

from .inputs import waveform_inputs
from .recording_rows import Augment, RecordingRows


class WaveformRows(RecordingRows):
    """What a stock feature extractor makes of each recording: ``input_values`` or ``input_features``, unpadded.

    Recordings are given as they are; in training, of longer ones every epoch hears another part. Scores are of whole
    recordings, so that they are those of a plain transformers pipeline.

    Args:
        dataset: rows with ``audio`` and ``label``.
        extractor: of the checkpoint.
        duration: seconds kept of a recording in training; None keeps all.
        augment: of `RecordingRows`.
        options: of `RecordingRows`.
    """

    extractor: SequenceFeatureExtractor

    def __init__(
        self,
        dataset: datasets.Dataset,
        extractor: SequenceFeatureExtractor,
        *,
        duration: float | None = None,
        augment: Augment | None = None,
        **options: Any,
    ) -> None:
        super().__init__(dataset, extractor, augment=_cropped(augment, duration), **options)
        self._durations = list(dataset[DURATION][:]) if DURATION in dataset.column_names else None

    def lengths(self) -> list[float]:
        """How long the recordings are beside each other: their durations, or what their extractor leaves of them."""
        trims = isinstance(self.extractor, WhisperSerFeatureExtractor) and self.extractor.trim_db is not None
        if self._durations is not None and not trims:
            return self._durations
        heard = getattr(self.extractor, "prepare_waveform", as_waveform)
        return [float(len(heard(self._decode(number)[1]))) for number in range(len(self))]

    def inputs(self, recordings: Iterator[tuple[str, np.ndarray]]) -> list[dict[str, np.ndarray]]:
        """Whatever the extractor gives, by name."""
        return [waveform_inputs(name, samples, self.extractor) for name, samples in recordings]

    def heard_by(self, extractor: SequenceFeatureExtractor) -> WaveformRows:
        """The same recordings for another feature extractor of the same sampling rate."""
        other = copy.copy(self)
        other.extractor = extractor
        return other


def _cropped(augment: Augment | None, duration: float | None) -> Augment | None:
    """The augmentation, and then a random part of ``duration`` seconds of what is longer."""
    if duration is None:
        return augment

    def change(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        samples = samples if augment is None else augment(samples, rate, rng)
        start = int(rng.integers(max(0, len(samples) - round(duration * rate)) + 1))
        return samples[start : start + round(duration * rate)]

    return change
