"""What all baselines share: a scikit-learn classifier on standardised vectors, which is called as a network is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedConfig
from transformers.modeling_outputs import SequenceClassifierOutput

from ser_hf.base.atomic import write_bytes
from ser_hf.base.errors import SerHfError
from ser_hf.base.finite import check_outputs

from ._archive import steady
from .speakers import Features, Heard, check_features, normalise_speakers

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

Labels = NDArray[np.int64]

AUTO = "auto"
WEIGHTS = "model.skops"
CAVEAT = "speaker-normalised: uses unlabelled speech of the test speakers"
FEWEST = 8
"""Clips of one speaker that can be told apart from the speaker's own average, where no population is known."""


class BaselineConfig(PreTrainedConfig):
    """Configuration of a `Baseline`.

    Attributes:
        grids: setting -> candidates for ``"auto"``, which chooses by cross-validation inside the training split.
        C: how much an error on a training clip costs.
        speaker_normalisation: z-score every speaker's features by that speaker's own clips, without their labels. At
            a test this uses unlabelled speech of the test speakers.
        adaptation_prior: how many clips the population counts for in a speaker's mean and deviation, see
            `normalise_speakers`; with 0 a speaker is told by the own clips alone.
        temperature: what decision values are divided by before the softmax; fitted on the validation split.
    """

    grids: ClassVar[Mapping[str, tuple[float, ...]]] = {}

    C: float | int | str = AUTO
    speaker_normalisation: bool = False
    adaptation_prior: float | int = 0.0
    temperature: float = 1.0

    def __post_init__(self, **kwargs: Any) -> None:
        """Checks the settings.

        Raises:
            ValueError: a setting is out of its range.
        """
        super().__post_init__(**kwargs)  # type: ignore[no-untyped-call]
        if not isinstance(self.speaker_normalisation, bool):
            raise ValueError(f"speaker_normalisation is {self.speaker_normalisation!r}, expected true or false")
        for name in (*self.grids, "temperature"):
            value = getattr(self, name)
            if value == AUTO and name in self.grids:
                continue
            if isinstance(value, str | bool) or not 0 < value < float("inf"):
                raise ValueError(f"model setting {name} is {value!r}, expected a positive number or {AUTO!r}")
        prior = self.adaptation_prior
        if isinstance(prior, str | bool) or not 0 <= prior < float("inf"):
            raise ValueError(f"model setting adaptation_prior is {prior!r}, expected a number of clips, 0 or more")
        if prior and not self.speaker_normalisation:
            raise ValueError("adaptation_prior is for speaker_normalisation: true; leave it out")

    @classmethod
    def settings(cls) -> tuple[str, ...]:
        """What a recipe may set."""
        return (*cls.grids, "speaker_normalisation", "adaptation_prior")


