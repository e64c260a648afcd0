"""The feature extractor: waveforms of any length in, log-mel spectrograms of one length out; saved with the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import BatchFeature, SequenceFeatureExtractor
from transformers.utils import logging

from .log_mel import LogMelSettings, log_mel
from .waveform import TRIM_DB, as_waveform, fix_length, peak_normalise, trim_silence

logger = logging.get_logger(__name__)

NORMALISATIONS = ("scaled", "none")
_CPU_CLIPS = 1
_ACCELERATOR_CLIPS = 256


class SerFeatureExtractor(SequenceFeatureExtractor):
    """Peak-normalise, trim silence, pad or cut to one length, log-mel spectrogram, scale.

    The result for a clip does not depend on the other clips of the batch. Statistics of a training set are not kept
    here: the first layer of every model is a batch normalisation over the mel bins.

    Args:
        sampling_rate: Hz of the waveforms; others are refused.
        duration: seconds of every clip after padding (zeros, both sides) or cutting (both sides).
        n_fft: samples in a window.
        hop_length: samples between windows.
        n_mels: mel bins.
        f_min: lowest frequency in Hz.
        f_max: highest frequency in Hz; None for half the sampling rate.
        top_db: dynamic range kept under the loudest point of a clip, in dB.
        trim_db: silence at both ends this many dB under the loudest frame is cut; None keeps it.
        peak_normalise: scale every waveform to a peak of 1.
        normalisation: ``"scaled"`` maps ``[-top_db, 0]`` dB to ``[-1, 1]``, so that a zero (a mask, padding) is a
            middling level; ``"none"`` leaves dB.

    Raises:
        ValueError: a setting is out of its range.

    >>> extractor = SerFeatureExtractor()
    >>> extractor(np.zeros(8000, dtype=np.float32), sampling_rate=16000)["input_features"].shape
    (1, 128, 188)
    """

    model_input_names = ["input_features"]  # noqa: RUF012 (the name and form transformers reads)

    def __init__(
        self,
        sampling_rate: int = 16000,
        duration: float = 3.0,
        n_fft: int = 1024,
        hop_length: int = 256,
        n_mels: int = 128,
        f_min: float = 0.0,
        f_max: float | None = None,
        top_db: float = 80.0,
        trim_db: float | None = TRIM_DB,
        peak_normalise: bool = True,
        normalisation: str = "scaled",
        **kwargs: Any,
    ) -> None:
        kwargs.pop("feature_size", None)
        kwargs.setdefault("padding_value", 0.0)
        kwargs.setdefault("return_attention_mask", False)
        super().__init__(feature_size=n_mels, sampling_rate=sampling_rate, **kwargs)
        self.duration = duration
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.n_mels = n_mels
        self.f_min = f_min
        self.f_max = f_max
        self.top_db = top_db
        self.trim_db = trim_db
        self.peak_normalise = peak_normalise
        self.normalisation = normalisation
        self._check()

    def _check(self) -> None:
        for name in ("sampling_rate", "duration", "n_fft", "hop_length", "n_mels", "top_db", "trim_db"):
            value = getattr(self, name)
            if not (value is None and name == "trim_db") and not value > 0:
                raise ValueError(f"feature setting {name} is {value}, expected a positive number")
        if self.n_samples < 1:
            raise ValueError(f"feature setting duration is {self.duration} s, shorter than one sample")
        top = self.sampling_rate / 2 if self.f_max is None else self.f_max
        if not 0 <= self.f_min < top <= self.sampling_rate / 2:
            raise ValueError(
                f"feature settings f_min {self.f_min} and f_max {self.f_max}: expected "
                f"0 <= f_min < f_max <= {self.sampling_rate / 2} Hz, half the sampling rate"
            )
        if self.normalisation not in NORMALISATIONS:
            raise ValueError(
                f"feature setting normalisation is {self.normalisation!r}, expected one of {', '.join(NORMALISATIONS)}"
            )

    @property
    def n_samples(self) -> int:
        """Samples of every clip after padding or cutting."""
        return round(self.duration * self.sampling_rate)

    @property
    def n_frames(self) -> int:
        """Frames of every spectrogram."""
        return self._log_mel_settings().n_frames(self.n_samples)

    def _log_mel_settings(self) -> LogMelSettings:
        return LogMelSettings(
            sampling_rate=self.sampling_rate,
            n_fft=self.n_fft,
            hop_length=self.hop_length,
            n_mels=self.n_mels,
            f_min=self.f_min,
            f_max=self.f_max,
            top_db=self.top_db,
        )

    def _check_sampling_rate(self, sampling_rate: int | None) -> None:
        if sampling_rate is None:
            logger.warning_once(
                f"SerFeatureExtractor was not told a sampling_rate and takes the clips as {self.sampling_rate} Hz; "
                "pass sampling_rate so that a wrong one is noticed."
            )
        elif sampling_rate != self.sampling_rate:
            raise ValueError(
                f"the clips are at {sampling_rate} Hz and this feature extractor (so its model) works at "
                f"{self.sampling_rate} Hz; resample them to {self.sampling_rate} Hz"
            )

    def prepare_waveform(self, samples: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
        """The steps on the waveform of one mono clip ``(n,)``: gives ``(n_samples,)`` float32.

        Raises:
            ValueError: the clip is not mono, not floating-point, empty or not finite.
        """
        waveform = as_waveform(samples)
        if self.peak_normalise:
            waveform = peak_normalise(waveform)
        if self.trim_db is not None:
            waveform = trim_silence(waveform, self.trim_db)
        return fix_length(waveform, self.n_samples)

    def __call__(
        self,
        raw_speech: Any,
        sampling_rate: int | None = None,
        return_tensors: str | None = None,
        device: str | torch.device = "cpu",
        keep_on_device: bool = False,
        **kwargs: Any,
    ) -> BatchFeature:
        """Computes log-mel features.

        Args:
            raw_speech: one mono floating-point clip ``(n,)`` in ``[-1, 1]``, or a list of them (of any lengths).
            sampling_rate: Hz of the clips, to have a wrong one noticed.
            return_tensors: ``"pt"`` for a tensor, ``"np"`` or None for an array.
            device: where STFT and mel product run, e.g. ``"cuda"``.
            keep_on_device: leave the result there, as a tensor.
            kwargs: ignored; transformers passes padding arguments, and all clips have one length here.

        Returns:
            ``{"input_features": (B, n_mels, n_frames) float32}``.

        Raises:
            ValueError: the sampling rate is another, or a clip is stereo, integer, empty or not finite.
        """
        self._check_sampling_rate(sampling_rate)
        clips = [self.prepare_waveform(clip) for clip in _as_list(raw_speech)]
        features = self._features(torch.from_numpy(np.stack(clips)), torch.device(device))
        if keep_on_device:
            return BatchFeature({"input_features": features})
        return BatchFeature({"input_features": features.cpu().numpy()}, tensor_type=return_tensors)

    def _features(self, waveforms: torch.Tensor, device: torch.device) -> torch.Tensor:
        """Chunked: a CPU is fastest clip by clip (the spectra stay in its cache), an accelerator in large batches."""
        settings = self._log_mel_settings()
        size = _CPU_CLIPS if device.type == "cpu" else _ACCELERATOR_CLIPS
        level = torch.cat([log_mel(chunk.to(device), settings) for chunk in torch.split(waveforms, size)])
        return level * (2.0 / self.top_db) + 1.0 if self.normalisation == "scaled" else level


def _as_list(raw_speech: Any) -> Sequence[Any]:
    """One clip or a list of clips, as a list of clips."""
    if not isinstance(raw_speech, list | tuple):
        return [raw_speech]
    if not raw_speech:
        raise ValueError("expected at least one clip, found an empty list")
    return [raw_speech] if np.isscalar(raw_speech[0]) else raw_speech
