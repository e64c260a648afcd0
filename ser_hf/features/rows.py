"""The rows a model takes: features of ours, or recordings for the feature extractor that came with a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import datasets
from transformers import SequenceFeatureExtractor

from ser_hf.models import SerFeatureExtractor

from .adding import add_features
from .feature_rows import FeatureRows
from .waveform_rows import WaveformRows


def prepared(dataset: datasets.Dataset, extractor: SequenceFeatureExtractor, **options: Any) -> datasets.Dataset:
    """The dataset with the features of our extractor in place of its recordings; for another it stays as it is.

    Args:
        dataset: rows with ``audio``.
        extractor: of the model.
        options: of `add_features`.

    Raises:
        SerHfError: see `add_features`.
    """
    if isinstance(extractor, SerFeatureExtractor):
        return add_features(dataset, extractor, keep_audio=False, **options)
    return dataset


def scoring_rows(
    dataset: datasets.Dataset,
    extractor: SequenceFeatureExtractor,
    *,
    cache_bytes: int = 0,
    targets: Sequence[str] = (),
) -> FeatureRows | WaveformRows:
    """What a model is scored on, of a `prepared` dataset: nothing is augmented or cut.

    Args:
        dataset: rows with ``label``, and ``input_features`` or ``audio``.
        extractor: of the model.
        cache_bytes: memory for decoded recordings; see `RecordingRows`.
        targets: columns of ratings that the rows carry as well.

    Raises:
        SerHfError: a column is missing.
    """
    if isinstance(extractor, SerFeatureExtractor):
        return FeatureRows(dataset, training=False, targets=targets)
    return WaveformRows(dataset, extractor, training=False, cache_bytes=cache_bytes, targets=targets)
