"""The steps a waveform chain is made of: what each does, which values it takes, what a lone number means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ser_hf.base.errors import SerHfError

from ._recordings import Recordings
from .level import add_background, add_noise_snr, gain, set_loudness
from .room import add_room
from .vocal_tract import warp_vocal_tract
from .waveform import add_noise, pitch_shift, shift_waveform, speed, time_stretch

Change = Callable[[np.ndarray, int, float, np.random.Generator], np.ndarray]
"""Samples, their rate in Hz, the value drawn and a generator -> changed samples."""


@dataclass(frozen=True)
class Kind:
    """One kind of step.

    Attributes:
        least: smallest value.
        most: largest value.
        unit: what the values are, for messages.
        alone: what a lone number ``x`` means: ``"x"`` itself, ``"+-x"`` either way, ``"1+-x"`` a factor near 1.
        change: what it does; None where it needs a recording, see `Step`.
    """

    least: float
    most: float
    unit: str
    alone: str
    change: Change | None = None


def _noise(samples: np.ndarray, rate: int, value: float, rng: np.random.Generator) -> np.ndarray:
    """As on a clip with a peak of 1, whatever its peak."""
    return add_noise(samples, value * float(np.abs(samples).max()), rng)


KINDS = {
    "time_stretch": Kind(0.25, 4, "tempo factors", "1+-x", lambda x, rate, v, rng: time_stretch(x, v, rate)),
    "pitch_shift": Kind(-24, 24, "semitones", "+-x", lambda x, rate, v, rng: pitch_shift(x, rate, v)),
    "speed": Kind(0.25, 4, "speed factors", "1+-x", lambda x, rate, v, rng: speed(x, v)),
    "vtlp": Kind(0.5, 2, "warping factors", "1+-x", lambda x, rate, v, rng: warp_vocal_tract(x, rate, v)),
    "shift": Kind(-1, 1, "shares of the clip", "+-x", lambda x, rate, v, rng: shift_waveform(x, v)),
    "gain": Kind(-60, 60, "dB", "+-x", lambda x, rate, v, rng: gain(x, v)),
    "loudness": Kind(-80, 0, "dB under full scale", "x", lambda x, rate, v, rng: set_loudness(x, v)),
    "noise": Kind(0, 1, "shares of the clip's peak", "x", _noise),
    "noise_snr": Kind(-40, 120, "dB", "x", lambda x, rate, v, rng: add_noise_snr(x, v, rng)),
    "background": Kind(-40, 120, "dB", "x"),
    "room": Kind(0, 0, "", "x"),
}
"""Step name -> kind; the names and values of a recipe's ``waveform_augment``."""


@dataclass(frozen=True)
class Step:
    """One step of a chain.

    Attributes:
        name: one of `KINDS`.
        low: values are drawn evenly from here ...
        high: ... to here.
        p: probability that a clip gets the step.
        recordings: what ``background`` and ``room`` draw from.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    p: float = 1.0
    recordings: Recordings | None = None

    def __str__(self) -> str:
        """As in a card, e.g. ``speed 0.9`` or ``gain -6 to 6``."""
        if KINDS[self.name].most == KINDS[self.name].least:
            return self.name
        return f"{self.name} {self.low:g}" + (f" to {self.high:g}" if self.high != self.low else "")

    def draw(self, rng: np.random.Generator) -> float:
        """A value of its range."""
        return float(rng.uniform(self.low, self.high))

    def __call__(self, samples: np.ndarray, rate: int, value: float, rng: np.random.Generator) -> np.ndarray:
        """Gives changed samples, float32 ``(n,)``.

        Raises:
            SerHfError: a recording of the folder cannot be used; the message names it.
        """
        change = KINDS[self.name].change
        if change is not None:
            return change(samples, rate, value, rng)
        if self.recordings is None:
            raise SerHfError(f"step {self.name} needs a folder of recordings")
        path, other = self.recordings.draw(rate, rng)
        if self.name == "background":
            return add_background(samples, other, value, rng)
        try:
            return add_room(samples, other)
        except SerHfError as error:
            raise SerHfError(f"{path}: {error}") from error
