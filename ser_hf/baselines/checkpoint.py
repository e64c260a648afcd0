"""A baseline on disk: config.json, preprocessor_config.json and model.skops, none of which can run code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from transformers import PreTrainedConfig
from transformers.utils.hub import cached_file

from ser_hf.base.errors import CheckpointError
from ser_hf.base.hub_failures import HUB_FAILURES, cause, one_line, reason
from ser_hf.models import SerFeatureExtractor

from .baseline import WEIGHTS, Baseline, BaselineConfig
from .build import BASELINES
from .extraction import FunctionalsExtractor

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

_TRUSTED: list[str] = []
"""Types beyond those that skops itself trusts: scikit-learn's, NumPy's and Python's plain ones are enough."""
_BROKEN = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, ImportError, BadZipFile)
_UNREAD: tuple[type[Exception], ...] = (*_BROKEN, *HUB_FAILURES)


EXTRACTORS: dict[str, Callable[[str | Path], SerFeatureExtractor]] = {
    FunctionalsExtractor.__name__: FunctionalsExtractor.from_pretrained
}
"""What saved a baseline's feature extractor -> what loads it; other packages of ser_hf add theirs."""


def load_baseline(source: str | Path) -> tuple[Baseline, SerFeatureExtractor]:
    """Loads what ``save_pretrained`` of machine and extractor wrote, from a run folder or a repository on the Hub.

    Raises:
        CheckpointError: a file is missing or damaged, model.skops holds anything but scalers and the classifier
            of its kind, or the files do not belong together.
    """
    try:
        named, _ = PreTrainedConfig.get_config_dict(source)
        kind, model = BASELINES[named["model_type"]]
        config = kind.from_pretrained(source)
        saved, _ = FunctionalsExtractor.get_feature_extractor_dict(source)
        extractor = EXTRACTORS[saved.get("feature_extractor_type", FunctionalsExtractor.__name__)](source)
        weights = cached_file(source, WEIGHTS)
    except CheckpointError:
        raise
    except _UNREAD as error:
        raise CheckpointError(f"{source} cannot be loaded: {reason(error, one_line(error))}") from cause(error)
    machine = model(config, _pipeline(str(source), Path(str(weights)), config, model))
    _check(str(source), machine, extractor)
    return machine, extractor


def _pipeline(source: str, weights: Path, config: BaselineConfig, model: type[Baseline]) -> Pipeline:
    """Reads model.skops, after a look at the types in it.

    Raises:
        CheckpointError: it is damaged, holds a type that is not trusted, or another object.
    """
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler
    from skops.io import get_untrusted_types, load

    try:
        strange = sorted(set(get_untrusted_types(file=weights)) - set(_TRUSTED))
        pipeline: Any = None if strange else load(weights, trusted=_TRUSTED)
    except _BROKEN as error:
        raise CheckpointError(f"{source}: {WEIGHTS} cannot be read: {' '.join(str(error).split())}") from error
    if strange:
        raise CheckpointError(f"{source}: {WEIGHTS} holds {', '.join(strange[:3])}, which is not trusted; not loaded")
    parts = [type(step) for _, step in pipeline.steps] if type(pipeline) is Pipeline else [type(pipeline)]
    wanted = [StandardScaler, model.estimator()]
    if config.adaptation_prior or (config.speaker_normalisation and len(parts) > len(wanted)):
        wanted = [StandardScaler, *wanted]  # the population's; runs of before have none
    if parts != wanted:
        found, expected = (", ".join(part.__name__ for part in some) for some in (parts, wanted))
        raise CheckpointError(f"{source}: {WEIGHTS} holds {found}; expected {expected} in a Pipeline")
    return pipeline


def _are_numbers(array: Any) -> bool:
    return np.asarray(array).dtype.kind == "f" and bool(np.isfinite(array).all())


def _check(source: str, machine: Baseline, extractor: SerFeatureExtractor) -> None:
    """Refuses parts that do not fit."""
    *scalers, classifier = machine.pipeline
    labels, ids = machine.config.id2label or {}, machine.config.label2id or {}
    if {name: int(i) for i, name in labels.items()} != {name: int(i) for name, i in ids.items()}:
        raise CheckpointError(f"{source}: id2label and label2id in config.json contradict each other")
    try:
        size, learned = classifier.n_features_in_, [array for one in scalers for array in (one.mean_, one.scale_)]
        fits = {
            "scaler": all(one.mean_.shape == one.scale_.shape == (one.n_features_in_,) == (size,) for one in scalers),
            **machine.fits(),
            "classes": set(classifier.classes_.tolist()) <= set(labels) and (np.diff(classifier.classes_) > 0).all(),
            "numbers": all(_are_numbers(array) for array in [*learned, *machine.arrays()]),
            "scale": all((one.scale_ > 0).all() for one in scalers),
        }
    except (AttributeError, TypeError, IndexError, ValueError) as error:
        raise CheckpointError(f"{source}: {WEIGHTS} is not a fitted machine: {error}") from error
    wrong = [name for name, fit in fits.items() if not fit]
    if wrong:
        raise CheckpointError(f"{source}: {', '.join(wrong)} in {WEIGHTS} are not what they should be; train it again")
    if (given := extractor.feature_size * extractor.n_frames) != size:
        raise CheckpointError(
            f"{source}: the feature extractor gives {given} features and the model takes {size}; "
            "preprocessor_config.json is of another run"
        )
