"""Spelling to syllables: enough English for a synthetic voice to have vowels and consonants that differ by sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass

_VOWELS = {
    "a": (730.0, 1350.0, 2440.0),
    "e": (530.0, 1840.0, 2480.0),
    "i": (330.0, 2200.0, 2950.0),
    "o": (560.0, 930.0, 2410.0),
    "u": (380.0, 1000.0, 2240.0),
    "y": (310.0, 2250.0, 3000.0),
    "oo": (310.0, 870.0, 2240.0),
    "ee": (280.0, 2280.0, 3000.0),
    "or": (500.0, 850.0, 2300.0),
    "er": (490.0, 1350.0, 1690.0),
}
"""First three formants in Hz of an adult man."""

_FRICATIVES = set("sfzvhxj")
_STOPS = set("ptkbdgcq")
_SYLLABLE = re.compile(r"([^aeiouy ]*)(oo|ee|or|er|[aeiouy])[aeiouy]*")


@dataclass(frozen=True, slots=True)
class Syllable:
    """A consonant and a vowel.

    Attributes:
        formants: targets of the vowel in Hz.
        friction: strength of the noise of its onset, 0 to 1.
        voicing: how much of the voice passes through its onset, 0 (a stop) to 1 (no consonant).
    """

    formants: tuple[float, float, float]
    friction: float
    voicing: float


def syllables(text: str) -> list[Syllable]:
    """Reads every vowel letter of ``text`` with the consonants before it; an empty text is one neutral syllable.

    >>> [s.voicing for s in syllables("say my word")]
    [0.1, 0.6, 0.6]
    """
    found = [_syllable(*match.groups()) for match in _SYLLABLE.finditer(text.lower())]
    return found or [_syllable("", "er")]


def _syllable(onset: str, vowel: str) -> Syllable:
    if not onset:
        friction, voicing = 0.0, 0.9
    elif onset[-1] in _FRICATIVES or onset.endswith(("sh", "th", "ch")):
        friction, voicing = 0.9, 0.1
    elif onset[-1] in _STOPS:
        friction, voicing = 0.4, 0.0
    else:
        friction, voicing = 0.0, 0.6
    return Syllable(_VOWELS[vowel], friction, voicing)
