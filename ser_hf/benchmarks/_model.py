"""The model that is trained or asked."""

from __future__ import annotations

from ser_hf.base.errors import SerHfError
from ser_hf.labels import get_scheme
from ser_hf.models import SerFeatureExtractor, SpectrogramClassifier, build_config, build_model
from ser_hf.training import pairs

from ._measure import Settings

SCHEME = "8class"


def make_model(settings: Settings, extractor: SerFeatureExtractor) -> SpectrogramClassifier:
    """A model with random weights for the eight classes.

    Raises:
        SerHfError: the model or one of its settings is unknown or out of its range.
    """
    labels = dict(enumerate(get_scheme(SCHEME).classes))
    given = {"n_mels": extractor.n_mels, **pairs(settings.model_settings)}
    try:
        config = build_config(settings.model, **given, id2label=labels, label2id={c: i for i, c in labels.items()})
        return build_model(config)
    except ValueError as error:
        raise SerHfError(str(error)) from error
