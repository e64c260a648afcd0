"""What a model takes of clips: its extractor's features, clip by clip."""

from __future__ import annotations

from typing import Any

import numpy as np
from transformers import SequenceFeatureExtractor

from ser_hf.base.errors import AudioError
from ser_hf.models import SerFeatureExtractor
from ser_hf.models.waveform import as_waveform
from ser_hf.records import INPUT_FEATURES

from ._finite import TOO_LOUD, check_finite, naming

_SHORTEST = 0.025
"""Seconds: one window of the wav2vec 2.0 convolutions (400 samples at 16 kHz) and of the AST filterbank."""


def waveform_inputs(name: str, samples: Any, extractor: SequenceFeatureExtractor) -> dict[str, np.ndarray]:
    """What a stock extractor makes of one clip by itself, as ``pipeline("audio-classification")`` asks it.

    Each clip alone: asked for several, the extractor of wav2vec 2.0 pads first and normalises then, over the padding.

    Args:
        name: for messages.
        samples: mono floating-point ``(n,)`` at the extractor's rate.
        extractor: of the checkpoint.

    Raises:
        AudioError: the clip is not mono, not floating-point, empty, not finite (nor what becomes of it), or too short.
    """
    rate = extractor.sampling_rate
    try:
        waveform = as_waveform(samples)
    except ValueError as error:
        raise AudioError(f"{name}: {error}") from error
    if len(waveform) < _SHORTEST * rate:
        raise AudioError(f"{name} lasts {1000 * len(waveform) / rate:.1f} ms; expected {1000 * _SHORTEST:.0f} or more")
    found = extractor(waveform, sampling_rate=rate, return_tensors="np")  # type: ignore[operator]
    inputs = {key: np.asarray(values[0]) for key, values in found.items()}
    for values in inputs.values():
        check_finite(values[None], [name], TOO_LOUD)
    return inputs


def inputs_of(clips: list[tuple[str, Any]], extractor: SequenceFeatureExtractor) -> list[dict[str, np.ndarray]]:
    """What the model of an extractor takes of clips, given as name and mono floating-point samples at its rate.

    Raises:
        ValueError: a clip cannot be used.
    """
    if isinstance(extractor, SerFeatureExtractor):
        names = [name for name, _ in clips]
        with naming(names):
            found = extractor([samples for _, samples in clips], sampling_rate=extractor.sampling_rate)
        features = found[INPUT_FEATURES]
        check_finite(np.asarray(features), names, TOO_LOUD)
        return [{INPUT_FEATURES: x} for x in np.asarray(features)]
    return [waveform_inputs(name, samples, extractor) for name, samples in clips]
