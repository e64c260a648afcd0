"""Augmentation of recordings: tempo, pitch, speed, place and noise, on finite mono float32 samples ``(n,)``.

Tempo changes by a phase vocoder, pitch by the same and a resampling after it. Every function gives new samples and
leaves its input alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import soxr
import torch
from torch.nn import functional as F

from ser_hf.base.errors import SerHfError

from ._vocoder import at_tempo

_WINDOW = 0.05
"""Seconds, rounded to a power of two in samples: a few periods of a low voice, and short against a syllable."""


def time_stretch(samples: np.ndarray, rate_factor: float, sampling_rate: int = 16_000) -> np.ndarray:
    """Changes the tempo at the same pitch.

    Args:
        samples: float32 ``(n,)``.
        rate_factor: above 1 quicker and shorter, below 1 slower and longer.
        sampling_rate: in Hz; decides the window only.

    Returns:
        float32 ``(n / rate_factor,)``, rounded to whole samples and never empty.

    Raises:
        SerHfError: see `tempo_and_pitch`.

    >>> time_stretch(np.zeros(16000, np.float32), 1.25).shape
    (12800,)
    """
    return tempo_and_pitch(samples, sampling_rate, rate_factor, 0.0)


def pitch_shift(samples: np.ndarray, sampling_rate: int, semitones: float) -> np.ndarray:
    """Changes the pitch, and the formants with it, at the same tempo.

    Args:
        samples: float32 ``(n,)``.
        sampling_rate: in Hz.
        semitones: above 0 higher, below 0 lower; 12 are an octave.

    Returns:
        float32 ``(n,)``.

    Raises:
        SerHfError: see `tempo_and_pitch`.
    """
    return tempo_and_pitch(samples, sampling_rate, 1.0, semitones)


def tempo_and_pitch(samples: np.ndarray, sampling_rate: int, rate_factor: float, semitones: float) -> np.ndarray:
    """Changes both at once: one pass of the vocoder smears less, and takes half the time, of two.

    Returns:
        float32 ``(n / rate_factor,)``, rounded to whole samples and never empty.

    Raises:
        SerHfError: samples that are not one row of one or more, a factor or rate that is not above 0, or a number of
            semitones that is not finite.
    """
    check_mono(samples)
    if not (sampling_rate > 0 and 0 < rate_factor < math.inf and math.isfinite(semitones)):
        raise SerHfError(
            f"cannot stretch by {rate_factor} and shift by {semitones} semitones at {sampling_rate} Hz; expected a "
            "factor and a rate above 0 and a finite number of semitones"
        )
    ratio = 2.0 ** (-semitones / 12)  # played this much quicker after the vocoder, the voice rises
    changed = _vocode(samples, rate_factor * ratio, sampling_rate)
    if ratio != 1:
        changed = soxr.resample(changed, sampling_rate / ratio, sampling_rate, quality="HQ")
    length = max(1, round(len(samples) / rate_factor))
    return np.pad(changed[:length], (0, max(0, length - len(changed))))


def add_noise(samples: np.ndarray, amplitude: float, rng: np.random.Generator) -> np.ndarray:
    """Adds white Gaussian noise.

    Args:
        samples: float32 ``(n,)``.
        amplitude: standard deviation of the noise, on the scale of the samples.
        rng: where the noise comes from.
    """
    noise = rng.standard_normal(len(samples), dtype=np.float32)
    return np.asarray(samples, dtype=np.float32) + np.float32(amplitude) * noise


def speed(samples: np.ndarray, factor: float) -> np.ndarray:
    """Plays the clip quicker or slower, as a tape: tempo and pitch change together.

    Args:
        samples: float32 ``(n,)``.
        factor: above 1 quicker, shorter and higher.

    Returns:
        float32 ``(n / factor,)``, rounded to whole samples and never empty.

    Raises:
        SerHfError: samples that are not one row of one or more, or a factor that is not above 0.
    """
    check_mono(samples)
    if not 0 < factor < math.inf:
        raise SerHfError(f"cannot play at {factor} times the speed; expected a factor above 0")
    given = np.array(samples, dtype=np.float32)
    length = max(1, round(len(given) / factor))
    played = given if factor == 1 else soxr.resample(given, factor, 1.0, quality="HQ")
    return np.pad(played[:length], (0, max(0, length - len(played))))


def shift_waveform(samples: np.ndarray, share: float) -> np.ndarray:
    """Moves the clip by a share of its length, later for shares above 0; what leaves one end enters the other.

    Args:
        samples: float32 ``(n,)``.
        share: of the length, from -1 to 1.
    """
    return np.roll(np.asarray(samples, dtype=np.float32), round(share * len(samples)))


def window_size(sampling_rate: int) -> int:
    """Samples in the window of a spectrum."""
    return int(2 ** max(5, round(math.log2(_WINDOW * sampling_rate))))


def check_mono(samples: np.ndarray) -> None:
    """Refuses what is no clip.

    Raises:
        SerHfError: samples that are not one row of one or more.
    """
    if samples.ndim != 1 or not len(samples):
        raise SerHfError(f"expected mono samples of shape (n,), found shape {samples.shape}")


def _vocode(samples: np.ndarray, rate_factor: float, sampling_rate: int) -> np.ndarray:
    waveform = torch.from_numpy(np.array(samples, dtype=np.float32))
    if rate_factor == 1:
        return waveform.numpy()
    size = window_size(sampling_rate)
    window, hop = torch.hann_window(size), size // 4
    length = max(1, round(len(waveform) / rate_factor))
    with one_thread():
        # zeros round the clip, where torch would reflect it and refuse one that is shorter than half a window
        padded = F.pad(waveform, (size // 2, size // 2))
        frames = torch.stft(padded, size, hop, window=window, center=False, return_complex=True)
        stretched = torch.from_numpy(at_tempo(frames.T.numpy(), rate_factor)).T
        return torch.istft(stretched, size, hop, window=window, length=length).numpy()


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread, for the same bits whatever the number, and because a forked worker that starts threads can hang."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
