"""``SerClassifier``: recordings in, emotion probabilities out, without FFmpeg."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from transformers import SequenceFeatureExtractor

from ser_hf.base.errors import CheckpointError, SerHfError
from ser_hf.embeddings import EmbeddingExtractor
from ser_hf.features import inputs_of
from ser_hf.records import INPUT_FEATURES
from ser_hf.training import Ensemble, Model, class_names, load_checkpoint, outputs, outputs_and_hidden

from .default_model import Terms, default_folder, default_terms, tell
from .listener import Listener, Scores


class SerClassifier(Listener):
    """A checkpoint with its feature extractor.

    >>> classifier = SerClassifier.from_pretrained("runs/my-run")  # doctest: +SKIP
    >>> classifier("clip.wav")  # doctest: +SKIP
    {'angry': 0.91, 'happy': 0.05, ...}

    Attributes:
        model: in evaluation mode.
        extractor: its features.
        terms: licence and score, of the model that comes with the package; None of others, whose card says it.
    """

    def __init__(self, model: Model, extractor: SequenceFeatureExtractor, terms: Terms | None = None) -> None:
        self.model = model
        self.extractor = extractor
        self.terms = terms
        self.labels = tuple(class_names(model.config))
        self.targets = tuple(str(name) for name in getattr(model.config, "targets", ()))
        self.sampling_rate = int(extractor.sampling_rate)
        self.window = window_of(extractor)
        self.one_speaker_a_call = bool(getattr(model, "one_speaker_a_call", False))

    @classmethod
    def from_pretrained(cls, source: str | Path, device: str = "auto") -> SerClassifier:
        """Loads a run folder or a repository on the Hub; of an ``.onnx`` file see `ser_hf.inference.open_model`.

        Raises:
            CheckpointError: it cannot be loaded, or was not made by ser_hf.
        """
        if Path(source).suffix == ".onnx":
            raise CheckpointError(f"{source} is an ONNX file: open it by ser_hf.inference.open_model, without PyTorch")
        return cls(*load_checkpoint(source, device))

    @classmethod
    def default(cls, device: str = "auto") -> SerClassifier:
        """The small model that comes with the package: no training, no network.

        It is under the licence of the recordings it was trained on, which ``terms`` and a warning of the log say, once
        in a process.

        Raises:
            CheckpointError: this install has none, or it cannot be loaded.

        >>> SerClassifier.default().terms.notice  # doctest: +SKIP
        'default model: trained on RAVDESS, CC BY-NC-SA 4.0, not for commercial use; UAR ...'
        """
        terms = default_terms()
        tell(terms.notice)
        return cls(*load_checkpoint(default_folder(), device), terms)

    def score(self, waveforms: Sequence[np.ndarray]) -> Scores:
        """See `Listener.score`."""
        clips = [(f"clip {i}", samples) for i, samples in enumerate(waveforms)]
        found = outputs(self.model, inputs_of(clips, self.extractor))
        return Scores(found.probabilities, found.dimensions)

    def score_and_embed(self, waveforms: Sequence[np.ndarray]) -> tuple[Scores, np.ndarray]:
        """See `Listener.score_and_embed`; of a probe the vectors of its encoder, layer after layer."""
        if (reason := self.no_embeddings()) is not None:
            raise SerHfError(reason)
        inputs = inputs_of([(f"clip {i}", samples) for i, samples in enumerate(waveforms)], self.extractor)
        if isinstance(self.extractor, EmbeddingExtractor):
            found = outputs(self.model, inputs)
            vectors = np.stack([row[INPUT_FEATURES].reshape(-1) for row in inputs])
        else:
            found, vectors = outputs_and_hidden(self.model, inputs)
        return Scores(found.probabilities, found.dimensions), vectors.astype(np.float32, copy=False)

    def no_embeddings(self) -> str | None:
        """See `Listener.no_embeddings`."""
        if isinstance(self.extractor, EmbeddingExtractor):
            return None
        if hasattr(self.model, "classifier") and not isinstance(self.model, Ensemble):
            return None
        return (
            f"a model of the kind {self.model.config.model_type} has no embeddings: a network has, and a probe's "
            "encoder; `ser-hf embed` gives those of a published checkpoint"
        )


def window_of(extractor: SequenceFeatureExtractor) -> float:
    """Seconds of a recording that an extractor leaves of a long one; infinite where it keeps all."""
    members = getattr(extractor, "extractors", None)
    if members is not None:
        return min(window_of(member) for member in members)
    samples = getattr(extractor, "n_samples", None)
    return math.inf if samples is None else float(samples / extractor.sampling_rate)
