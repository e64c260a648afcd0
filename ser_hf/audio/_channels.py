"""Channels mixed down to one."""

from __future__ import annotations

import numpy as np


def mono(samples: np.ndarray) -> np.ndarray:
    """The mean of the channels of floating-point samples ``(n,)`` or ``(n, channels)``, as float32."""
    with np.errstate(over="ignore", invalid="ignore"):  # whoever asks looks for what is not finite
        samples = samples.astype(np.float32, copy=False)
        if samples.ndim == 1:
            return samples
        if samples.shape[1] == 2:  # what the mean is, to the bit, in a fifth of the time
            summed: np.ndarray = samples[:, 0] + samples[:, 1]
            summed *= np.float32(0.5)
            return summed
        mixed: np.ndarray = samples.mean(axis=1, dtype=np.float32)
        return mixed
