"""A chain of changes to recordings, as a recipe's ``waveform_augment`` lists them.

Each step is a mapping with its name, a value or a range ``[lowest, highest]`` to draw it from evenly, and a probability
``p`` (1 unless given). Steps are done in the order of the list.

==================================  ===================================================================================
``time_stretch: [0.8, 1.2]``        tempo factors at the same pitch; a lone 0.2 is the same
``pitch_shift: 2``                  semitones, either way; or ``[-1, 3]``
``speed: [0.9, 1.1]``               tempo and pitch together; a lone 0.1 is the same
``vtlp: [0.9, 1.1]``                a longer or shorter vocal tract (Jaitly & Hinton 2013); a lone 0.1 is the same
``shift: 0.1``                      moves the clip by up to this share of it, either way; what leaves enters again
``gain: 6``                         dB, either way (no effect where clips are scaled to their peak afterwards)
``loudness: [-30, -15]``            brings the clip to a level, in dB under full scale
``noise: 0.005``                    white noise, its deviation as a share of the clip's peak
``noise_snr: [10, 30]``             white noise at so many dB under the clip
``background: DIR, snr: [5, 20]``   a recording of the folder, at so many dB under the clip (5 to 20 unless given)
``room: DIR``                       the clip in a room, by an impulse response of the folder
==================================  ===================================================================================
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ser_hf.base.errors import SerHfError

from ._chain_reader import read_copies, read_steps
from ._recordings import Load
from ._steps import Step


@dataclass(frozen=True)
class WaveformChain:
    """Steps, one after the other.

    The same generator gives the same result; neither workers nor the order of clips change that of `clip_generator`.

    Attributes:
        steps: what is done.

    >>> chain = WaveformChain.parse([{"speed": [1.25, 1.25]}, {"noise": 0.005, "p": 0.5}])
    >>> chain(np.ones(1000, np.float32), 16000, clip_generator(seed=1, clip_id="ravdess/a", epoch=0)).shape
    (800,)
    """

    steps: tuple[Step, ...] = ()

    @classmethod
    def parse(cls, steps: Sequence[Any], load: Load | None = None) -> WaveformChain:
        """Reads the steps of a recipe.

        Args:
            steps: mappings, or YAML text of them.
            load: reads a path at a rate, for the steps with a folder: `ser_hf.audio.load`.

        Raises:
            RecipeError: a step or key nobody knows, a value out of its range, a folder that is missing or empty.
        """
        return cls(read_steps(steps, load or _no_load))

    @classmethod
    def parse_copies(cls, copies: Sequence[Any], load: Load | None = None) -> tuple[WaveformChain, ...]:
        """Reads the ``copies`` of a recipe: the chain of each copy of a clip.

        A copy is made once, so that a lone number is the value itself: ``{speed: 0.9}`` plays at 0.9 times the speed.

        Args:
            copies: a step or a list of steps for every copy, or YAML text of them.
            load: see `parse`.

        Raises:
            RecipeError: see `parse`; or a step with a probability.

        >>> [chain.steps[0].low for chain in WaveformChain.parse_copies(["{speed: 0.9}", "{speed: 1.1}"])]
        [0.9, 1.1]
        """
        return tuple(cls(steps) for steps in read_copies(copies, load or _no_load))

    def __bool__(self) -> bool:
        return bool(self.steps)

    def __call__(self, samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        """Changes one clip.

        Args:
            samples: finite float32 ``(n,)``; left alone.
            rate: in Hz.
            rng: what is drawn comes from here.

        Returns:
            float32 ``(m,)``, never empty; samples may lie beyond 1.

        Raises:
            SerHfError: samples that are not one row of one or more, or a recording of a folder that cannot be used.
        """
        return self.described(samples, rate, rng)[0]

    def described(self, samples: np.ndarray, rate: int, rng: np.random.Generator) -> tuple[np.ndarray, str]:
        """The same, and in words what was done, e.g. ``"speed=0.9 noise=0.005"``."""
        if samples.ndim != 1 or not len(samples):
            raise SerHfError(f"expected mono samples of shape (n,), found shape {samples.shape}")
        changed, words = np.array(samples, dtype=np.float32), []
        for step in self.steps:
            if rng.random() < step.p:
                value = step.draw(rng)
                changed = step(changed, rate, value, rng)
                words.append(step.name if step.name == "room" else f"{step.name}={value:.6g}")
        return changed, " ".join(words)


def clip_generator(seed: int, clip_id: str, epoch: int) -> np.random.Generator:
    """The generator of a clip in an epoch, the same whatever process asks and whichever clips it had before."""
    return np.random.default_rng(list(hashlib.sha256(f"{seed}|{epoch}|{clip_id}".encode()).digest()))


def _no_load(path: Any, rate: int) -> np.ndarray:
    raise SerHfError(f"{path} cannot be read: give WaveformChain.parse a load, such as ser_hf.audio.load")
