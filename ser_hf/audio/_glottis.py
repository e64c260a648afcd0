"""The source of a synthetic voice: pulses of the glottis, and breath."""

from __future__ import annotations

import numpy as np


def pulses(
    pitch: np.ndarray, rate: int, breath: float, tilt: float, roughness: float, rng: np.random.Generator
) -> np.ndarray:
    """Derivative of Rosenberg pulses (1971, JASA 49(2B), doi 10.1121/1.1912389), with noise while the glottis is open.

    A breathy voice stays open longer, a pressed (bright) one closes sooner.

    Args:
        pitch: fundamental frequency in Hz of every sample ``(n,)``.
        rate: sampling rate in Hz.
        breath: strength of the noise relative to the pulses, 0 to 1.
        tilt: brightness in dB per octave.
        roughness: standard deviation of the period as a fraction; amplitudes vary by three times that.
        rng: source of the noise.
    """
    cycles = np.cumsum(pitch) / rate
    count = int(cycles[-1]) + 3
    jitter, shimmer = rng.standard_normal((2, count))
    cycles += np.interp(cycles, np.arange(count), np.cumsum(jitter) * roughness)
    cycle = np.floor(cycles)
    flow = _flow(cycles - cycle, float(np.clip(0.48 + 0.6 * breath - 0.02 * tilt, 0.35, 0.85)))
    loudness = np.clip(1 + 3 * roughness * shimmer, 0.3, 1.7)
    flow *= loudness[np.clip(cycle, 0, count - 1).astype(int)]
    source: np.ndarray = np.diff(flow, prepend=flow[:1])
    noise = rng.standard_normal(len(flow)) * (0.3 + flow)
    source += breath * source.std() * noise
    return source


def _flow(phase: np.ndarray, opened: float) -> np.ndarray:
    """Air flow at each ``phase`` (0 to 1) of the cycle, the glottis being open for the share ``opened``."""
    rise, fall = 0.65 * opened, 0.35 * opened
    flow: np.ndarray = np.where(phase < rise, 0.5 - 0.5 * np.cos(np.pi * phase / rise), 0.0)
    closing = (phase >= rise) & (phase < opened)
    flow[closing] = np.cos(0.5 * np.pi * (phase[closing] - rise) / fall)
    return flow
