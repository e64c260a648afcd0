"""Log-mel spectrograms in torch, equal to librosa's, on any device; every clip on its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torchaudio.functional import melscale_fbanks

AMIN = 1e-10
"""Power below which everything is one level, as in ``librosa.power_to_db``."""


@dataclass(frozen=True)
class LogMelSettings:
    """Settings of a log-mel spectrogram.

    Attributes:
        sampling_rate: Hz.
        n_fft: samples in a (Hann) window.
        hop_length: samples between windows.
        n_mels: Slaney mel bins, area-normalised as librosa's default.
        f_min: lowest frequency in Hz.
        f_max: highest frequency in Hz; None for half the sampling rate.
        top_db: everything lower than this under the loudest point of the clip is raised to it; None to leave it.
    """

    sampling_rate: int = 16000
    n_fft: int = 1024
    hop_length: int = 256
    n_mels: int = 128
    f_min: float = 0.0
    f_max: float | None = None
    top_db: float | None = 80.0

    def n_frames(self, n_samples: int) -> int:
        """Frames of a clip of ``n_samples`` samples."""
        return 1 + n_samples // self.hop_length


@lru_cache(maxsize=16)
def _window(n_fft: int, device: str) -> torch.Tensor:
    return torch.hann_window(n_fft, device=device)


@lru_cache(maxsize=16)
def _filterbank(
    sampling_rate: int, n_fft: int, n_mels: int, f_min: float, f_max: float | None, device: str
) -> torch.Tensor:
    bank: torch.Tensor = melscale_fbanks(
        n_freqs=n_fft // 2 + 1,
        f_min=f_min,
        f_max=sampling_rate / 2 if f_max is None else f_max,
        n_mels=n_mels,
        sample_rate=sampling_rate,
        norm="slaney",
        mel_scale="slaney",
    )
    return bank.T.contiguous().to(device)


def log_mel(waveforms: torch.Tensor, settings: LogMelSettings) -> torch.Tensor:
    """Log-mel spectrograms in dB under the loudest point of each clip.

    Equal to ``librosa.power_to_db(librosa.feature.melspectrogram(...), ref=np.max, top_db=...)`` of every clip alone.

    Args:
        waveforms: ``(B, n_samples)`` float32, on the device to compute on.
        settings: see `LogMelSettings`.

    Returns:
        ``(B, n_mels, 1 + n_samples // hop_length)`` float32 on the same device, values in ``[-top_db, 0]``.
    """
    device = str(waveforms.device)
    bank = _filterbank(settings.sampling_rate, settings.n_fft, settings.n_mels, settings.f_min, settings.f_max, device)
    with torch.no_grad(), torch.autocast(waveforms.device.type, enabled=False):
        spectrum = torch.stft(
            waveforms.float(),
            n_fft=settings.n_fft,
            hop_length=settings.hop_length,
            window=_window(settings.n_fft, device),
            center=True,
            pad_mode="constant",
            return_complex=True,
        )
        power = spectrum.real.square() + spectrum.imag.square()
        level = 10.0 * torch.matmul(bank, power).clamp_min(AMIN).log10()
        level = level - level.amax(dim=(1, 2), keepdim=True)
        return level if settings.top_db is None else level.clamp_min(-settings.top_db)
