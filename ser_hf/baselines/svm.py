"""A support vector machine with a radial kernel, which is called as a network is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import PreTrainedConfig
from transformers.modeling_outputs import SequenceClassifierOutput

from ser_hf.base.atomic import write_bytes
from ser_hf.base.errors import SerHfError, unknown

from .speakers import Features, normalise_speakers

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

SETTINGS = ("C", "gamma", "speaker_normalisation")
"""What a recipe may set."""
AUTO = "auto"
WEIGHTS = "model.skops"
CAVEAT = "speaker-normalised: uses unlabelled speech of the test speakers"
FEWEST = 8
"""Clips of one speaker that can be told apart from the speaker's own average."""


class SvmConfig(PreTrainedConfig):
    """Configuration of `Svm`.

    Attributes:
        C: how much an error on a training clip costs; ``"auto"`` chooses it by cross-validation inside the training
            split.
        gamma: width of the kernel, times the number of features; ``"auto"`` chooses it in the same way.
        speaker_normalisation: z-score every speaker's features by that speaker's own clips, without their labels. At
            a test this uses unlabelled speech of the test speakers.
        temperature: what decision values are divided by before the softmax; fitted on the validation split.
    """

    model_type = "svm"

    C: float | int | str = AUTO
    gamma: float | int | str = AUTO
    speaker_normalisation: bool = False
    temperature: float = 1.0

    def __post_init__(self, **kwargs: Any) -> None:
        """Checks the settings.

        Raises:
            ValueError: C, gamma or temperature is neither a positive number nor ``"auto"``.
        """
        super().__post_init__(**kwargs)  # type: ignore[no-untyped-call]
        if not isinstance(self.speaker_normalisation, bool):
            raise ValueError(f"speaker_normalisation is {self.speaker_normalisation!r}, expected true or false")
        for name in ("C", "gamma", "temperature"):
            value = getattr(self, name)
            if isinstance(value, str) and name != "temperature" and value == AUTO:
                continue
            if isinstance(value, str | bool) or not 0 < value < float("inf"):
                raise ValueError(f"model setting {name} is {value!r}, expected a positive number or {AUTO!r}")


class Svm:
    """Support vector machine with a radial kernel on standardised functionals, by scikit-learn (Cortes & Vapnik 1995).

    Every pair of classes has a machine, and a class' decision value is its votes, then its margins (scikit-learn's
    ``decision_function_shape="ovr"``). The softmax of ``decision / temperature`` makes shares of them; the class with
    the largest share is the one the machine decides for. Cortes and Vapnik, Machine Learning 1995,
    doi 10.1007/BF00994018; temperature: Guo et al., ICML 2017, doi 10.48550/arXiv.1706.04599.

    Args:
        config: its settings and class names.
        pipeline: a fitted `StandardScaler` and `SVC`.
    """

    device = torch.device("cpu")
    library = "sklearn"
    kind = "a baseline of scikit-learn"

    def __init__(self, config: SvmConfig, pipeline: Pipeline) -> None:
        self.config = config
        self.pipeline = pipeline

    @property
    def caveat(self) -> str | None:
        """What stands beside every score of this machine."""
        return CAVEAT if self.config.speaker_normalisation else None

    @property
    def one_speaker_a_call(self) -> bool:
        """Whether the clips of one call must be of one speaker."""
        return self.config.speaker_normalisation

    @property
    def feature_size(self) -> int:
        """Features of a clip."""
        return int(self.pipeline.n_features_in_)

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes config.json and model.skops."""
        from skops.io import dumps

        self.config.save_pretrained(folder)
        write_bytes(Path(folder) / WEIGHTS, dumps(self.pipeline))

    def num_parameters(self) -> int:
        """How many numbers were learned: means and deviations, support vectors, their weights, offsets."""
        scaler, svc = self.pipeline[0], self.pipeline[-1]
        arrays = (scaler.mean_, scaler.scale_, svc.support_vectors_, svc.dual_coef_, svc.intercept_)
        return sum(int(np.size(array)) for array in arrays)

    def __call__(
        self, input_features: torch.Tensor, speakers: Sequence[str | None] | None = None
    ) -> SequenceClassifierOutput:
        """Scores clips.

        Args:
            input_features: ``(B, feature_size, 1)``.
            speakers: of the clips ``(B,)``, for ``speaker_normalisation``; None: all are of one.

        Returns:
            ``logits`` ``(B, C)`` float32, whose softmax is the share of every class.

        Raises:
            SerHfError: the features are of another size; a speaker is unknown, or too few clips are given of one.
        """
        features = input_features.detach().cpu().numpy().reshape(len(input_features), -1).astype(np.float64)
        if features.shape[1] != self.feature_size:
            raise SerHfError(
                f"expected {self.feature_size} features of every clip, found {features.shape[1]}; does the feature "
                "extractor belong to this model?"
            )
        if self.config.speaker_normalisation:
            if speakers is None and len(features) < FEWEST:
                raise SerHfError(
                    f"this model compares a clip with others of its speaker: give {FEWEST} or more clips of one "
                    f"speaker at once, found {len(features)}"
                )
            features = normalise_speakers(features, ["one"] * len(features) if speakers is None else speakers)
        logits = np.full((len(features), len(self.config.id2label or {})), -np.inf)
        logits[:, self.pipeline.classes_] = self.decision(features) / self.config.temperature
        return SequenceClassifierOutput(logits=torch.from_numpy(logits).float())

    def decision(self, features: Features) -> Features:
        """Decision values ``(N, C)``, of the classes that were trained on, of features ``(N, D)``."""
        values: Features = self.pipeline.decision_function(features)
        return values if values.ndim == 2 else np.stack([-values, values], axis=1)  # of two classes it gives one column


def build_baseline(name: str, classes: Sequence[str], **settings: Any) -> SvmConfig:
    """The configuration of a baseline.

    Args:
        name: ``"svm"``.
        classes: names; the position is the class id.
        settings: of `SETTINGS`.

    Raises:
        SerHfError: an unknown setting (with the nearest names), or one out of its range.
    """
    for key in settings:
        if key not in SETTINGS:
            raise SerHfError(unknown(f"setting of model {name!r}", key, SETTINGS))
    try:
        return SvmConfig(
            **settings, id2label=dict(enumerate(classes)), label2id={name: i for i, name in enumerate(classes)}
        )
    except (TypeError, ValueError, StrictDataclassError) as error:
        raise SerHfError(f"model {name!r}: {' '.join(str(error).split())}") from error
