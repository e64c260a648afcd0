"""The sound of a room: convolution with its impulse response."""

from __future__ import annotations

import numpy as np

from ser_hf.base.errors import SerHfError

from .level import level


def add_room(samples: np.ndarray, impulse: np.ndarray) -> np.ndarray:
    """Lets the clip sound in a room, as loud as before and at the same time.

    The loudest sample of the impulse response is taken as the direct path, and stays where the clip was; what sounds on
    after the clip's end is cut.

    Args:
        samples: finite float32 ``(n,)``.
        impulse: impulse response ``(m,)`` at the same rate.

    Returns:
        float32 ``(n,)`` of the same root mean square.

    Raises:
        SerHfError: the impulse response is silent.
    """
    if not np.any(impulse):
        raise SerHfError(f"an impulse response of {len(impulse)} samples is silent; expected one with a direct path")
    length = len(samples)
    size = 1 << (length + len(impulse) - 2).bit_length()  # holds the whole convolution, which else would wrap round
    heard = np.fft.irfft(np.fft.rfft(_to_one(samples), size) * np.fft.rfft(_to_one(impulse), size), size)
    direct = int(np.abs(impulse).argmax())
    heard = heard[direct : direct + length]
    loudness = level(heard)
    return (heard * (level(samples) / loudness if loudness else 0.0)).astype(np.float32)


def _to_one(samples: np.ndarray) -> np.ndarray:
    """In float64 with a peak of 1, so that products of faint sounds do not vanish."""
    peak = float(np.abs(samples).max())
    return samples.astype(np.float64) / peak if peak else samples.astype(np.float64)
