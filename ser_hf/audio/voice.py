"""A small synthetic voice: glottal pulses and breath through moving formants, with a prosody that differs by emotion.

It is made for tests, examples and a first run without any download. Scores on it say that a pipeline works and
nothing about speech; whatever shows them must call them synthetic.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ser_hf.base.errors import AudioError, unknown

from ._glottis import pulses
from ._phones import Syllable, syllables
from ._prosody import EMOTIONS, Prosody, manner
from ._tract import Trajectory, through

SAMPLING_RATE = 16_000
_TREMOR_HZ = 6.5


@dataclass(frozen=True, slots=True)
class Voice:
    """A speaker.

    Attributes:
        name: its seed; two voices of one name and sex are the same.
        pitch: mean pitch in Hz when neutral.
        tract: formants relative to those of an adult man.
        rate: syllables per second relative to the mean.
        expressiveness: how strongly its emotions leave neutral.
        level: loudness in dB.
        tilt: slope of its spectrum in dB per octave, the microphone included.
    """

    name: str
    pitch: float
    tract: float
    rate: float
    expressiveness: float
    level: float
    tilt: float

    @classmethod
    def invent(cls, name: str, sex: Literal["female", "male"]) -> Voice:
        """Draws a speaker that depends on nothing but the name and the sex."""
        rng = np.random.default_rng(_number(name, sex))
        pitch, tract = (205.0, 1.16) if sex == "female" else (118.0, 1.0)
        z = rng.standard_normal(6)
        return cls(
            name,
            pitch * float(np.exp(0.10 * z[0])),
            tract * float(np.exp(0.04 * z[1])),
            float(np.exp(0.07 * z[2])),
            float(np.clip(1 + 0.14 * z[3], 0.6, 1.5)),
            2.0 * float(z[4]),
            0.6 * float(z[5]),
        )


def synthesise(emotion: str, speaker: Voice, sentence: str, intensity: float = 1.0, seed: int = 0) -> np.ndarray:
    """Speaks ``sentence``.

    Args:
        emotion: neutral, calm, happy, sad, angry, fearful, disgust or surprised.
        speaker: who speaks.
        sentence: English text; only its letters matter.
        intensity: distance from neutral, 1 being normal.
        seed: not negative; another seed is another take, the same seed gives the same samples.

    Returns:
        float32 ``(n,)`` at ``SAMPLING_RATE``, 1 to 3 s for a short sentence, within [-1, 1].

    Raises:
        AudioError: the emotion is unknown.
    """
    if emotion not in EMOTIONS:
        raise AudioError(unknown("emotion of the synthetic voice", emotion, EMOTIONS))
    rng = np.random.default_rng([seed, _number(speaker.name, emotion, sentence, f"{intensity:g}")])
    habit = np.random.default_rng(_number("habit", speaker.name, emotion))
    how = manner(emotion, intensity * speaker.expressiveness, habit, rng)
    plan = syllables(sentence)
    edges = _edges(len(plan), how, speaker, rng)
    n = int(edges[-1] * SAMPLING_RATE)
    voiced, friction = _envelopes(plan, edges, n, how, rng)
    pitch = _pitch(edges, n, how, speaker, rng)
    source = voiced * pulses(pitch, SAMPLING_RATE, how.breath, how.tilt, how.roughness, rng)
    speech = through(source, SAMPLING_RATE, _formants(plan, edges, how, speaker), how.tilt + speaker.tilt, how.breath)
    speech /= np.sqrt(np.mean(speech**2)) + 1e-9
    hiss = np.diff(rng.standard_normal(n + 1)) * friction * 0.35
    return _record(speech + hiss, how, speaker, rng)


def _number(*words: str) -> int:
    """A seed out of words; Python's own hash differs from process to process."""
    return zlib.crc32("\0".join(words).encode())


def _edges(count: int, how: Prosody, speaker: Voice, rng: np.random.Generator) -> np.ndarray:
    """Times in seconds at which the ``count`` syllables begin, and the end of the last."""
    lengths = np.exp(0.18 * rng.standard_normal(count))
    lengths[-1] *= 1.5
    total = (0.35 + 0.16 * count) * np.exp(-how.rate) / speaker.rate
    return np.concatenate([[0.0], np.cumsum(lengths / lengths.sum() * total)])


def _pitch(edges: np.ndarray, n: int, how: Prosody, speaker: Voice, rng: np.random.Generator) -> np.ndarray:
    """Pitch in Hz of every sample: accents, declination, the final movement, tremor."""
    count = len(edges) - 1
    accents = rng.standard_normal(count)
    accents = accents - accents.mean()
    accents *= how.span / (accents.std() + 0.3)
    accents += np.linspace(0.5, -0.5, count)
    accents[-1] += 0.5 * how.final
    middles = 0.5 * (edges[1:] + edges[:-1])
    t = np.arange(n) / SAMPLING_RATE
    at = np.append(middles, edges[-1])
    semitones = how.pitch + np.interp(t, at, np.append(accents, accents[-1] + 0.5 * how.final))
    semitones += how.tremor * np.sin(2 * np.pi * _TREMOR_HZ * t + rng.uniform(0, 2 * np.pi))
    hertz: np.ndarray = np.clip(speaker.pitch * 2 ** (semitones / 12), 55.0, 600.0)
    return hertz


def _envelopes(
    plan: list[Syllable], edges: np.ndarray, n: int, how: Prosody, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Amplitude of the voice and of the consonants' noise for every sample."""
    t = np.arange(n) / SAMPLING_RATE
    lengths = np.diff(edges)
    dip = 10 ** (-how.dynamics / 20)
    peaks = 10 ** (rng.standard_normal(len(plan)) * 0.12 * how.dynamics / 20)
    times, voiced, friction = [], [], []
    for i, syllable in enumerate(plan):
        at = edges[i] + np.array((0.0, 0.12, 0.3, 0.75)) * lengths[i]
        times.append(at)
        onset = dip * syllable.voicing
        voiced.append((dip * 0.8, onset, peaks[i], peaks[i] * 0.8))
        friction.append((0.0, syllable.friction, 0.0, 0.0))
    times.append(edges[-1:])
    grid = np.concatenate(times)
    voice = np.interp(t, grid, np.append(np.ravel(voiced), 0.0))
    return voice, np.interp(t, grid, np.append(np.ravel(friction), 0.0))


def _formants(plan: list[Syllable], edges: np.ndarray, how: Prosody, speaker: Voice) -> Trajectory:
    """Formants that rest on every vowel and glide to the next."""
    lengths = np.diff(edges)
    times = np.ravel(np.stack([edges[:-1] + 0.3 * lengths, edges[:-1] + 0.7 * lengths], axis=1))
    targets = np.repeat(np.array([s.formants for s in plan]), 2, axis=0)
    return Trajectory(times, targets, speaker.tract * float(np.exp(how.spread)))


def _record(speech: np.ndarray, how: Prosody, speaker: Voice, rng: np.random.Generator) -> np.ndarray:
    """Level, silence before and after, the hiss of the room, and no sample beyond full scale."""
    level = -30.0 + how.energy + speaker.level
    before, after = (rng.uniform(0.10, 0.25, size=2) * SAMPLING_RATE).astype(int)
    clip = np.pad(speech * 10 ** (level / 20), (before, after))
    clip += 10 ** (-66 / 20) * rng.standard_normal(len(clip))
    guarded: np.ndarray = (clip * min(1.0, 0.97 / np.abs(clip).max())).astype(np.float32)
    return guarded
