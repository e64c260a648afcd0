"""Waveform steps before the spectrogram: peak normalisation, silence trimming, fixed length; NumPy float32."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Waveform = NDArray[np.float32]

FRAME_LENGTH = 2048
HOP_LENGTH = 512
TRIM_DB = 30.0
"""Default of `trim_silence`: room noise and breath lie 30 to 60 dB under speech, and librosa's 60 dB keeps them."""

_POWER_FLOOR = 1e-10


def as_waveform(samples: Any) -> Waveform:
    """Checks one mono clip and gives it as float32.

    Args:
        samples: floating-point samples ``(n,)`` in ``[-1, 1]``: an array, a CPU tensor or a list of floats.

    Raises:
        ValueError: it is not one channel, not floating-point, empty, or holds NaN or infinity.
    """
    return _checked(samples)[0]


def _checked(samples: Any) -> tuple[Waveform, np.float32]:
    """A clip, and its largest magnitude, which tells whether all of it is finite."""
    array = np.asarray(samples)
    if array.ndim != 1:
        raise ValueError(
            f"expected one mono clip of shape (n,), found shape {array.shape}; "
            "average the channels of a stereo clip, and pass several clips as a list"
        )
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(
            f"expected floating-point samples in [-1, 1], found {array.dtype}; "
            "divide integer samples by their full scale (32768 for int16)"
        )
    if array.size == 0:
        raise ValueError("the clip is empty: it has no samples")
    waveform = array.astype(np.float32, copy=False)
    peak = np.maximum(waveform.max(), -waveform.min())  # NaN goes through, unlike in Python's max
    if not np.isfinite(peak):
        raise ValueError(f"the clip holds {int((~np.isfinite(waveform)).sum())} non-finite samples (NaN or infinity)")
    return waveform, peak


def peak_normalise(samples: Any) -> Waveform:
    """Scales a clip so that its largest magnitude is 1; a clip of zeros stays as it is.

    >>> peak_normalise(np.array([0.25, -0.5], dtype=np.float32))
    array([ 0.5, -1. ], dtype=float32)

    Raises:
        ValueError: see `as_waveform`.
    """
    return _normalised(*_checked(samples))


def trim_silence(samples: Any, top_db: float = TRIM_DB) -> Waveform:
    """Cuts the start and the end that lie more than ``top_db`` below the loudest frame.

    Gives the samples of ``librosa.effects.trim`` (frames of 2048 samples every 512, centred, zero padded) from sums
    over blocks of 512 samples. A clip of zeros is returned whole.

    Raises:
        ValueError: see `as_waveform`.
    """
    return _trimmed(as_waveform(samples), top_db)


def fix_length(samples: Any, length: int) -> Waveform:
    """Centres a clip in ``length`` samples: zeros on both sides, or both ends cut; an odd sample goes to the end.

    >>> fix_length(np.array([1.0, 2.0], dtype=np.float32), 5)
    array([0., 1., 2., 0., 0.], dtype=float32)

    Raises:
        ValueError: ``length`` is not positive; see also `as_waveform`.
    """
    return _centred(as_waveform(samples), length)


def prepare(
    samples: Any, length: int, *, normalise: bool = True, trim_db: float | None = TRIM_DB, out: Waveform | None = None
) -> Waveform:
    """The steps above in turn, with one look at the samples.

    Args:
        samples: see `as_waveform`.
        length: of the result, in samples.
        normalise: scale the clip by `peak_normalise`.
        trim_db: for `trim_silence`; None keeps silence.
        out: where to write the result, ``(length,)``.

    Raises:
        ValueError: ``length`` is not positive; see also `as_waveform`.
    """
    waveform, peak = _checked(samples)
    if normalise:
        waveform = _normalised(waveform, peak)
    if trim_db is not None:
        waveform = _trimmed(waveform, trim_db)
    return _centred(waveform, length, out)


def _normalised(waveform: Waveform, peak: np.float32) -> Waveform:
    return waveform / peak if peak >= np.finfo(np.float32).tiny else waveform


def _trimmed(waveform: Waveform, top_db: float) -> Waveform:
    half = FRAME_LENGTH // HOP_LENGTH // 2
    frames = 1 + waveform.size // HOP_LENGTH
    whole = waveform[: (frames - 1) * HOP_LENGTH].reshape(frames - 1, HOP_LENGTH)
    rest = waveform[whole.size :]
    energy = np.zeros(frames + 2 * half)  # of blocks: silence, the clip, silence
    with np.errstate(over="ignore", invalid="ignore"):  # samples beyond 1e17 have no finite square: they stay whole
        energy[half : half + frames - 1] = np.vecdot(whole, whole)
        energy[half + frames - 1] = np.vecdot(rest, rest)
        sums = np.concatenate([[0.0], np.cumsum(energy)])
        power = (sums[2 * half : 2 * half + frames] - sums[:frames]) / FRAME_LENGTH
    threshold = max(float(power.max()), _POWER_FLOOR) * 10.0 ** (-top_db / 10.0)
    loud = np.flatnonzero(np.maximum(power, _POWER_FLOOR) > threshold)
    if loud.size == 0:
        return waveform
    return waveform[loud[0] * HOP_LENGTH : min(waveform.size, (loud[-1] + 1) * HOP_LENGTH)]


def _centred(waveform: Waveform, length: int, out: Waveform | None = None) -> Waveform:
    if length <= 0:
        raise ValueError(f"expected a positive length in samples, found {length}")
    if out is None:
        out = np.empty(length, dtype=np.float32)
    missing = length - waveform.size
    if missing < 0:
        start = -missing // 2
        out[:] = waveform[start : start + length]
    else:
        start = missing // 2
        out[:start] = 0
        out[start : start + waveform.size] = waveform
        out[start + waveform.size :] = 0
    return out
