"""The feature extractor: waveforms of any length in, features of one shape out; saved with the model."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from transformers import BatchFeature, SequenceFeatureExtractor
from transformers.utils import logging

from .blocks import empty, for_blocks
from .log_mel import LogMelSettings, log_mel
from .mfcc import cepstrum, check_mfcc, with_deltas
from .normalisation import NORMALISATIONS, check_statistics, normalise_clips, normalise_rows
from .waveform import TRIM_DB, Waveform, prepare

logger = logging.get_logger(__name__)

FEATURES = ("log_mel", "mfcc")


class SerFeatureExtractor(SequenceFeatureExtractor):
    """Peak-normalise, trim silence, pad or cut to one length, log-mel spectrogram or MFCC, normalise.

    The result for a clip does not depend on the other clips of the batch: on a CPU within 1e-5 dB, on a GPU 1e-3.

    Clips of any length are taken: of a long one the middle remains, a short one gets zeros on both sides. Samples
    beyond 1 and clipped ones are as good as others. A clip of zeros is as loud as its loudest point everywhere, 0 dB.

    Args:
        sampling_rate: Hz of the waveforms; others are refused.
        duration: seconds of every clip after padding (zeros, both sides) or cutting (both sides).
        n_fft: samples in a frame.
        hop_length: samples between frames.
        n_mels: mel bins.
        f_min: lowest frequency in Hz.
        f_max: highest frequency in Hz; None for half the sampling rate.
        top_db: dynamic range kept under the loudest point of a clip, in dB; None keeps all.
        trim_db: silence at both ends this many dB under the loudest frame is cut; None keeps it.
        peak_normalise: scale every waveform to a peak of 1.
        normalisation: ``"scaled"`` maps ``[-top_db, 0]`` dB to ``[-1, 1]``, so that a zero (a mask, padding) is a
            middling level; ``"none"``; ``"clip"``: mean 0 and deviation 1 over all that a clip has, padding too, and
            zeros where nothing varies; ``"statistics"``: less ``mean`` and over ``std``.
        window_function: ``"hann"``, ``"hamming"``, ``"blackman"`` or ``"rectangular"``.
        win_length: samples in the window, which sits in the middle of its frame; None for ``n_fft``.
        mel_scale: ``"slaney"`` or ``"htk"``.
        mel_norm: ``"slaney"``: mel filters of the same area; ``"none"``: of the height 1.
        power: 2 sums the power of the bins under a filter, 1 their magnitude.
        scale: ``"db"``; ``"log"``: natural logarithm; ``"linear"``: the sums themselves.
        reference: the sum that is 0 dB; None takes the loudest point of every clip.
        features: ``"log_mel"`` or ``"mfcc"``.
        n_mfcc: cepstral coefficients.
        deltas: 1 puts the slopes of the coefficients under them, 2 also the curvatures.
        mean: of every row of the features, over the training set; for ``"statistics"``.
        std: deviation of every row of the features, over the training set; for ``"statistics"``.

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
        top_db: float | None = 80.0,
        trim_db: float | None = TRIM_DB,
        peak_normalise: bool = True,
        normalisation: str = "scaled",
        window_function: str = "hann",
        win_length: int | None = None,
        mel_scale: str = "slaney",
        mel_norm: str = "slaney",
        power: float = 2.0,
        scale: str = "db",
        reference: float | None = None,
        features: str = "log_mel",
        n_mfcc: int = 20,
        deltas: int = 0,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("feature_size", None)
        kwargs.setdefault("padding_value", 0.0)
        kwargs.setdefault("return_attention_mask", False)
        rows = n_mfcc * (1 + deltas) if features == "mfcc" else n_mels
        super().__init__(feature_size=rows, sampling_rate=sampling_rate, **kwargs)
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
        self.window_function = window_function
        self.win_length = win_length
        self.mel_scale = mel_scale
        self.mel_norm = mel_norm
        self.power = power
        self.scale = scale
        self.reference = reference
        self.features = features
        self.n_mfcc = n_mfcc
        self.deltas = deltas
        self.mean = None if mean is None else [float(value) for value in mean]
        self.std = None if std is None else [float(value) for value in std]
        self._check()

    def _check(self) -> None:
        settings = self._log_mel_settings()
        for name in ("duration", "trim_db"):
            value = getattr(self, name)
            if not (value is None and name == "trim_db") and not value > 0:
                raise ValueError(f"feature setting {name} is {value}, expected a positive number")
        if self.n_samples < 1:
            raise ValueError(f"feature setting duration is {self.duration} s, shorter than one sample")
        for name, known in {"features": FEATURES, "normalisation": NORMALISATIONS, "deltas": (0, 1, 2)}.items():
            if getattr(self, name) not in known:
                expected = ", ".join(map(str, known))
                raise ValueError(f"feature setting {name} is {getattr(self, name)!r}, expected one of {expected}")
        if self.features == "mfcc" or self.deltas:
            check_mfcc(self.features, self.scale, self.n_mfcc, self.n_mels, self.deltas, self.n_frames)
        plain = self.features == "log_mel" and self.scale == "db" and self.reference is None
        if self.normalisation == "scaled" and not (plain and self.top_db is not None):
            raise ValueError(
                "normalisation 'scaled' maps [-top_db, 0] to [-1, 1]: it needs log_mel features in decibels under the "
                "loudest point, and a top_db; use 'none', 'clip' or 'statistics'"
            )
        check_statistics(self.normalisation, self.mean, self.std, self.feature_size)
        missed = int((settings.filters().sum(axis=1) == 0).sum())
        if missed:
            logger.warning_once(
                f"{missed} of {self.n_mels} mel filters lie between the bins of n_fft={self.n_fft} and give the same "
                "value in every frame; use fewer mels or a larger n_fft."
            )

    def with_normalisation(
        self, normalisation: str, mean: Sequence[float] | None = None, std: Sequence[float] | None = None
    ) -> Self:
        """The same extractor with another normalisation; see the class.

        Raises:
            ValueError: it is unknown, or does not go with the other settings.
        """
        other = copy.deepcopy(self)
        other.normalisation = normalisation
        other.mean = None if mean is None else [float(value) for value in mean]
        other.std = None if std is None else [float(value) for value in std]
        other._check()
        return other

    @property
    def n_samples(self) -> int:
        """Samples of every clip after padding or cutting."""
        return round(self.duration * self.sampling_rate)

    @property
    def n_frames(self) -> int:
        """Frames of every clip."""
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
            window_function=self.window_function,
            win_length=self.win_length,
            mel_scale=self.mel_scale,
            mel_norm=self.mel_norm,
            power=self.power,
            scale=self.scale,
            reference=self.reference,
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

    def prepare_waveform(self, samples: Any, out: Waveform | None = None) -> Waveform:
        """The steps on the waveform of one mono clip ``(n,)``: gives ``(n_samples,)`` float32, in ``out`` if given.

        Raises:
            ValueError: the clip is not mono, not floating-point, empty or not finite.
        """
        return prepare(samples, self.n_samples, normalise=self.peak_normalise, trim_db=self.trim_db, out=out)

    def __call__(
        self,
        raw_speech: Any,
        sampling_rate: int | None = None,
        return_tensors: str | None = None,
        device: str | torch.device = "cpu",
        keep_on_device: bool = False,
        **kwargs: Any,
    ) -> BatchFeature:
        """Computes features.

        Args:
            raw_speech: one mono floating-point clip ``(n,)`` in ``[-1, 1]``, or a list of them (of any lengths).
            sampling_rate: Hz of the clips, to have a wrong one noticed.
            return_tensors: ``"pt"`` for a tensor, ``"np"`` or None for an array.
            device: where the spectrograms are computed, e.g. ``"cuda"``.
            keep_on_device: leave the result there, as a tensor.
            kwargs: ignored; transformers passes padding arguments, and all clips have one length here.

        Returns:
            ``{"input_features": (B, feature_size, n_frames) float32}``; there are ``n_mels`` rows to a spectrogram.

        Raises:
            ValueError: the sampling rate is another, or a clip is stereo, integer, empty or not finite.
        """
        self._check_sampling_rate(sampling_rate)
        features = self._features(_as_list(raw_speech), torch.device(device))
        if keep_on_device:
            return BatchFeature({"input_features": features})
        return BatchFeature({"input_features": features.cpu().numpy()}, tensor_type=return_tensors)

    def _features(self, clips: Sequence[Any], device: torch.device) -> torch.Tensor:
        waveforms = np.empty((len(clips), self.n_samples), dtype=np.float32)
        for clip, waveform in zip(
            clips, waveforms, strict=True
        ):  # by this thread: short calls gain nothing from others
            self.prepare_waveform(clip, out=waveform)
        return self.of_prepared(waveforms, device)

    def of_prepared(self, waveforms: Waveform, device: torch.device) -> torch.Tensor:
        """Features ``(B, feature_size, n_frames)`` on a device of what `prepare_waveform` gave, ``(B, n_samples)``."""
        settings = self._log_mel_settings()
        features = empty((len(waveforms), self.feature_size, self.n_frames), device)

        def fill(some: slice) -> None:
            block = torch.from_numpy(waveforms[some]).to(device)
            if self.features == "mfcc":
                features[some] = with_deltas(cepstrum(log_mel(block, settings), self.n_mfcc), self.deltas)
            else:
                log_mel(block, settings, out=features[some])
            self.normalise(features[some])

        for_blocks(fill, len(waveforms), self.n_frames, device)
        return features

    def normalise(self, features: torch.Tensor) -> torch.Tensor:
        """Normalises features ``(B, feature_size, n_frames)`` of an extractor whose normalisation is none, in place."""
        if self.normalisation == "scaled" and self.top_db is not None:
            return features.mul_(2.0 / self.top_db).add_(1.0)
        if self.normalisation == "clip":
            return normalise_clips(features)
        if self.mean is not None and self.std is not None:
            return normalise_rows(features, self.mean, self.std)
        return features


def _as_list(raw_speech: Any) -> Sequence[Any]:
    """One clip or a list of clips, as a list of clips."""
    if not isinstance(raw_speech, list | tuple):
        return [raw_speech]
    if not raw_speech:
        raise ValueError("expected at least one clip, found an empty list")
    return [raw_speech] if np.isscalar(raw_speech[0]) else raw_speech
