"""Augmentation of recordings that goes by their level: gain, loudness, noise at a signal-to-noise ratio.

Finite mono float32 samples ``(n,)`` in and out. A level is the root mean square over the whole clip; samples may come
to lie beyond 1, and nothing is clipped. Silence has no level and stays as it is.
"""

from __future__ import annotations

import math

import numpy as np


def level(samples: np.ndarray) -> float:
    """Root mean square."""
    return math.sqrt(float(np.mean(np.square(samples, dtype=np.float64))))


def gain(samples: np.ndarray, decibels: float) -> np.ndarray:
    """Makes the clip louder, or quieter for less than 0 dB."""
    return _sum(samples, 10 ** (decibels / 20), None, 0.0)


def set_loudness(samples: np.ndarray, decibels: float) -> np.ndarray:
    """Brings the clip to a level in dB under a root mean square of 1 (a square wave of full scale)."""
    before = level(samples)
    return _sum(samples, 10 ** (decibels / 20) / before if before else 1.0, None, 0.0)


def add_noise_snr(samples: np.ndarray, decibels: float, rng: np.random.Generator) -> np.ndarray:
    """Adds white Gaussian noise.

    Args:
        samples: float32 ``(n,)``.
        decibels: power of the clip over the expected power of the noise; silence gets no noise.
        rng: where the noise comes from.
    """
    noise = rng.standard_normal(len(samples), dtype=np.float32)
    return _sum(samples, 1.0, noise, level(samples) / 10 ** (decibels / 20))


def add_background(
    samples: np.ndarray, background: np.ndarray, decibels: float, rng: np.random.Generator
) -> np.ndarray:
    """Adds another recording: a stretch of it as long as the clip, or all of it, over and over from a place in it.

    Args:
        samples: float32 ``(n,)``.
        background: float32 ``(m,)`` at the same rate.
        decibels: power of the clip over that of the stretch; where either is silent, nothing is added.
        rng: where the place comes from.
    """
    length, whole = len(samples), len(background)
    start = int(rng.integers(whole - length + 1 if whole >= length else whole))
    heard = (
        background[start : start + length]
        if whole >= length
        else background.take(range(start, start + length), mode="wrap")
    )
    there = level(heard)
    return _sum(samples, 1.0, heard, level(samples) / there / 10 ** (decibels / 20) if there else 0.0)


def _sum(samples: np.ndarray, factor: float, other: np.ndarray | None, other_factor: float) -> np.ndarray:
    """In float64, where the factor that raises the faintest clip is no infinity."""
    total = samples.astype(np.float64) * factor
    if other is not None:
        total += other.astype(np.float64) * other_factor
    return total.astype(np.float32)
