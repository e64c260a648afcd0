"""Log-mel spectrograms in torch, equal to librosa's, on any device; every clip on its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from .blocks import empty, for_blocks, frames_at_once
from .mel_scale import MEL_NORMS, MEL_SCALES, mel_filters

AMIN = 1e-10
"""Power below which everything is one level, as in ``librosa.power_to_db``."""

WINDOWS: dict[str, Callable[..., torch.Tensor]] = {
    "hann": torch.hann_window,
    "hamming": torch.hamming_window,
    "blackman": torch.blackman_window,
    "rectangular": lambda length, **options: torch.ones(length, **options),
}
"""Name -> periodic window of a length."""

SCALES = ("db", "log", "linear")


@dataclass(frozen=True)
class LogMelSettings:
    """Settings of a log-mel spectrogram; the default ones are librosa's.

    Attributes:
        sampling_rate: Hz.
        n_fft: samples in a frame.
        hop_length: samples between frames.
        n_mels: mel bins.
        f_min: lowest frequency in Hz.
        f_max: highest frequency in Hz; None for half the sampling rate.
        top_db: everything lower than this under the loudest point of the clip is raised to it; None to leave it.
        window_function: one of `WINDOWS`.
        win_length: samples in the window, which sits in the middle of its frame; None for ``n_fft``.
        mel_scale: ``"slaney"`` or ``"htk"``.
        mel_norm: ``"slaney"``: triangles of the same area; ``"none"``: of the height 1.
        power: 2 sums the power of the bins under a triangle, 1 their magnitude.
        scale: ``"db"``; ``"log"``: natural logarithm; ``"linear"``: the sums themselves.
        reference: the sum that is 0 dB; None takes the loudest point of every clip. Only for decibels.

    Raises:
        ValueError: a setting is out of its range.
    """

    sampling_rate: int = 16000
    n_fft: int = 1024
    hop_length: int = 256
    n_mels: int = 128
    f_min: float = 0.0
    f_max: float | None = None
    top_db: float | None = 80.0
    window_function: str = "hann"
    win_length: int | None = None
    mel_scale: str = "slaney"
    mel_norm: str = "slaney"
    power: float = 2.0
    scale: str = "db"
    reference: float | None = None

    def __post_init__(self) -> None:
        for name in ("sampling_rate", "n_fft", "hop_length", "n_mels", "top_db", "win_length", "reference"):
            value = getattr(self, name)
            if not (value is None and name in ("top_db", "win_length", "reference")) and not value > 0:
                raise ValueError(f"feature setting {name} is {value}, expected a positive number")
        if not 0 <= self.f_min < self.highest <= self.sampling_rate / 2:
            raise ValueError(
                f"feature settings f_min {self.f_min} and f_max {self.f_max}: expected "
                f"0 <= f_min < f_max <= {self.sampling_rate / 2} Hz, half the sampling rate"
            )
        if self.win_length is not None and self.win_length > self.n_fft:
            raise ValueError(f"feature setting win_length is {self.win_length}, expected at most n_fft, {self.n_fft}")
        choices = {"window_function": tuple(WINDOWS), "mel_scale": MEL_SCALES, "mel_norm": MEL_NORMS, "scale": SCALES}
        for name, known in (choices | {"power": (1, 2)}).items():
            if getattr(self, name) not in known:
                expected = ", ".join(map(str, known))
                raise ValueError(f"feature setting {name} is {getattr(self, name)!r}, expected one of {expected}")
        if self.reference is not None and self.scale != "db":
            raise ValueError(f"feature setting reference is for decibels, and scale is {self.scale!r}: leave it out")

    @property
    def highest(self) -> float:
        """Highest frequency in Hz."""
        return self.sampling_rate / 2 if self.f_max is None else self.f_max

    @property
    def amin(self) -> float:
        """The sum below which everything is one level, unless the scale is linear."""
        return float(AMIN ** (self.power / 2))

    def n_frames(self, n_samples: int) -> int:
        """Frames of a clip of ``n_samples`` samples."""
        return 1 + (n_samples - self.n_fft % 2) // self.hop_length

    def filters(self) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """The mel filters ``(n_mels, n_fft // 2 + 1)``."""
        return mel_filters(
            self.sampling_rate, self.n_fft, self.n_mels, self.f_min, self.highest, self.mel_scale, self.mel_norm
        )


class _Plan(NamedTuple):
    """What a transform needs on one device: the window, and the filters as lists of (bin, weight)."""

    window: torch.Tensor
    bins: torch.Tensor
    starts: torch.Tensor
    weights: torch.Tensor


@lru_cache(maxsize=32)
def _plan(settings: LogMelSettings, device: str) -> _Plan:
    length = settings.win_length or settings.n_fft
    left = (settings.n_fft - length) // 2
    window = WINDOWS[settings.window_function](length, dtype=torch.float64, device="cpu")
    filters = settings.filters()
    mels, bins = np.nonzero(filters)
    tensors = (
        F.pad(window, (left, settings.n_fft - length - left)).float(),
        torch.from_numpy(bins),
        torch.from_numpy(np.searchsorted(mels, np.arange(settings.n_mels))),
        torch.from_numpy(filters[mels, bins].astype(np.float32)),
    )
    return _Plan(*(tensor.to(device) for tensor in tensors))


def log_mel(waveforms: torch.Tensor, settings: LogMelSettings, out: torch.Tensor | None = None) -> torch.Tensor:
    """Log-mel spectrograms, by default in dB under the loudest point of each clip.

    Equal to ``librosa.power_to_db(librosa.feature.melspectrogram(...), ref=np.max, top_db=...)`` of every clip alone
    within 1e-3 dB down to 70 dB under the loudest point. Lower, a few points in ten million are off by up to 2e-3 dB:
    the rounding of a float32 transform lies some 150 dB under a loud frame, and librosa's is done in float64.

    On a CPU a clip's result is the same within 1e-5 dB in every batch and beside every neighbour, on a GPU within
    1e-3 dB. Values are not looked at: a NaN spreads over its clip and no further, samples beyond 1 are as good as
    others. Silence is 0 dB. A CPU works on a few hundred frames at a time, so that long clips take little memory;
    see `for_blocks`.

    Args:
        waveforms: ``(B, n_samples)`` float32, on the device to compute on.
        settings: see `LogMelSettings`.
        out: where to write the result, on the same device.

    Returns:
        ``(B, n_mels, 1 + n_samples // hop_length)`` float32 on the same device, by default in ``[-top_db, 0]``.

    Raises:
        ValueError: the waveforms are not ``(B, n_samples)`` with at least one sample, or ``out`` has another shape.
    """
    if waveforms.ndim != 2 or waveforms.shape[1] == 0:
        raise ValueError(
            f"expected waveforms of shape (batch, n_samples), not empty, found {tuple(waveforms.shape)}; "
            "add a first dimension of 1 to a single clip"
        )
    shape = (waveforms.shape[0], settings.n_mels, settings.n_frames(waveforms.shape[1]))
    if out is None:
        out = empty(shape, waveforms.device)
    elif out.shape != shape:
        raise ValueError(f"expected a tensor of shape {shape} to write to, found {tuple(out.shape)}")
    plan = _plan(settings, str(waveforms.device))

    mel = _mel_of_sound if waveforms.device.type == "cpu" else _mel

    def fill(clips: slice) -> None:
        mel(waveforms[clips].float(), settings, plan, out[clips])
        _to_scale(out[clips], settings)

    for_blocks(fill, shape[0], shape[2], waveforms.device)
    return out


def _mel_of_sound(waveforms: torch.Tensor, settings: LogMelSettings, plan: _Plan, out: torch.Tensor) -> None:
    """What `_mel` does, to the bit, without the frames of zeros in front of the sound and behind it.

    They are a third of all where clips of 2 to 4 s were trimmed and padded to 3.
    """
    spans = [_sounding(waveform, settings, out.shape[2]) for waveform in waveforms.detach().numpy()]
    counts = [last - first for first, last in spans]
    if sum(counts) in (0, len(out) * out.shape[2]) or sum(counts) > frames_at_once(waveforms.device):
        _mel(waveforms, settings, plan, out)
        return
    half, amin = settings.n_fft // 2, 0.0 if settings.scale == "linear" else settings.amin
    frames = waveforms.new_empty(sum(counts), settings.n_fft)
    parts = frames.split(counts)  # type: ignore[no-untyped-call]
    for clip, part, (first, last) in zip(F.pad(waveforms, (half, half)), parts, spans, strict=True):
        torch.mul(clip.unfold(0, settings.n_fft, settings.hop_length)[first:last], plan.window, out=part)
    energy = _power(frames)
    if settings.power == 1:
        energy.sqrt_()
    mels = _weigh(energy, plan).split(counts, dim=1)  # type: ignore[no-untyped-call]
    for mel, target, (first, last) in zip(mels, out, spans, strict=True):
        torch.clamp_min(mel, amin, out=target[:, first:last])
        target[:, :first] = amin
        target[:, last:] = amin


def _sounding(waveform: np.ndarray, settings: LogMelSettings, n_frames: int) -> tuple[int, int]:
    """The first frame of a clip that holds more than zeros, and the one behind the last."""
    sound = (waveform != 0).tobytes()  # NaN is no zero; bytes are searched from both ends in no time
    start, end = sound.find(1), sound.rfind(1)
    if start < 0:
        return 0, 0
    half, hop = settings.n_fft // 2, settings.hop_length
    first = max(0, (start + half - settings.n_fft) // hop + 1)
    return first, max(first, min(n_frames, (end + half) // hop + 1))


def _mel(waveforms: torch.Tensor, settings: LogMelSettings, plan: _Plan, out: torch.Tensor) -> None:
    """Writes mel sums of clips ``(b, n)`` to ``out (b, n_mels, t)``, those of long clips in parts of equal length."""
    silence = waveforms.new_zeros(waveforms.shape[0], settings.n_fft // 2)
    frames = torch.cat([silence, waveforms, silence], dim=1).unfold(1, settings.n_fft, settings.hop_length)
    clips, n_frames = frames.shape[:2]
    size = math.ceil(n_frames / math.ceil(clips * n_frames / frames_at_once(waveforms.device)))
    amin = 0.0 if settings.scale == "linear" else settings.amin
    for i in range(0, n_frames, size):
        energy = _power(frames[:, i : i + size] * plan.window).flatten(0, 1)
        if settings.power == 1:
            energy.sqrt_()
        mel = _weigh(energy, plan).view(settings.n_mels, clips, -1)
        torch.clamp_min(mel.transpose(0, 1), amin, out=out[:, :, i : i + size])


def _power(frames: torch.Tensor) -> torch.Tensor:
    """Power spectra ``(..., n_fft // 2 + 1)`` of windowed frames ``(..., n_fft)``."""
    return torch.add(*torch.view_as_real(torch.fft.rfft(frames)).square_().unbind(-1))


def _weigh(energy: torch.Tensor, plan: _Plan) -> torch.Tensor:
    """Mel sums ``(n_mels, n)`` of spectra ``(n, n_bins)``.

    A bin lies under two triangles, so that all but 2 of 128 weights are zero: only the others are summed, row by row
    of the spectra with their bins first. Every frame is summed in the same order, alone or among others, and no
    tensor core or autocast rounds it.
    """
    rows = _bins_first(energy)
    return F.embedding_bag(plan.bins, rows, plan.starts, mode="sum", per_sample_weights=plan.weights)


def _bins_first(energy: torch.Tensor) -> torch.Tensor:
    """``(n, bins)`` to ``(bins, n)`` in memory.

    A channel shuffle of one pixel is this transpose, and on a CPU it takes half the time of ``.T.contiguous()``.
    """
    n, bins = energy.shape
    return torch.channel_shuffle(energy.view(1, 1, 1, n * bins).permute(0, 3, 1, 2), n).reshape(bins, n)


def _to_scale(mel: torch.Tensor, settings: LogMelSettings) -> None:
    """Brings mel sums ``(b, n_mels, t)`` to their scale, in place."""
    decibels = 20.0 / settings.power  # to a power of ten
    if settings.scale == "linear":
        if settings.top_db is not None:
            torch.maximum(mel, _peak(mel) * 10.0 ** (-settings.top_db / decibels), out=mel)
        return
    mel.log10_().mul_(decibels)
    if settings.scale == "db" and settings.reference is None:
        mel.sub_(_peak(mel))
        if settings.top_db is not None:
            mel.clamp_min_(-settings.top_db)
        return
    if settings.top_db is not None:
        torch.maximum(mel, _peak(mel) - settings.top_db, out=mel)
    if settings.scale == "log":
        mel.mul_(math.log(10.0) / decibels)
    elif settings.reference is not None:
        mel.sub_(decibels * math.log10(max(settings.amin, settings.reference)))


def _peak(spectrograms: torch.Tensor) -> torch.Tensor:
    return spectrograms.amax(dim=(1, 2), keepdim=True)
