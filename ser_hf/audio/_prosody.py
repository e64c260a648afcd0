"""How each emotion sounds, as numbers: what the synthetic voice changes.

The directions follow the review of Juslin and Laukka (2003, Psychological Bulletin 129(5), doi
10.1037/0033-2909.129.5.770): anger, fear and joy raise pitch, rate and energy, sadness lowers them, and so on. The
sizes are chosen so that the emotions overlap; they describe no recorded speaker.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Prosody:
    """A manner of speaking; the neutral one is the default.

    Attributes:
        pitch: mean pitch in semitones above the speaker's own.
        span: standard deviation of pitch in semitones.
        final: rise of pitch towards the end in semitones.
        rate: logarithm of the speaking rate.
        energy: level in dB.
        dynamics: depth of the dips between syllables in dB.
        breath: aspiration noise in the voice, 0 to 1.
        tilt: slope of the spectrum in dB per octave; higher is brighter.
        tremor: depth of a 6 Hz tremor in semitones.
        roughness: cycle-to-cycle variation of the period, as a fraction.
        spread: logarithm of the shift of all formants; lips spread for a smile, or drawn back and down.
    """

    pitch: float = 0.0
    span: float = 1.5
    final: float = -1.5
    rate: float = 0.0
    energy: float = 0.0
    dynamics: float = 9.0
    breath: float = 0.15
    tilt: float = 0.0
    tremor: float = 0.0
    roughness: float = 0.010
    spread: float = 0.0


EMOTIONS = {
    "neutral": Prosody(),
    "calm": Prosody(-1.0, 1.0, -1.5, -0.15, -3.0, 5.0, 0.32, -2.0, 0.0, 0.006, 0.0),
    "happy": Prosody(3.5, 3.0, 1.0, 0.08, 4.0, 12.0, 0.10, 1.8, 0.0, 0.008, 0.070),
    "sad": Prosody(-0.5, 0.8, -2.5, -0.25, -6.0, 5.0, 0.52, -3.6, 0.2, 0.014, -0.025),
    "angry": Prosody(3.0, 2.6, -2.0, 0.10, 8.0, 17.0, 0.03, 4.2, 0.0, 0.022, 0.0),
    "fearful": Prosody(5.5, 1.4, 0.0, 0.20, 1.0, 7.0, 0.42, 0.6, 0.8, 0.020, 0.020),
    "disgust": Prosody(-2.0, 1.9, -3.0, -0.20, 0.5, 14.0, 0.18, 1.0, 0.0, 0.032, -0.070),
    "surprised": Prosody(5.5, 3.8, 6.0, 0.0, 3.0, 12.0, 0.26, 0.2, 0.0, 0.008, 0.030),
}

_SPEAKER_SPREAD = np.array((0.36, 0.16, 0.4, 0.020, 0.6, 0.6, 0.020, 0.2, 0.03, 0.0012, 0.004))
_CLIP_SPREAD = np.array((0.36, 0.16, 0.4, 0.024, 0.6, 0.6, 0.016, 0.2, 0.03, 0.0012, 0.003))
"""Standard deviations of every number, by which speakers differ in one emotion and clips of one speaker differ."""

_LEAST = np.array((-12.0, 0.3, -12.0, -0.6, -20.0, 1.0, 0.01, -6.0, 0.0, 0.002, -0.2))
"""What no number falls below, however strong the emotion."""


def manner(emotion: str, strength: float, speaker: np.random.Generator, clip: np.random.Generator) -> Prosody:
    """The manner of one clip: the emotion, as this speaker does it, as it came out this time.

    Args:
        emotion: one of ``EMOTIONS``.
        strength: how far from neutral; 1 is the table above.
        speaker: generator seeded by speaker and emotion.
        clip: generator of the clip.
    """
    neutral, target = (np.array(astuple(p)) for p in (EMOTIONS["neutral"], EMOTIONS[emotion]))
    habit = speaker.standard_normal(len(neutral)) * _SPEAKER_SPREAD
    chance = clip.standard_normal(len(neutral)) * _CLIP_SPREAD
    return Prosody(*np.maximum(neutral + strength * (target - neutral) + habit + chance, _LEAST).tolist())
