"""A recording of any length as windows that a model hears one by one, whatever blocks it comes in."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ser_hf.audio.speech import HOP, LEAST, SpeechDetector
from ser_hf.base.errors import SerHfError

from .listener import Listener

LONGEST_WINDOW = 4.0
"""Seconds heard at once where nothing else is asked for: about an utterance. A model may hear less."""
_SHORTEST_HOP = 0.05
"""Seconds: a finer grid tells nothing more, and an hour of it is a million windows."""


class Cut(NamedTuple):
    """A window's samples.

    Attributes:
        start: its first sample in the recording.
        samples: mono float32 ``(n,)``.
        span: number of the span it lies in.
    """

    start: int
    samples: np.ndarray
    span: int


class Window(NamedTuple):
    """What a model says of one window.

    Attributes:
        start, end: samples of the recording, at the model's rate; the end is the first sample behind it.
        span: number of the span it lies in.
        frames: whether somebody speaks, a bool for every 0.032 s; None where nobody looked.
        speech: seconds of speech; None where nobody looked.
        probabilities: ``(C,)`` float32; None where there was too little speech, so that it was not heard.
        dimensions: ratings ``(T,)``; None where the model gives none, or did not hear it.
    """

    start: int
    end: int
    span: int
    frames: np.ndarray | None
    speech: float | None
    probabilities: np.ndarray | None
    dimensions: np.ndarray | None


def window_and_hop(model: Listener, window: float | None, hop: float | None) -> tuple[int, int]:
    """Length of a window and the step to the next, in samples of the model's rate.

    Args:
        model: what will hear them.
        window: seconds; by default what the model hears at once, at most 4.
        hop: seconds; by default half a window.

    Raises:
        SerHfError: the model would not hear all of a window, sound between two would not be heard, a number is not
            positive, or the model compares the clips of one speaker.
    """
    if model.one_speaker_a_call:
        raise SerHfError(
            "this model compares all clips of one speaker with each other, and hears no window alone; expected a model "
            "that classifies clip by clip, such as the one that comes with ser_hf"
        )
    seconds = min(model.window, LONGEST_WINDOW) if window is None else window
    if not 0 < seconds <= model.window or math.isinf(seconds):
        most = "a number" if math.isinf(model.window) else f"at most {model.window:g}, what the model hears at once"
        raise SerHfError(f"window is {seconds:g} s; expected more than 0 and {most}")
    step = seconds / 2 if hop is None else hop
    if not min(_SHORTEST_HOP, seconds) <= step <= seconds:
        raise SerHfError(
            f"hop is {step:g} s; expected {_SHORTEST_HOP:g} to {seconds:g}, the window: what lies between two windows "
            "would not be heard"
        )
    rate = model.sampling_rate
    return max(1, round(seconds * rate)), max(1, round(step * rate))


class Cutter:
    """Cuts windows out of blocks of any size, holding no more than a window, a hop and a block.

    In every span a window starts at each multiple of the hop, as long as it ends inside. What is left behind the last
    one is heard by one more, which ends with the span; a span shorter than a window is one window.

    Args:
        size: samples of a window.
        hop: samples from one to the next; at most ``size``.
        spans: first sample and the one behind the last, disjoint and in order; by default all of the recording.

    Attributes:
        total: samples that came.
    """

    def __init__(self, size: int, hop: int, spans: Sequence[tuple[int, float]] | None = None) -> None:
        self.total = 0
        self._size, self._hop = size, hop
        self._spans = [(0, math.inf)] if spans is None else [*spans]
        self._span = self._count = 0
        self._held: deque[np.ndarray] = deque()
        self._base = 0

    def feed(self, block: np.ndarray) -> list[Cut]:
        """Takes the next samples ``(n,)`` and gives the windows that are whole by now."""
        self._held.append(block)
        self.total += len(block)
        return self._ready(closing=False)

    def finish(self) -> list[Cut]:
        """Gives the windows that only the end of the recording completes."""
        return self._ready(closing=True)

    def _ready(self, closing: bool) -> list[Cut]:
        found: list[Cut] = []
        while self._span < len(self._spans):
            start, end = self._next(closing)
            if end > self.total:
                break
            if start < end:
                found.append(Cut(start, self._samples(start, int(end)), self._span))
                self._count += 1
            if start + self._size > end or end >= self._end(closing):
                self._span, self._count = self._span + 1, 0
        self._forget()
        return found

    def _end(self, closing: bool) -> float:
        end = self._spans[self._span][1]
        return min(end, self.total) if closing else end

    def _next(self, closing: bool) -> tuple[int, float]:
        """The next window; an empty one where the span has no more."""
        first, end = self._spans[self._span][0], self._end(closing)
        start = first + self._count * self._hop
        if start + self._size <= end:
            return start, start + self._size
        if not self._count:
            return (first, end) if first < end else (0, 0)
        heard = start - self._hop + self._size
        return (int(end) - self._size, end) if heard < end else (0, 0)

    def _samples(self, start: int, end: int) -> np.ndarray:
        if len(self._held) > 1:
            self._held = deque([np.concatenate(self._held)])
        return self._held[0][start - self._base : end - self._base]

    def _forget(self) -> None:
        """Drops what no window to come can reach: the last one of a span may start right behind the one before it."""
        if self._span < len(self._spans):
            needed = self._spans[self._span][0] + max(self._count - 1, 0) * self._hop
        else:
            needed = self.total
        while self._held and self._base + len(self._held[0]) <= needed:
            self._base += len(self._held.popleft())
        if self._held and self._base < needed:
            self._held[0] = self._held[0][needed - self._base :].copy()  # a view would keep the whole block
            self._base = needed


def hear(model: Listener, cuts: Sequence[Cut], detector: SpeechDetector | None) -> list[Window]:
    """What the model says of windows; those with too little speech are not given to it.

    Args:
        model: what classifies.
        cuts: as many as may be computed together.
        detector: what finds speech; None takes all for speech.
    """
    rate = model.sampling_rate
    waveforms = [cut.samples for cut in cuts]
    frames = [None] * len(cuts) if detector is None else detector.together(waveforms, rate)
    speech = [
        None if found is None else min(float(found.sum()) * HOP, len(samples) / rate)
        for found, samples in zip(frames, waveforms, strict=True)
    ]
    spoken = [i for i, seconds in enumerate(speech) if seconds is None or seconds >= LEAST]
    scores = model.score([waveforms[i] for i in spoken]) if spoken else None
    place = {i: row for row, i in enumerate(spoken)}
    windows = []
    for i, cut in enumerate(cuts):
        shares = ratings = None
        if scores is not None and i in place:
            shares = np.array(scores.probabilities[place[i]], np.float32)
            ratings = None if scores.dimensions is None else np.array(scores.dimensions[place[i]], np.float32)
        end = cut.start + len(cut.samples)
        windows.append(Window(cut.start, end, cut.span, frames[i], speech[i], shares, ratings))
    return windows