class Baseline(ABC):
    """A classifier of scikit-learn on standardised vectors.

    The softmax of ``decision / temperature`` makes shares of its decision values; the class with the largest share is
    the one the machine decides for. Temperature: Guo et al., ICML 2017, doi 10.48550/arXiv.1706.04599.

    Args:
        config: its settings and class names.
        pipeline: a fitted `StandardScaler` and classifier; before them, for ``speaker_normalisation``, the population
            of the training speakers as a `StandardScaler`. As it stands the pipeline scores a speaker of whom nothing
            is known.
    """

    device = torch.device("cpu")
    library = "sklearn"
    kind = "a baseline of scikit-learn"
    title: ClassVar[str]
    """With its article."""

    def __init__(self, config: BaselineConfig, pipeline: Pipeline) -> None:
        self.config = config
        self.pipeline = pipeline

    @staticmethod
    @abstractmethod
    def estimator() -> Any:
        """The class of scikit-learn."""

    @staticmethod
    @abstractmethod
    def arguments(settings: Mapping[str, float], size: int) -> dict[str, Any]:
        """Its arguments, from the settings of ``config.grids`` and the number of features."""

    @abstractmethod
    def arrays(self) -> list[Any]:
        """What it learned, the scalers apart."""

    @abstractmethod
    def fits(self) -> dict[str, bool]:
        """Part -> whether its shape is that of a fitted classifier; scikit-learn takes them as they come.

        Raises:
            AttributeError: there is no such part, and other errors of arrays that are none.
        """

    @classmethod
    def predictions(
        cls,
        tried: Sequence[Mapping[str, float]],
        features: Features,
        labels: Labels,
        held: Features,
        class_weight: Mapping[int, float] | None,
    ) -> Iterator[Labels]:
        """What classifiers with these settings, fitted on features ``(N, D)``, say of others ``(M, D)``."""
        for settings in tried:
            machine = cls.estimator()(**cls.arguments(settings, features.shape[1]), class_weight=class_weight)
            yield machine.fit(features, labels).predict(held)

    @property
    def population(self) -> StandardScaler | None:
        """Mean and deviation of the training speakers; None where speakers are not normalised, or it is not kept."""
        return self.pipeline[0] if len(self.pipeline) == 3 else None

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
        """Writes config.json and model.skops, the same bytes for the same machine."""
        from skops.io import dumps

        self.config.save_pretrained(folder)
        write_bytes(Path(folder) / WEIGHTS, steady(dumps(self.pipeline)))

    def num_parameters(self) -> int:
        """How many numbers were learned, means and deviations among them."""
        scalers = [array for scaler in self.pipeline[:-1] for array in (scaler.mean_, scaler.scale_)]
        return sum(int(np.size(array)) for array in [*scalers, *self.arrays()])

    def __call__(
        self,
        input_features: torch.Tensor,
        speakers: Sequence[str | None] | None = None,
        heard: Heard | None = None,
    ) -> SequenceClassifierOutput:
        """Scores clips.

        Args:
            input_features: ``(B, feature_size, 1)``.
            speakers: of the clips ``(B,)``, for ``speaker_normalisation``; None: all are of one.
            heard: the clips ``(B,)`` that tell of their speakers; None: all.

        Returns:
            ``logits`` ``(B, C)`` float32, whose softmax is the share of every class.

        Raises:
            SerHfError: the features are of another size; a speaker is unknown, or too few clips are given of one.
            NotFiniteError: there is NaN or infinity among the features, or what becomes of them by the scalers.
        """
        features = input_features.detach().cpu().numpy().reshape(len(input_features), -1).astype(np.float64)
        if features.shape[1] != self.feature_size:
            raise SerHfError(
                f"expected {self.feature_size} features of every clip, found {features.shape[1]}; does the feature "
                "extractor belong to this model?"
            )
        logits = np.full((len(features), len(self.config.id2label or {})), -np.inf)
        with np.errstate(over="ignore"):  # whoever takes a share of it looks whether it is a number
            logits[:, self.pipeline.classes_] = self.decision(features, speakers, heard) / self.config.temperature
        return SequenceClassifierOutput(logits=torch.from_numpy(logits).float())

    def decision(
        self, features: Features, speakers: Sequence[str | None] | None = None, heard: Heard | None = None
    ) -> Features:
        """Decision values ``(N, C)``, of the classes that were trained on, of features ``(N, D)``; see ``__call__``."""
        check_features(features)
        with np.errstate(all="ignore"):
            if self.config.speaker_normalisation:
                features = self._normalised(features, speakers, heard)
            features = self.pipeline[-2].transform(features)
            check_outputs("standardised features", np.square(features).sum(axis=1))  # of which a kernel is made
        values: Features = self.pipeline[-1].decision_function(features)
        return values if values.ndim == 2 else np.stack([-values, values], axis=1)  # of two classes it gives one column

    def _normalised(self, features: Features, speakers: Sequence[str | None] | None, heard: Heard | None) -> Features:
        prior = float(self.config.adaptation_prior)
        if speakers is None and len(features) < FEWEST and not prior:
            raise SerHfError(
                f"this model compares a clip with others of its speaker: give {FEWEST} or more clips of one "
                f"speaker at once, found {len(features)}"
            )
        if self.population is not None:
            features = self.population.transform(features)
            check_outputs("standardised features", features)
        return normalise_speakers(features, ["one"] * len(features) if speakers is None else speakers, prior, heard)
