"""Where in a recording somebody speaks: silero where it is installed, elsewhere a rule of level and voicing."""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ser_hf.base.errors import SerHfError, unknown
from ser_hf.base.optional import require

from .resample import resample

HOP = 0.032
"""Seconds of a frame: one answer for each."""
LEAST = 0.3
"""Seconds of speech below which a model has nothing to go by: about a syllable and a half."""
DETECTORS = ("auto", "rule", "silero")

_FLOOR = -65.0
"""dB of full scale: what is quieter is silence; the noise of 16 bits lies 30 dB lower."""
_RANGE = 30.0
"""dB under the loudest frame that still belong to speech."""
_PITCH = 70.0, 400.0
"""Hz of the voices looked for."""
_BAND = 100.0, 4000.0
_COMPRESSION = 0.67
"""Power of the magnitudes: it flattens the spectrum, so that rumble is not taken for a voice."""
_VOICED = 0.45
"""Of the autocorrelation: noise of any colour stays below 0.4, vowels reach 0.5 to 0.9."""
_NEAR = 6
"""Frames (0.2 s) beside a voiced one that are speech where they are loud: consonants."""
_RATE = 8_000
_FRAMES = 1 << 12
"""Computed at a time."""


class SpeechDetector(ABC):
    """Tells the frames of a recording in which somebody speaks."""

    name: str

    @abstractmethod
    def __call__(self, samples: np.ndarray, rate: int) -> np.ndarray:
        """Gives a bool for every `HOP` seconds, ``(ceil(n / rate / HOP),)``, of mono float32 samples ``(n,)``."""

    def together(self, recordings: Sequence[np.ndarray], rate: int) -> list[np.ndarray]:
        """Gives what a call gives of each of many recordings; quicker where the detector can do them at once."""
        return [self(samples, rate) for samples in recordings]

    def seconds(self, samples: np.ndarray, rate: int) -> float:
        """Seconds of speech, no more than the recording has."""
        return min(float(self(samples, rate).sum()) * HOP, len(samples) / rate)


def speech_detector(name: str = "auto") -> SpeechDetector:
    """The detector called ``name``.

    Args:
        name: ``"silero"`` (the extra ``vad``), ``"rule"``, or ``"auto"``: silero where it is installed.

    Raises:
        SerHfError: the name is unknown, or silero is not installed.
    """
    if name not in DETECTORS:
        raise SerHfError(unknown("speech detector", name, DETECTORS))
    if name == "rule" or (name == "auto" and not _has_silero()):
        return RuleDetector()
    return _silero()


class RuleDetector(SpeechDetector):
    """Loud frames near voiced ones, by the autocorrelation of the compressed spectrum.

    Generalised autocorrelation after Tolonen and Karjalainen (doi 10.1109/89.876309). Noise, silence and clicks are no
    speech to it; whispering is not either, and a steady tone is.
    """

    name = "rule"

    def __call__(self, samples: np.ndarray, rate: int) -> np.ndarray:
        """See `SpeechDetector`."""
        count = int(np.ceil(len(samples) / rate / HOP))
        low = resample(samples, rate, _RATE)
        size, hop = round(2 * HOP * _RATE), round(HOP * _RATE)
        padded = np.zeros(hop * count + size, np.float32)
        padded[hop // 2 : hop // 2 + len(low)][: len(low)] = low[: len(padded) - hop // 2]
        frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][:count]
        parts = [_judge(frames[start : start + _FRAMES]) for start in range(0, count, _FRAMES)]
        voicing, level = (np.concatenate(kind) for kind in zip(*parts, strict=True)) if parts else (np.zeros(0),) * 2
        loud = level > max(_FLOOR, level.max(initial=_FLOOR) - _RANGE)
        voiced = loud & (voicing > _VOICED)
        near = np.convolve(voiced, np.ones(2 * _NEAR + 1), "full")[_NEAR : _NEAR + count] > 0
        found: np.ndarray = loud & near
        return found


def _judge(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Voicing (0 to about 1) and level in dB of frames ``(t, size)``."""
    size = frames.shape[1]
    window = np.hanning(size).astype(np.float32)
    power = np.square(frames).mean(axis=1)
    magnitudes = np.abs(np.fft.rfft(frames * window, 2 * size))
    hertz = np.fft.rfftfreq(2 * size, 1 / _RATE)
    magnitudes[:, (hertz < _BAND[0]) | (hertz > _BAND[1])] = 0
    correlation = np.fft.irfft(magnitudes ** (2 * _COMPRESSION))
    own = np.fft.irfft(np.abs(np.fft.rfft(window, 2 * size)) ** 2)
    lags = slice(int(_RATE / _PITCH[1]), int(_RATE / _PITCH[0]))
    voicing = (correlation[:, lags] / (own[lags] / own[0])).max(axis=1) / (correlation[:, 0] + 1e-20)
    return voicing, 10 * np.log10(power + 1e-20)


class SileroDetector(SpeechDetector):
    """Silero VAD by onnxruntime (https://github.com/snakers4/silero-vad), without PyTorch.

    Args:
        file: the network of the package silero-vad.
    """

    name = "silero"
    _RATE = 16_000
    _SIZE, _CONTEXT = 512, 64
    _LIKELY = 0.5

    def __init__(self, file: Path) -> None:
        runtime = require("onnxruntime", "vad")
        options = runtime.SessionOptions()
        options.inter_op_num_threads = options.intra_op_num_threads = 1  # the network is tiny
        self._session: Any = runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def __call__(self, samples: np.ndarray, rate: int) -> np.ndarray:
        """See `SpeechDetector`."""
        return self.together([samples], rate)[0]

    def together(self, recordings: Sequence[np.ndarray], rate: int) -> list[np.ndarray]:
        """See `SpeechDetector`; 32 recordings at once take a quarter of the time of one after the other."""
        counts = [int(np.ceil(len(samples) / rate / HOP)) for samples in recordings]
        padded = np.zeros((len(recordings), self._CONTEXT + self._SIZE * max(counts, default=0)), np.float32)
        for row, samples, count in zip(padded, recordings, counts, strict=True):
            heard = resample(samples, rate, self._RATE)[: self._SIZE * count]
            row[self._CONTEXT :][: len(heard)] = heard
        state, told = np.zeros((2, len(recordings), 128), np.float32), np.array(self._RATE, np.int64)
        likely = np.zeros((len(recordings), max(counts, default=0)), np.float32)
        for i in range(likely.shape[1]):
            frame = padded[:, i * self._SIZE : (i + 1) * self._SIZE + self._CONTEXT]
            share, state = self._session.run(None, {"input": frame, "state": state, "sr": told})
            likely[:, i] = share[:, 0]
        return [row[:count] > self._LIKELY for row, count in zip(likely, counts, strict=True)]


def _has_silero() -> bool:
    return all(importlib.util.find_spec(name) is not None for name in ("silero_vad", "onnxruntime"))


@lru_cache(maxsize=1)
def _silero() -> SileroDetector:
    """The detector of the package silero-vad, which is not imported: that would load PyTorch."""
    spec = importlib.util.find_spec("silero_vad")
    if spec is None or not spec.submodule_search_locations:
        raise SerHfError("the speech detector silero is not installed; pip install 'ser_hf[vad]', or take 'rule'")
    return SileroDetector(Path(spec.submodule_search_locations[0], "data", "silero_vad.onnx"))
