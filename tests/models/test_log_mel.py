"""Log-mel spectrograms against librosa."""

import librosa
import numpy as np
import pytest
import torch

from ser_hf.models.log_mel import LogMelSettings, log_mel


def tone(n: int = 48000, scale: float = 1.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    time = np.arange(n) / 16000
    wave = np.sin(2 * np.pi * 220 * time) + 0.3 * np.sin(2 * np.pi * 3100 * time) + rng.normal(0, 0.05, n)
    return (scale * wave).astype(np.float32)


def librosa_log_mel(clip: np.ndarray, settings: LogMelSettings) -> np.ndarray:
    mel = librosa.feature.melspectrogram(
        y=clip,
        sr=settings.sampling_rate,
        n_fft=settings.n_fft,
        hop_length=settings.hop_length,
        n_mels=settings.n_mels,
        fmin=settings.f_min,
        fmax=settings.f_max,
    )
    return librosa.power_to_db(mel, ref=np.max, top_db=settings.top_db)


@pytest.mark.parametrize(
    "settings",
    [
        LogMelSettings(),
        LogMelSettings(n_fft=512, hop_length=160, n_mels=64),
        LogMelSettings(f_min=50, f_max=7600, n_mels=80, top_db=60),
        LogMelSettings(sampling_rate=8000, top_db=None),
    ],
    ids=["default", "short", "band", "8kHz"],
)
@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_equals_librosa(settings: LogMelSettings, scale: float) -> None:
    clip = tone(scale=scale)
    ours = log_mel(torch.from_numpy(clip)[None], settings)[0].numpy()
    expected = librosa_log_mel(clip, settings)
    assert ours.shape == expected.shape == (settings.n_mels, settings.n_frames(clip.size))
    np.testing.assert_allclose(ours, expected, atol=1e-3)


def test_a_quiet_clip_does_not_depend_on_its_neighbours() -> None:
    clips = torch.from_numpy(np.stack([tone(scale=1e-3), tone(seed=1), np.zeros(48000, dtype=np.float32)]))
    together = log_mel(clips, LogMelSettings())
    alone = torch.cat([log_mel(clip[None], LogMelSettings()) for clip in clips])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=0)


@pytest.mark.parametrize("n", [1, 255, 256, 1000])
def test_short_clips_and_silence_are_finite(n: int) -> None:
    for clip in (torch.zeros(1, n), torch.full((1, n), 1e-20), torch.ones(1, n)):
        level = log_mel(clip, LogMelSettings())
        assert level.shape == (1, 128, 1 + n // 256)
        assert level.min() >= -80
        assert level.max() == 0


def test_autocast_does_not_change_it() -> None:
    clip = torch.from_numpy(tone())[None]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        level = log_mel(clip, LogMelSettings())
    torch.testing.assert_close(level, log_mel(clip, LogMelSettings()))


@pytest.mark.gpu
def test_the_device_does_not_matter() -> None:
    clip = torch.from_numpy(tone())[None]
    on_device = log_mel(clip.cuda(), LogMelSettings())
    assert on_device.is_cuda
    torch.testing.assert_close(on_device.cpu(), log_mel(clip, LogMelSettings()), atol=1e-2, rtol=0)
