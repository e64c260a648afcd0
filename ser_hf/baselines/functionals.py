"""Functionals: a clip of any length as one vector, by statistics over its frames."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from ser_hf.models.log_mel import LogMelSettings, log_mel
from ser_hf.models.mfcc import DELTA_WIDTH, cepstrum, delta

from .pitch import pitch

Vector = NDArray[np.float32]

PERCENTILES = (5, 25, 50, 75, 95)
STATISTICS = ("mean", "deviation", *(f"percentile {p}" for p in PERCENTILES), "mean |delta|", "deviation of deltas")
"""Of every mel band and coefficient, in the order of the vector."""

PROSODY = (
    *("pitch mean", "pitch deviation", "pitch range", "voiced share"),
    *("energy mean", "energy deviation", "energy range", "duration"),
)
"""Pitch in semitones over 27.5 Hz and energy in dB, range from percentile 5 to 95; duration in seconds."""

_LOWEST_HZ = 27.5
_SILENCE_DB = -100.0


def mean_mfcc(waveform: Vector, settings: LogMelSettings, n_mfcc: int) -> Vector:
    """Every cepstral coefficient's mean over time, ``(n_mfcc,)``."""
    mean: Vector = cepstrum(_decibels(waveform, settings), n_mfcc)[0].mean(dim=1).numpy()
    return mean


def functionals(waveform: Vector, settings: LogMelSettings, n_mfcc: int) -> Vector:
    """`STATISTICS` of ``n_mfcc`` cepstral coefficients and ``n_mels`` bands, then `PROSODY`.

    Args:
        waveform: ``(n,)``, peak-normalised and trimmed.
        settings: of a spectrogram in decibels.
        n_mfcc: cepstral coefficients.

    Returns:
        ``(9 * (n_mfcc + n_mels) + 8,)``; first the mean of all coefficients and bands, then their deviation, and so on.
        A clip without a voiced frame has a pitch of 0.
    """
    spectrogram = _decibels(waveform, settings)
    rows = torch.cat([cepstrum(spectrogram, n_mfcc)[0], spectrogram[0]])
    missing = DELTA_WIDTH - rows.shape[1]
    slopes = delta(F.pad(rows[None], (0, missing), mode="replicate")[0] if missing > 0 else rows)
    of_rows = [rows.mean(1), rows.std(1, correction=0), *_percentiles(rows.numpy())]
    of_slopes = [slopes.abs().mean(1), slopes.std(1, correction=0)]
    spectral = np.concatenate([np.asarray(values) for values in of_rows + of_slopes])
    return np.concatenate([spectral, prosody(waveform, settings.sampling_rate)]).astype(np.float32)


def prosody(waveform: Vector, sampling_rate: int) -> NDArray[np.float64]:
    """Statistics of pitch and energy, and the duration: see `PROSODY`."""
    hertz, voiced = pitch(waveform, sampling_rate)
    semitones = 12 * np.log2(hertz[voiced] / _LOWEST_HZ) if voiced.any() else np.zeros(1)
    energy = _energy(waveform, sampling_rate)
    return np.array(
        [*_spread(semitones), voiced.mean(), *_spread(energy), len(waveform) / sampling_rate], dtype=np.float64
    )


def _decibels(waveform: Vector, settings: LogMelSettings) -> torch.Tensor:
    return log_mel(torch.from_numpy(np.ascontiguousarray(waveform))[None], settings)


def _percentiles(rows: NDArray[np.float32]) -> list[torch.Tensor]:
    return [torch.from_numpy(values) for values in np.percentile(rows, PERCENTILES, axis=1)]


def _spread(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Mean, deviation, and range from percentile 5 to 95."""
    low, high = np.percentile(values, [5, 95])
    return float(values.mean()), float(values.std()), float(high - low)


def _energy(waveform: Vector, sampling_rate: int) -> NDArray[np.float64]:
    """Mean power in dB of blocks of 16 ms; what is left over at the end is a block of its own."""
    size = max(1, round(0.016 * sampling_rate))
    starts = np.arange(0, len(waveform), size)
    sums = np.add.reduceat(np.square(waveform, dtype=np.float64), starts)
    power = sums / np.diff(np.append(starts, len(waveform)))
    decibels: NDArray[np.float64] = 10 * np.log10(np.maximum(power, 10 ** (_SILENCE_DB / 10)))
    return decibels
