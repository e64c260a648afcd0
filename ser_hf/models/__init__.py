"""What travels with a checkpoint: configurations, models and the feature extractor.

Importing this package registers them with transformers' ``AutoConfig``, ``AutoModelForAudioClassification`` and
``AutoFeatureExtractor``. The files import no other part of ser_hf: ``save_pretrained`` copies them beside the weights,
and ``trust_remote_code=True`` loads them where ser_hf is not installed.
"""

from __future__ import annotations

import dataclasses
import difflib
import inspect
from collections.abc import Iterable
from typing import Any

from transformers import (
    AutoConfig,
    AutoFeatureExtractor,
    AutoModelForAudioClassification,
    PreTrainedConfig,
)

from .classification import SpectrogramClassifier, SpectrogramConfig, ccc_loss
from .cnn_blstm_attention import CnnBlstmAttentionConfig, CnnBlstmAttentionForAudioClassification
from .embedding_mlp import EmbeddingMlpConfig, EmbeddingMlpForAudioClassification
from .feature_extraction import SerFeatureExtractor
from .pooling import POOLINGS, even, moments
from .timm_cnn import TimmCnnConfig, TimmCnnForAudioClassification
from .whisper_input import WhisperSerFeatureExtractor
from .whisper_ser import WhisperSerConfig, WhisperSerForAudioClassification, encode

__all__ = [
    "MODELS",
    "POOLINGS",
    "CnnBlstmAttentionConfig",
    "CnnBlstmAttentionForAudioClassification",
    "EmbeddingMlpConfig",
    "EmbeddingMlpForAudioClassification",
    "SerFeatureExtractor",
    "SpectrogramClassifier",
    "SpectrogramConfig",
    "TimmCnnConfig",
    "TimmCnnForAudioClassification",
    "WhisperSerConfig",
    "WhisperSerFeatureExtractor",
    "WhisperSerForAudioClassification",
    "build_config",
    "build_extractor",
    "build_model",
    "ccc_loss",
    "encode",
    "even",
    "moments",
]

MODELS: dict[str, tuple[type[PreTrainedConfig], type[SpectrogramClassifier]]] = {
    "cnn_blstm_attention": (CnnBlstmAttentionConfig, CnnBlstmAttentionForAudioClassification),
    "embedding_mlp": (EmbeddingMlpConfig, EmbeddingMlpForAudioClassification),
    "timm_cnn": (TimmCnnConfig, TimmCnnForAudioClassification),
}
"""Model type -> (configuration class, model class)."""

_LABEL_SETTINGS = ("num_labels", "id2label", "label2id")
_TARGET_SETTINGS = ("targets", "target_mean", "target_std", "target_weight")


def _unknown(kind: str, name: str, known: Iterable[str]) -> ValueError:
    names = sorted(known)
    near = difflib.get_close_matches(name.lower(), names, n=2, cutoff=0.6)
    hint = f"; did you mean {' or '.join(repr(n) for n in near)}?" if near else "."
    return ValueError(f"unknown {kind} {name!r}{hint} Known: {', '.join(names)}")


def build_config(name: str, **settings: Any) -> PreTrainedConfig:
    """The configuration of a model.

    Args:
        name: one of `MODELS`.
        settings: settings of its configuration class, and ``num_labels``, or ``id2label`` with ``label2id``.

    Raises:
        ValueError: unknown model or setting (with the nearest names), or a setting out of its range.

    >>> build_config("timm_cnn", backbone="resnet18", num_labels=8).backbone
    'resnet18'
    >>> build_config("timm_cnn", drop_rat=0.1)
    Traceback (most recent call last):
    ValueError: unknown setting of model 'timm_cnn' 'drop_rat'; did you mean 'drop_rate'? Known: backbone, ...
    """
    if name not in MODELS:
        raise _unknown("model", name, MODELS)
    config_class = MODELS[name][0]
    known = model_settings(name) + list(_LABEL_SETTINGS) + list(_TARGET_SETTINGS)
    for key in settings:
        if key not in known:
            raise _unknown(f"setting of model {name!r}", key, known)
    return config_class(**settings)


def model_settings(name: str) -> list[str]:
    """Names of the settings of the model called ``name``, without those every transformers configuration has."""
    common = {field.name for field in dataclasses.fields(SpectrogramConfig)}
    return [field.name for field in dataclasses.fields(MODELS[name][0]) if field.name not in common]


def build_model(config: PreTrainedConfig) -> SpectrogramClassifier:
    """A model with random weights for a configuration of `build_config`."""
    model: SpectrogramClassifier = AutoModelForAudioClassification.from_config(config)  # type: ignore[no-untyped-call]
    return model


def build_extractor(**settings: Any) -> SerFeatureExtractor:
    """The feature extractor for ``settings``.

    Raises:
        ValueError: unknown setting (with the nearest names), or a setting out of its range.
    """
    known = [name for name in inspect.signature(SerFeatureExtractor).parameters if name != "kwargs"]
    for key in settings:
        if key not in known:
            raise _unknown("feature setting", key, known)
    return SerFeatureExtractor(**settings)


def _register() -> None:
    ours: list[tuple[Any, Any, Any]] = [(*classes, SerFeatureExtractor) for classes in MODELS.values()]
    ours.append((WhisperSerConfig, WhisperSerForAudioClassification, WhisperSerFeatureExtractor))
    for config_class, model_class, extractor_class in ours:
        AutoConfig.register(config_class.model_type, config_class, exist_ok=True)
        AutoModelForAudioClassification.register(config_class, model_class, exist_ok=True)
        AutoFeatureExtractor.register(config_class, extractor_class, exist_ok=True)  # type: ignore[no-untyped-call]
        config_class.register_for_auto_class()
        model_class.register_for_auto_class("AutoModelForAudioClassification")
        extractor_class.register_for_auto_class("AutoFeatureExtractor")


_register()
