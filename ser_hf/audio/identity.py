"""Which recordings are the same recording, whatever their file name or container."""

from __future__ import annotations

import hashlib

import numpy as np


def audio_hash(samples: np.ndarray, rate: int) -> str:
    """Sixteen hex digits of the SHA-256 of decoded mono float32 samples and their rate.

    A WAV and its FLAC copy have the same hash. A copy at another rate or through a lossy codec has another.

    Args:
        samples: decoded mono samples ``(n,)``.
        rate: their sampling rate in Hz.
    """
    digest = hashlib.sha256(f"{rate}:".encode())
    # -0.0 and 0.0 are one sample value with two bit patterns; adding zero leaves one of them
    digest.update((np.asarray(samples, dtype="<f4") + np.float32(0.0)).tobytes())
    return digest.hexdigest()[:16]
