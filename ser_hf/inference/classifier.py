"""``SerClassifier``: recordings in, emotion probabilities out, without FFmpeg."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from transformers import PreTrainedModel, SequenceFeatureExtractor

from ser_hf.audio import LONGEST, load
from ser_hf.base.errors import SerHfError
from ser_hf.baselines import Baseline
from ser_hf.features import inputs_of
from ser_hf.training import load_checkpoint, outputs

from .onnx_model import OnnxModel, load_onnx


class Heard(NamedTuple):
    """What a model says of a clip.

    Attributes:
        classes: name -> probability, the most probable first.
        dimensions: name -> rating on the scale of the training data; empty where the model rates nothing.
    """

    classes: dict[str, float]
    dimensions: dict[str, float]


class SerClassifier:
    """A checkpoint, or an ONNX file made of one, with its feature extractor.

    >>> classifier = SerClassifier.from_pretrained("runs/my-run")  # doctest: +SKIP
    >>> classifier(["clip.wav"])  # doctest: +SKIP
    [{'angry': 0.91, 'happy': 0.05, ...}]
    """

    def __init__(self, model: PreTrainedModel | OnnxModel | Baseline, extractor: SequenceFeatureExtractor) -> None:
        self.model = model
        self.extractor = extractor

    @property
    def one_speaker_a_call(self) -> bool:
        """Whether the clips of one call are compared with each other, so that they must be of one speaker."""
        return isinstance(self.model, Baseline) and self.model.one_speaker_a_call

    @classmethod
    def from_pretrained(cls, source: str | Path, device: str = "auto") -> SerClassifier:
        """Loads a run folder, a repository on the Hub, or an ``.onnx`` file of `export_onnx`, which runs on the CPU.

        Raises:
            CheckpointError: it cannot be loaded, or was not made by ser_hf.
        """
        if Path(source).suffix == ".onnx":
            return cls(*load_onnx(source))
        return cls(*load_checkpoint(source, device))

    def __call__(
        self,
        clips: Sequence[str | Path | bytes | np.ndarray],
        sampling_rate: int | None = None,
        batch_size: int = 32,
        max_duration: float = LONGEST,
    ) -> list[dict[str, float]]:
        """Classifies recordings: class name -> probability, the most probable first; see `listen`."""
        return [heard.classes for heard in self.listen(clips, sampling_rate, batch_size, max_duration)]

    def listen(
        self,
        clips: Sequence[str | Path | bytes | np.ndarray],
        sampling_rate: int | None = None,
        batch_size: int = 32,
        max_duration: float = LONGEST,
    ) -> list[Heard]:
        """Classifies recordings, and rates them where the model does.

        Args:
            clips: paths or bytes of audio files, or mono float arrays ``(n,)``.
            sampling_rate: of the arrays, in Hz; must be the extractor's.
            batch_size: clips held at a time.
            max_duration: seconds; a file that is longer is refused.

        Returns:
            What it says of every clip.

        Raises:
            AudioError: a file is not readable.
            ValueError: arrays at another sampling rate, or none given; or an array that is no mono clip.
        """
        rate = self.extractor.sampling_rate
        results: list[Heard] = []
        batch_size = max(1, len(clips)) if self.one_speaker_a_call else batch_size
        if sampling_rate is None and any(isinstance(clip, np.ndarray) for clip in clips):
            raise SerHfError(f"arrays need their sampling_rate; this model works at {rate} Hz")
        if sampling_rate not in (None, rate):
            raise SerHfError(f"the clips are at {sampling_rate} Hz and this model works at {rate} Hz; resample them")
        for start in range(0, len(clips), batch_size):
            batch = enumerate(clips[start : start + batch_size], start)
            waveforms = [
                (f"clip {i}", clip if isinstance(clip, np.ndarray) else load(clip, rate, max_duration=max_duration))
                for i, clip in batch
            ]
            found = outputs(self.model, inputs_of(waveforms, self.extractor))
            rated = [[]] * len(waveforms) if found.dimensions is None else found.dimensions.tolist()
            targets = [str(name) for name in getattr(self.model.config, "targets", ())]
            results += [
                Heard(self._named(shares), dict(zip(targets, ratings, strict=True)))
                for shares, ratings in zip(found.probabilities.tolist(), rated, strict=True)
            ]
        return results

    def _named(self, scores: list[float]) -> dict[str, float]:
        labels = {int(i): name for i, name in (self.model.config.id2label or {}).items()}
        return {labels[i]: scores[i] for i in sorted(range(len(scores)), key=lambda i: -scores[i])}
