"""What can be measured of a recording without knowing what is said: how loud it is, and how far over its noise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FLOOR_DB = -100.0
"""The loudness of silence."""
MOST_SNR_DB = 100.0
"""The signal-to-noise ratio of a recording whose quietest frames are silence."""
_FRAME_S = 0.02
_NOISE, _SPEECH = 10.0, 90.0
_FEWEST_FRAMES = 5


def loudness_db(waveform: npt.NDArray[np.floating]) -> float:
    """Root mean square of a mono recording ``(n,)`` in dB of full scale (dBFS); a full sine has -3.01.

    >>> round(loudness_db(np.full(100, 0.1)), 1)
    -20.0
    """
    power = float(np.mean(np.square(waveform, dtype=np.float64))) if len(waveform) else 0.0
    return max(FLOOR_DB, float(10 * np.log10(power))) if power > 0 else FLOOR_DB


def snr_db(waveform: npt.NDArray[np.floating], sampling_rate: int) -> float | None:
    """A blind estimate of the signal-to-noise ratio in dB: loud frames over quiet ones.

    The power of noise is taken from the frame of 20 ms at the 10th percentile, that of speech with noise from the one
    at the 90th (minimum statistics, Martin 2001, doi 10.1109/89.928915, in their simplest form). It orders recordings;
    in a clip without a pause the noise is overrated, in one with digital silence at its edges underrated.

    Args:
        waveform: mono, ``(n,)``.
        sampling_rate: in Hz.

    Returns:
        Up to `MOST_SNR_DB`; None of fewer than five frames.
    """
    size = max(1, round(_FRAME_S * sampling_rate))
    frames = len(waveform) // size
    if frames < _FEWEST_FRAMES:
        return None
    power = np.square(waveform[: frames * size], dtype=np.float64).reshape(frames, size).mean(axis=1)
    noise, loud = np.percentile(power, [_NOISE, _SPEECH])
    if loud <= 0:
        return None
    if noise <= loud * 10 ** (-MOST_SNR_DB / 10):
        return MOST_SNR_DB
    return float(10 * np.log10(max(loud - noise, 1e-12 * loud) / noise))
