"""The feature extractors as functions of waveforms that ONNX can hold: no loop, no branch on values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ser_hf.base.errors import SerHfError
from ser_hf.models import SerFeatureExtractor, WhisperSerFeatureExtractor
from ser_hf.models.log_mel import WINDOWS
from ser_hf.models.mfcc import cosines, with_deltas
from ser_hf.models.waveform import FRAME_LENGTH, HOP_LENGTH

_POWER_FLOOR = 1e-10
"""As in `ser_hf.models.waveform`."""
_SLICES = 32
"""Of which a frame is put together at most."""


def feature_graph(extractor: Any) -> nn.Module:
    """A module that gives a model's features from waveforms ``(B, n)`` of one length.

    Raises:
        SerHfError: there is none for this extractor.
    """
    if isinstance(extractor, SerFeatureExtractor):
        return SpectrogramGraph(extractor)
    if isinstance(extractor, WhisperSerFeatureExtractor):
        return WhisperGraph(extractor)
    raise SerHfError(
        f"{type(extractor).__name__} has no ONNX form; networks on log-mel or MFCC features and whisper_ser have one"
    )


class SpectrogramGraph(nn.Module):
    """`SerFeatureExtractor`: peak normalisation, trimming, one length, log-mel or MFCC, normalisation."""

    def __init__(self, extractor: SerFeatureExtractor) -> None:
        super().__init__()
        self.extractor = extractor
        self.settings = settings = extractor._log_mel_settings()
        length = settings.win_length or settings.n_fft
        left = (settings.n_fft - length) // 2
        window = WINDOWS[settings.window_function](length, dtype=torch.float64)
        whole = F.pad(window, (left, settings.n_fft - length - left))
        self.transform = _Transform(whole.numpy(), settings.n_fft, settings.hop_length)
        self.register_buffer("filters", torch.from_numpy(settings.filters().T.astype(np.float32)))
        if extractor.features == "mfcc":
            self.register_buffer("cosines", cosines(extractor.n_mfcc, extractor.n_mels).float())
        for name in ("mean", "std"):
            if (values := getattr(extractor, name)) is not None:
                self.register_buffer(name, torch.tensor(values)[:, None])

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Features ``(B, feature_size, n_frames)``."""
        extractor, settings = self.extractor, self.settings
        clips = _centred(waveforms, extractor.n_samples, extractor.trim_db, extractor.peak_normalise)
        half = settings.n_fft // 2
        energy = self.transform(F.pad(clips, (half, half)))
        energy = energy.sqrt() if settings.power == 1 else energy
        mel = (energy @ self.get_buffer("filters")).transpose(1, 2)
        features = self._to_scale(mel.clamp_min(0.0 if settings.scale == "linear" else settings.amin))
        if extractor.features == "mfcc":
            features = with_deltas(self.get_buffer("cosines") @ features, extractor.deltas)
        return self._normalised(features)

    def _to_scale(self, mel: torch.Tensor) -> torch.Tensor:
        """See `ser_hf.models.log_mel`, which does the same in place."""
        settings, decibels = self.settings, 20.0 / self.settings.power
        if settings.scale != "linear":
            mel = mel.log10() * decibels
        peak = mel.amax(dim=(1, 2), keepdim=True)
        if settings.top_db is not None:
            lowest = (
                peak * 10.0 ** (-settings.top_db / decibels) if settings.scale == "linear" else peak - settings.top_db
            )
            mel = torch.maximum(mel, lowest)
        if settings.scale == "log":
            return mel * (float(np.log(10.0)) / decibels)
        if settings.scale == "db" and settings.reference is None:
            return mel - peak
        if settings.reference is not None:
            return mel - decibels * float(np.log10(max(settings.amin, settings.reference)))
        return mel

    def _normalised(self, features: torch.Tensor) -> torch.Tensor:
        extractor = self.extractor
        if extractor.normalisation == "scaled" and extractor.top_db is not None:
            return features * (2.0 / extractor.top_db) + 1.0
        if extractor.normalisation == "clip":
            features = features - features[:, :1, :1]
            centred = features - features.mean(dim=(1, 2), keepdim=True)
            return centred / centred.square().mean(dim=(1, 2), keepdim=True).sqrt().clamp_min(1e-8)
        if extractor.normalisation == "statistics":
            return (features - self.get_buffer("mean")) / self.get_buffer("std")
        return features


