"""``SerClassifier``: recordings in, emotion probabilities out, without FFmpeg."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel

from ser_hf.audio import load
from ser_hf.baselines import Svm
from ser_hf.errors import SerHfError
from ser_hf.models import SerFeatureExtractor
from ser_hf.training import load_checkpoint

from .onnx_model import OnnxModel, load_onnx


class SerClassifier:
    """A checkpoint, or an ONNX file made of one, with its feature extractor.

    >>> classifier = SerClassifier.from_pretrained("runs/my-run")  # doctest: +SKIP
    >>> classifier(["clip.wav"])  # doctest: +SKIP
    [{'angry': 0.91, 'happy': 0.05, ...}]
    """

    def __init__(self, model: PreTrainedModel | OnnxModel | Svm, extractor: SerFeatureExtractor) -> None:
        self.model = model
        self.extractor = extractor

    @property
    def one_speaker_a_call(self) -> bool:
        """Whether the clips of one call are compared with each other, so that they must be of one speaker."""
        return isinstance(self.model, Svm) and self.model.one_speaker_a_call

    @classmethod
    def from_pretrained(cls, source: str | Path, device: str = "auto") -> SerClassifier:
        """Loads a run folder, a repository on the Hub, or an ``.onnx`` file of `export_onnx`, which runs on the CPU.

        Raises:
            CheckpointError: it cannot be loaded, or was not made by ser_hf.
        """
        if Path(source).suffix == ".onnx":
            return cls(*load_onnx(source))
        return cls(*load_checkpoint(source, device))

    @torch.inference_mode()
    def __call__(
        self, clips: Sequence[str | Path | bytes | np.ndarray], sampling_rate: int | None = None, batch_size: int = 32
    ) -> list[dict[str, float]]:
        """Classifies recordings.

        Args:
            clips: paths or bytes of audio files, or mono float arrays ``(n,)``.
            sampling_rate: of the arrays, in Hz; must be the extractor's.
            batch_size: clips per forward pass.

        Returns:
            Per clip: class name -> probability, the most probable first.

        Raises:
            AudioError: a file is not readable.
            ValueError: arrays at another sampling rate, or none given.
        """
        rate, results = self.extractor.sampling_rate, []
        batch_size = max(1, len(clips)) if self.one_speaker_a_call else batch_size
        if sampling_rate is None and any(isinstance(clip, np.ndarray) for clip in clips):
            raise SerHfError(f"arrays need their sampling_rate; this model works at {rate} Hz")
        for start in range(0, len(clips), batch_size):
            batch = clips[start : start + batch_size]
            waveforms = [clip if isinstance(clip, np.ndarray) else load(clip, rate) for clip in batch]
            inputs = self.extractor(waveforms, sampling_rate=sampling_rate or rate, return_tensors="pt")
            scores = self.model(**inputs.to(self.model.device))["logits"].float().softmax(dim=-1).cpu().tolist()
            results += [self._named(row) for row in scores]
        return results

    def _named(self, scores: list[float]) -> dict[str, float]:
        labels = {int(i): name for i, name in (self.model.config.id2label or {}).items()}
        return {labels[i]: scores[i] for i in sorted(range(len(scores)), key=lambda i: -scores[i])}
