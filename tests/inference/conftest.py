"""A model and a detector that say what they are told, by what they hear: for tests of everything around them."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from ser_hf.audio.speech import HOP, SpeechDetector
from ser_hf.inference.listener import Listener, Scores

RATE = 1000


class Levels(Listener):
    """Takes the mean of a window for its class, 0.1 for the first, 0.2 for the second; remembers what it heard."""

    sampling_rate = RATE

    def __init__(
        self, window: float = 4.0, labels: Sequence[str] = ("calm", "angry", "sad"), targets: Sequence[str] = ()
    ) -> None:
        self.window, self.labels, self.targets = window, tuple(labels), tuple(targets)
        self.heard: list[np.ndarray] = []

    def score(self, waveforms: Sequence[np.ndarray]) -> Scores:
        self.heard += [np.array(samples) for samples in waveforms]
        means = np.array([samples.mean(dtype=np.float64) for samples in waveforms])
        shares = np.exp(-4 * np.abs(10 * means[:, None] - np.arange(1, len(self.labels) + 1)))
        ratings = np.stack([means] * len(self.targets), axis=1) if self.targets else None
        return Scores((shares / shares.sum(axis=1, keepdims=True)).astype(np.float32), ratings)


class Loud(SpeechDetector):
    """Takes every frame that is not silent for speech."""

    name = "loud"

    def __call__(self, samples: np.ndarray, rate: int) -> np.ndarray:
        size = HOP * rate
        frames = [samples[round(i * size) : round((i + 1) * size)] for i in range(math.ceil(len(samples) / size))]
        return np.array([bool(len(frame)) and float(np.abs(frame).max()) > 0.01 for frame in frames], bool)


@pytest.fixture(scope="session")
def levels() -> type[Levels]:
    """The model's class; it works at 1000 Hz."""
    return Levels


@pytest.fixture(scope="session")
def loud() -> Loud:
    """The detector."""
    return Loud()


@pytest.fixture(scope="session")
def sound() -> Callable[..., np.ndarray]:
    """A function that makes samples of pairs: seconds and level."""

    def make(*stretches: tuple[float, float]) -> np.ndarray:
        return np.concatenate([np.full(round(seconds * RATE), level, np.float32) for seconds, level in stretches])

    return make