class WhisperGraph(nn.Module):
    """`WhisperSerFeatureExtractor`: Whisper's log-mel spectrogram over the clips' true length.

    Raises:
        SerHfError: it trims silence, after which clips of one length have many.
    """

    def __init__(self, extractor: WhisperSerFeatureExtractor) -> None:
        super().__init__()
        if extractor.trim_db is not None:
            raise SerHfError("a Whisper that trims silence (trim_db) has no ONNX form; train it with trim_db null")
        self.most, self.n_fft = int(extractor.n_samples), int(extractor.n_fft)
        window = np.hanning(self.n_fft + 1)[:-1]
        self.transform = _Transform(window, self.n_fft, int(extractor.hop_length))
        self.register_buffer("filters", torch.from_numpy(np.asarray(extractor.mel_filters, np.float32)))

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Features ``(B, n_frames, n_mels)``; clips of one length need no mask."""
        n = waveforms.shape[1]
        length = torch.sym_min(torch.sym_max(n, self.n_fft), self.most)  # at least a window, filled up with zeros
        frames = length // self.transform.hop  # and one more, which Whisper leaves out
        at = self.transform.hop * torch.arange(frames)[:, None] + torch.arange(self.n_fft) - self.n_fft // 2
        at = at.abs()
        at = torch.where(at < length, at, 2 * (length - 1) - at)  # mirrored at both ends
        start = torch.sym_max(n - length, 0) // 2
        energy = self.transform.spectra(F.pad(waveforms, (0, self.n_fft))[:, at + start])
        mel = (energy @ self.get_buffer("filters")).clamp_min(1e-10).log10()
        mel = torch.maximum(mel, mel.amax(dim=(1, 2), keepdim=True) - 8.0)
        return (mel + 4.0) / 4.0


class _Transform(nn.Module):
    """Power spectra ``(B, t, n_fft // 2 + 1)`` of waveforms ``(B, n)``, by products with cosines and sines.

    ONNX has an operator for it, which in onnxruntime takes longer than the product. A cosine is the same forwards and
    backwards and a sine the opposite, so that both halves of a frame are added, or subtracted, before.
    """

    def __init__(self, window: np.ndarray, n_fft: int, hop: int) -> None:
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        half = n_fft // 2 + 1
        angles = 2 * np.pi * np.outer(np.arange(half), np.arange(half)) / n_fft
        for name, wave in (("window", window), ("real", np.cos(angles)), ("imaginary", np.sin(angles))):
            self.register_buffer(name, torch.from_numpy(wave.astype(np.float32)))

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.spectra(self._framed(waveforms))

    def spectra(self, framed: torch.Tensor) -> torch.Tensor:
        """The same of frames ``(B, t, n_fft)``."""
        framed = framed * self.get_buffer("window")
        forth, rest = framed[..., : self.n_fft // 2 + 1], framed[..., self.n_fft // 2 + 1 :]
        back = F.pad(rest.flip(-1), (1, 1 - self.n_fft % 2))  # the mirror of sample k is n_fft - k
        real = (forth + back) @ self.get_buffer("real")
        imaginary = (forth - back) @ self.get_buffer("imaginary")
        return real.square() + imaginary.square()

    def _framed(self, waveforms: torch.Tensor) -> torch.Tensor:
        """``(B, t, n_fft)``, put together from slices: looking every sample up takes many times as long."""
        frames = 1 + (waveforms.shape[1] - self.n_fft) // self.hop
        step = math.gcd(self.n_fft, self.hop)
        if self.n_fft // step > _SLICES:
            return waveforms[:, self.hop * torch.arange(frames)[:, None] + torch.arange(self.n_fft)]
        padded = F.pad(waveforms, (0, self.hop))
        rows = (padded[:, i : i + frames * self.hop] for i in range(0, self.n_fft, step))
        return torch.cat([row.reshape(-1, frames, self.hop)[:, :, :step] for row in rows], dim=2)


def _centred(waveforms: torch.Tensor, length: int, trim_db: float | None, normalise: bool) -> torch.Tensor:
    """`ser_hf.models.waveform.prepare` of many clips ``(B, n)``: ``(B, length)``."""
    if normalise:
        peak = waveforms.abs().amax(dim=1, keepdim=True)
        waveforms = waveforms / torch.where(peak >= torch.finfo(torch.float32).tiny, peak, torch.ones_like(peak))
    n = waveforms.shape[1]
    start = torch.zeros_like(waveforms[:, 0], dtype=torch.int64)
    kept = start + n
    if trim_db is not None:
        start, end = _loud(waveforms, trim_db)
        kept = torch.minimum(end, kept) - start
    offset = torch.div(kept - length, 2, rounding_mode="floor")
    shift = torch.where(kept >= length, offset, -torch.div(length - kept, 2, rounding_mode="floor"))
    at = torch.arange(length)[None] + shift[:, None]
    inside = (at >= 0) & (at < kept[:, None])
    index = (at + start[:, None]).clamp_min(0)
    index = torch.minimum(index, torch.zeros_like(index) + (n - 1))
    return torch.gather(waveforms, 1, index) * inside


def _loud(waveforms: torch.Tensor, top_db: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Where clips ``(B, n)`` begin and end to be louder than ``top_db`` under their loudest frame; ``(B,)`` each."""
    half = FRAME_LENGTH // HOP_LENGTH // 2
    n = waveforms.shape[1]
    frames = 1 + n // HOP_LENGTH
    blocks = F.pad(waveforms, (0, HOP_LENGTH))[:, : frames * HOP_LENGTH].reshape(-1, frames, HOP_LENGTH)
    energy = F.pad(blocks.square().sum(dim=2), (half, half - 1))
    power = sum((energy[:, i : i + frames] for i in range(1, 2 * half)), energy[:, :frames]) / FRAME_LENGTH
    threshold = power.amax(dim=1, keepdim=True).clamp_min(_POWER_FLOOR) * 10.0 ** (-top_db / 10.0)
    loud = power.clamp_min(_POWER_FLOOR) > threshold
    number = torch.arange(frames)[None].expand_as(loud)
    never = torch.zeros_like(number)
    first = torch.where(loud, number, never + frames).amin(dim=1)
    last = torch.where(loud, number, never - 1).amax(dim=1)
    whole = last < 0
    start = torch.where(whole, torch.zeros_like(first), first) * HOP_LENGTH
    return start, torch.where(whole, torch.zeros_like(last) + frames, last + 1) * HOP_LENGTH
