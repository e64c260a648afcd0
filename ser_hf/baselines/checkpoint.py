"""A baseline on disk: config.json, preprocessor_config.json and model.skops, none of which can run code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from huggingface_hub.errors import StrictDataclassError
from transformers.utils.hub import cached_file

from ser_hf.base.errors import CheckpointError

from .extraction import FunctionalsExtractor
from .svm import WEIGHTS, Svm, SvmConfig

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

BASELINES: dict[str, tuple[type[SvmConfig], type[Svm]]] = {SvmConfig.model_type: (SvmConfig, Svm)}
"""Model type -> (configuration class, model class)."""

_TRUSTED: list[str] = []
"""Types beyond those that skops itself trusts: scikit-learn's, NumPy's and Python's plain ones are enough."""
_BROKEN = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, ImportError, BadZipFile)


def load_baseline(source: str | Path) -> tuple[Svm, FunctionalsExtractor]:
    """Loads what ``save_pretrained`` of machine and extractor wrote, from a run folder or a repository on the Hub.

    Raises:
        CheckpointError: a file is missing or damaged, model.skops holds anything but a scaler and a support vector
            machine, or the files do not belong together.
    """
    try:
        config = SvmConfig.from_pretrained(source)
        extractor = FunctionalsExtractor.from_pretrained(source)
        weights = cached_file(source, WEIGHTS)
    except (*_BROKEN, StrictDataclassError) as error:
        raise CheckpointError(f"{source} cannot be loaded: {' '.join(str(error).split())}") from error
    machine = Svm(config, _pipeline(str(source), Path(str(weights))))
    _check(str(source), machine, extractor)
    return machine, extractor


def _pipeline(source: str, weights: Path) -> Pipeline:
    """Reads model.skops, after a look at the types in it.

    Raises:
        CheckpointError: it is damaged, holds a type that is not trusted, or another object.
    """
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC
    from skops.io import get_untrusted_types, load

    try:
        strange = sorted(set(get_untrusted_types(file=weights)) - set(_TRUSTED))
        pipeline: Any = None if strange else load(weights, trusted=_TRUSTED)
    except _BROKEN as error:
        raise CheckpointError(f"{source}: {WEIGHTS} cannot be read: {' '.join(str(error).split())}") from error
    if strange:
        raise CheckpointError(f"{source}: {WEIGHTS} holds {', '.join(strange[:3])}, which is not trusted; not loaded")
    parts = [type(step) for _, step in pipeline.steps] if type(pipeline) is Pipeline else [type(pipeline)]
    if parts != [StandardScaler, SVC]:
        found = ", ".join(part.__name__ for part in parts)
        raise CheckpointError(f"{source}: {WEIGHTS} holds {found}; expected a StandardScaler and an SVC in a Pipeline")
    return pipeline


def _check(source: str, machine: Svm, extractor: FunctionalsExtractor) -> None:
    """Refuses parts that do not fit; libsvm reads its arrays without a look at their sizes."""
    scaler, svc = machine.pipeline[0], machine.pipeline[-1]
    labels, ids = machine.config.id2label or {}, machine.config.label2id or {}
    if {name: int(i) for i, name in labels.items()} != {name: int(i) for name, i in ids.items()}:
        raise CheckpointError(f"{source}: id2label and label2id in config.json contradict each other")
    try:
        size, classes = svc.shape_fit_[1], len(svc.classes_)
        vectors, pairs = len(svc.support_vectors_), classes * (classes - 1) // 2
        fits = {
            "kernel": svc.kernel == "rbf" and svc.break_ties is True and svc.decision_function_shape == "ovr",
            "scaler": scaler.mean_.shape == scaler.scale_.shape == (size,) and scaler.n_features_in_ == size,
            "support vectors": svc.support_vectors_.shape == (vectors, size) and len(svc.support_) == vectors,
            "weights": svc.dual_coef_.shape == svc._dual_coef_.shape == (classes - 1, vectors),
            "offsets": svc.intercept_.shape == svc._intercept_.shape == (pairs,),
            "counts": svc._n_support.shape == (classes,) and svc._n_support.sum() == vectors,
            "classes": set(svc.classes_.tolist()) <= set(labels) and (np.diff(svc.classes_) > 0).all(),
            "numbers": all(
                np.isfinite(array).all()
                for array in (scaler.mean_, scaler.scale_, svc.support_vectors_, svc._dual_coef_, svc._intercept_)
            ),
        }
    except (AttributeError, TypeError, IndexError, ValueError) as error:
        raise CheckpointError(f"{source}: {WEIGHTS} is not a fitted machine: {error}") from error
    wrong = [name for name, fit in fits.items() if not fit]
    if wrong:
        raise CheckpointError(f"{source}: {', '.join(wrong)} in {WEIGHTS} are not what they should be; train it again")
    if extractor.feature_size != size:
        raise CheckpointError(
            f"{source}: the feature extractor gives {extractor.feature_size} features and the model takes {size}; "
            "preprocessor_config.json is of another run"
        )
