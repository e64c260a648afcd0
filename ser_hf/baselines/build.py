"""The baselines by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from huggingface_hub.errors import StrictDataclassError

from ser_hf.base.errors import SerHfError, unknown

from .baseline import Baseline, BaselineConfig
from .logistic import Logistic, LogisticConfig
from .speakers import PRIOR
from .svm import Svm, SvmConfig

BASELINES: dict[str, tuple[type[BaselineConfig], type[Baseline]]] = {
    SvmConfig.model_type: (SvmConfig, Svm),
    LogisticConfig.model_type: (LogisticConfig, Logistic),
}
"""Model type -> (configuration class, model class)."""


def build_baseline(name: str, classes: Sequence[str], **settings: Any) -> BaselineConfig:
    """The configuration of a baseline.

    Args:
        name: one of `BASELINES`.
        classes: names; the position is the class id.
        settings: of the configuration; ``adaptation_prior`` is by default `PRIOR` for ``speaker_normalisation``.

    Raises:
        SerHfError: an unknown setting (with the nearest names), or one out of its range.
    """
    kind, _ = BASELINES[name]
    for key in settings:
        if key not in kind.settings():
            raise SerHfError(unknown(f"setting of model {name!r}", key, kind.settings()))
    if settings.get("speaker_normalisation") is True:
        settings = {"adaptation_prior": PRIOR, **settings}
    try:
        return kind(**settings, id2label=dict(enumerate(classes)), label2id={name: i for i, name in enumerate(classes)})
    except (TypeError, ValueError, StrictDataclassError) as error:
        raise SerHfError(f"model {name!r}: {' '.join(str(error).split())}") from error
