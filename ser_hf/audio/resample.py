"""Sampling-rate conversion with soxr.

soxr keeps its cost where the two rates share no large factor (TESS: 24,414 Hz to 16,000 Hz is 12207 : 8000), where a
polyphase resampler builds one filter per phase.
"""

from __future__ import annotations

import numpy as np
import soxr

from ser_hf.base.errors import AudioError


def resample(samples: np.ndarray, rate: int, target: int) -> np.ndarray:
    """Converts ``samples`` from ``rate`` to ``target`` Hz; returned as they are where the two are equal.

    Args:
        samples: mono float32 ``(n,)``.
        rate: sampling rate of the samples in Hz.
        target: sampling rate wanted in Hz.

    Returns:
        float32 ``(n * target / rate,)``, rounded to whole samples.

    Raises:
        AudioError: a rate is not positive, or the samples are not one-dimensional.

    >>> resample(np.zeros(24414, np.float32), 24414, 16000).shape
    (16000,)
    """
    if rate <= 0 or target <= 0:
        raise AudioError(f"sampling rates must be positive numbers of Hz, not {rate} -> {target}")
    if samples.ndim != 1:
        raise AudioError(f"expected mono samples of shape (n,), found shape {samples.shape}")
    samples = np.ascontiguousarray(samples, dtype=np.float32)
    if rate == target or not len(samples):
        return samples
    resampled: np.ndarray = soxr.resample(samples, rate, target, quality="HQ")
    return resampled
