"""Acoustic fingerprints: which recordings are copies of one another, after another rate, codec, gain or trimming.

After Haitsma & Kalker (2002), A Highly Robust Audio Fingerprinting System, ISMIR: 32 bits per frame, the signs of
differences of band energies along time and frequency; two recordings are one if few bits differ. Fitted to clips of
speech: bands that resolve the voice's harmonics, quiet frames left out, and a limit far below the paper's 0.35, because
two takes of one sentence by one actor agree in more bits than two pieces of music do.

Not found: copies at another speed or pitch, excerpts shorter than 0.6 of the recording, more than light noise.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .resample import resample

VERSION = 1
"""To be raised when the bits change: it stands in the key of every cache of fingerprints."""

LONGEST = 60.0
"""Seconds of a recording that are looked at."""

_RATE, _WINDOW, _HOP, _LAG = 4_000, 512, 64, 3
_EDGES = np.linspace(200.0, 1850.0, 34)  # Hz: what a telephone passes, and every codec keeps
_RANGE = 0.01  # frames are quiet 20 dB below the loudest
_SILENCE = 3e-5  # one step of 16 bits
_FEWEST = 24  # frames, 0.4 seconds
_SHIFT = 64  # frames, one second
_OVERLAP, _SHORTER = 0.8, 0.6
# Among 5.5 million pairs of RAVDESS, SAVEE, TESS the nearest takes differ in 0.234 of the bits; half a second out of
# TESS's carrier sentence in 0.15. Copies through codecs differ in 0.04 to 0.15, resampled ones in less than 0.01.
_ERRORS, _WORST, _FRAMES = 0.20, 0.28, 80
_LAGS = (6, 9, 12, 16, 20, 25)

_HANN = np.hanning(_WINDOW).astype(np.float32)
_HERTZ = np.fft.rfftfreq(_WINDOW, 1 / _RATE)
_BANDS = ((_HERTZ[:, None] >= _EDGES[:-1]) & (_HERTZ[:, None] < _EDGES[1:])).astype(np.float32)


def fingerprint(samples: np.ndarray, rate: int) -> np.ndarray:
    """The fingerprint of a recording, from its first to its last loud frame; one frame every 16 ms.

    Args:
        samples: mono samples ``(n,)``.
        rate: their sampling rate in Hz.

    Returns:
        uint32 ``(frames,)``, zero in quiet frames; of length zero where there is too little to go by: silence, less
        than 0.4 seconds of sound, or a sound that does not change.
    """
    sound = samples[: int(LONGEST * rate)]
    sound = sound - sound.mean(dtype=np.float64).astype(np.float32) if len(sound) else sound
    if not len(sound) or np.abs(sound).max() < _SILENCE:
        return np.zeros(0, np.uint32)
    energy = _band_energies(resample(sound, rate, _RATE))
    total = energy.sum(axis=1)
    loud = total > _RANGE * total.max()
    slope = energy[:, :-1] - energy[:, 1:]
    bits = slope[_LAG:] > slope[:-_LAG]
    words = np.packbits(bits, axis=1).view("<u4")[:, 0].astype(np.uint32)
    words[words == 0] = 1  # zero is kept for quiet frames
    words[~(loud[_LAG:] | loud[:-_LAG])] = 0
    there = np.flatnonzero(words)
    if len(there) < _FEWEST or len(np.unique(words[there])) < _FEWEST // 2:
        return np.zeros(0, np.uint32)
    kept: np.ndarray = words[there[0] : there[-1] + 1]
    return kept


def _band_energies(sound: np.ndarray) -> np.ndarray:
    """Energy in 33 bands, float32 ``(frames, 33)``."""
    padded = np.pad(sound, _WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP] * _HANN
    spectrum = np.fft.rfft(frames)
    energies: np.ndarray = (spectrum.real**2 + spectrum.imag**2) @ _BANDS
    return energies


def rhythm(words: np.ndarray) -> np.ndarray:
    """A unit vector by which fingerprints that may be alike are found among many: copies have a high cosine.

    How often each bit agrees with itself some frames later: the same for a copy, wherever in its file the sound begins.

    Args:
        words: a fingerprint.

    Returns:
        float32 ``(192,)``; all zero for an empty fingerprint.
    """
    signs = np.unpackbits(words.astype("<u4").view(np.uint8).reshape(-1, 4), axis=1).astype(np.int8) * 2 - 1
    signs *= (words != 0)[:, None]
    parts = []
    for lag in _LAGS:
        pairs = max(np.count_nonzero(words[lag:] * (words[:-lag] != 0)), 1)
        agreement = (signs[lag:] * signs[:-lag]).sum(axis=0) / pairs
        parts.append(agreement - agreement.mean())
    vector = np.concatenate(parts).astype(np.float32)
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector


class Agreement(NamedTuple):
    """How far two fingerprints agree, at the shift that fits best.

    Attributes:
        errors: share of differing bits among the frames that are loud in both; 1 where the two overlap too little.
        worst: the same in the worst quarter of these frames.
        frames: how many they are.
    """

    errors: float
    worst: float
    frames: int

    @property
    def same_recording(self) -> bool:
        """Whether so few bits differ that both are copies of one recording.

        The fewer frames there are to go by, the closer they must agree. The worst quarter counts for itself, because
        takes of "Say the word back" and "Say the word bite" may be alike for three quarters.
        """
        evidence = min(1.0, self.frames / _FRAMES)
        return self.errors <= _ERRORS * evidence and self.worst <= _WORST * evidence


def compare(one: np.ndarray, other: np.ndarray) -> Agreement:
    """Holds two fingerprints against each other, at every shift up to one second.

    Args:
        one: a fingerprint.
        other: another.
    """
    if len(one) > len(other):
        one, other = other, one
    loud = min(np.count_nonzero(one), np.count_nonzero(other))
    needed = _OVERLAP * loud
    if loud < _FEWEST or len(one) < _SHORTER * len(other):
        return Agreement(1.0, 1.0, 0)
    shifted = np.lib.stride_tricks.sliding_window_view(np.pad(other, _SHIFT), len(one))
    both = (shifted != 0) & (one != 0)
    wrong = np.bitwise_count(shifted ^ one) * both
    count = both.sum(axis=1)
    rates = np.where(count >= needed, wrong.sum(axis=1) / np.maximum(32 * count, 1), 1.0)
    best = int(rates.argmin())
    if count[best] < needed:
        return Agreement(1.0, 1.0, 0)
    errors = wrong[best][both[best]] / 32
    worst = max(float(quarter.mean()) for quarter in np.array_split(errors, 4))
    return Agreement(float(rates[best]), worst, int(count[best]))
