"""Decode and resample in one step."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .decode import decode
from .resample import resample


def load(source: str | Path | bytes, sampling_rate: int, name: str | None = None) -> np.ndarray:
    """Mono float32 samples ``(n,)`` of a path or of a file's bytes at ``sampling_rate`` Hz.

    Args:
        source: a path, or the bytes of an audio file.
        sampling_rate: rate of the result in Hz.
        name: how error messages call the source.

    Raises:
        AudioError: see ``decode`` and ``resample``.
    """
    samples, rate = decode(source, name)
    return resample(samples, rate, sampling_rate)
