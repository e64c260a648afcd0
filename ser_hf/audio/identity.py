"""Which recordings are the same recording, whatever their file name or container."""

from __future__ import annotations

import numpy as np
import xxhash

_MINUS_ZERO = -(1 << 31)
"""The bits of -0.0 read as an integer: the least there is."""


def audio_hash(samples: np.ndarray, rate: int) -> str:
    """Sixteen hex digits: 64-bit XXH3 of decoded mono float32 samples, seeded by their rate.

    A WAV and its FLAC copy have the same hash. A copy at another rate or through a lossy codec has another. Not made to
    withstand forgery: it is for finding copies, and fast enough to vanish beside the decoding (SHA-256 is not).

    Args:
        samples: decoded mono samples ``(n,)``.
        rate: their sampling rate in Hz.
    """
    values = np.ascontiguousarray(samples, dtype="<f4")
    # -0.0 and 0.0 are one sample value with two bit patterns; adding zero leaves one of them
    if len(values) and values.view("<i4").min() == _MINUS_ZERO:
        values = values + np.float32(0.0)
    return xxhash.xxh3_64_hexdigest(values.data, seed=rate)
