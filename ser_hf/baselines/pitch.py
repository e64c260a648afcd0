"""Pitch by librosa's YIN, and which frames have one."""

from __future__ import annotations

import contextlib
import functools
from types import ModuleType

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from ser_hf.base.cache_folder import cache_folder

F_MIN, F_MAX = 60.0, 600.0
"""Hz: from a low man's voice to a woman's in fear."""

_FRAME, _HOP, _COMPARED = 0.064, 0.016, 0.032
_QUIET_DB = 30.0
_SIMILAR = 0.5


def pitch(waveform: NDArray[np.float32], sampling_rate: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Pitch in Hz of every frame ``(t,)``, and whether the frame is voiced ``(t,)``.

    Frames of 64 ms every 16 ms. YIN (de Cheveigné and Kawahara, JASA 2002, doi 10.1121/1.1458024) names a pitch of
    every frame; a voiced one is at most 30 dB quieter than the loudest, and repeats itself one period later with a
    correlation above 0.5. 1.7 s of speech take 2.5 ms;
    librosa's probabilistic YIN would take a second.

    Args:
        waveform: ``(n,)``, one sample or more.
        sampling_rate: Hz.
    """
    librosa = _librosa()
    size, hop, compared = (round(seconds * sampling_rate) for seconds in (_FRAME, _HOP, _COMPARED))
    size += size % 2
    hertz = librosa.yin(waveform, fmin=F_MIN, fmax=F_MAX, sr=sampling_rate, frame_length=size, hop_length=hop)
    frames = librosa.util.frame(np.pad(waveform, size // 2), frame_length=size, hop_length=hop).T.astype(np.float64)
    periods = np.minimum(np.round(sampling_rate / hertz).astype(int), size - compared)
    now = frames[:, :compared]
    later = np.take_along_axis(frames, np.arange(compared) + periods[:, None], axis=1)
    power = np.vecdot(frames, frames)
    loud = power > power.max() * 10 ** (-_QUIET_DB / 10)
    lengths = np.sqrt(np.vecdot(now, now) * np.vecdot(later, later))
    similar = np.vecdot(now, later) > _SIMILAR * lengths
    return hertz, loud & similar


@functools.cache
def _librosa() -> ModuleType:
    """librosa, whose pitch is compiled at its first use on a machine, by one process at a time.

    Two that compile at once mix up the entries of numba's cache on disk, and every later process on the machine then
    dies of a segmentation fault. Where no lock can be written there is none.
    """
    import librosa

    folder = cache_folder()
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(FileLock(folder / "librosa.lock"))
        librosa.yin(np.ones(4096, dtype=np.float32), fmin=F_MIN, fmax=F_MAX, sr=16_000)
    return librosa
