"""From windows to segments: smoothed, cut at speech and turns, merged where they agree, the short ones absorbed.

All times are samples here, so that what touches is equal and nothing is lost by rounding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ser_hf.audio.speech import HOP

from .windows import Window

PAUSE = 1.0
"""Seconds without speech that do not part two stretches of it: people breathe and think."""
_EDGE = 0.1
"""Seconds around speech that belong to it: detectors miss soft beginnings and ends."""

Stretch = tuple[int, int]
"""First sample, and the one behind the last."""


@dataclass
class Run:
    """Pieces of one label next to each other.

    Attributes:
        start, end: samples.
        label: a number given by `pieces`.
        span: in which it lies.
        parts: the window that decides, and its seconds, for each piece of this label; absorbed ones have none.
    """

    start: int
    end: int
    label: int
    span: int
    parts: list[tuple[int, int]]


def smoothed(windows: Sequence[Window], classes: int, width: int) -> np.ndarray:
    """Running mean of the probabilities over ``width`` windows of the same span, float64 ``(N, C)``.

    The middle one is the window itself. Each counts by its seconds of speech, where somebody looked: a neighbour that
    has but the end of a word says little. Windows that were not heard are left out of the mean, and stay NaN.
    """
    raw = probabilities(windows, classes).astype(np.float64)
    span = np.array([window.span for window in windows], int)
    scored: np.ndarray = np.array([window.probabilities is not None for window in windows], bool)
    weight = np.array([1.0 if window.speech is None else window.speech for window in windows])
    total, count = np.zeros_like(raw), np.zeros(len(raw))
    for shift in range(-(width // 2), width // 2 + 1):
        here = np.arange(max(0, -shift), min(len(raw), len(raw) - shift))
        here = here[scored[here + shift] & (span[here + shift] == span[here])]
        total[here] += weight[here + shift, None] * raw[here + shift]
        count[here] += weight[here + shift]
    result = np.full_like(raw, np.nan)
    result[scored] = total[scored] / count[scored, None]
    return result


def probabilities(windows: Sequence[Window], classes: int) -> np.ndarray:
    """What the model said, float32 ``(N, C)``; NaN for windows it did not hear."""
    empty = np.full(classes, np.nan, np.float32)
    rows = [empty if window.probabilities is None else window.probabilities for window in windows]
    return np.array(rows, np.float32).reshape(len(windows), classes)


def cells(windows: Sequence[Window], spans: Sequence[Stretch]) -> list[Stretch]:
    """The part of the recording for which each window answers: up to half way between its middle and its neighbours'.

    The first one of a span begins with it, and the last one ends with it, so that the cells fill the spans.
    """
    result: list[Stretch] = []
    for i, window in enumerate(windows):
        first, last = spans[window.span]
        before, after = windows[i - 1] if i else None, windows[i + 1] if i + 1 < len(windows) else None
        start = first if before is None or before.span != window.span else result[-1][1]
        end = last
        if after is not None and after.span == window.span:
            end = (window.start + window.end + after.start + after.end + 2) // 4
        result.append((start, end))
    return result


def spoken(windows: Sequence[Window], own: Sequence[Stretch], rate: int) -> list[Stretch]:
    """Where the detector heard speech: of every window the frames in its own cell, so that no second counts twice."""
    found: list[Stretch] = []
    for window, (low, high) in zip(windows, own, strict=True):
        if window.frames is None:
            continue
        edges = np.flatnonzero(np.diff(np.concatenate([[0], window.frames.astype(np.int8), [0]])))
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            start = max(low, window.start + round(first * HOP * rate))
            end = min(high, window.end, window.start + round(last * HOP * rate))
            if start < end and found and found[-1][1] == start:
                found[-1] = found[-1][0], end
            elif start < end:
                found.append((start, end))
    return found


def regions(speech: Sequence[Stretch], spans: Sequence[Stretch], rate: int, pause: float = PAUSE) -> list[Stretch]:
    """Stretches of speech with their pauses: widened by 0.1 s, joined over less than ``pause`` s, cut at the spans."""
    edge, gap = round(_EDGE * rate), round(pause * rate)
    found: list[Stretch] = []
    for start, end in speech:
        if found and start - found[-1][1] < max(gap - edge, edge):  # its end is widened already
            found[-1] = found[-1][0], max(found[-1][1], end + edge)
        else:
            found.append((max(0, start - edge), end + edge))
    return list(_common(found, spans))


def pieces(
    own: Sequence[Stretch], windows: Sequence[Window], shares: np.ndarray, speech: Sequence[Stretch], sure_from: float
) -> list[Run]:
    """The cells inside ``speech`` that a window answers for; label is the most probable class, or C where unsure."""
    heard = [i for i in range(len(own)) if not np.isnan(shares[i]).any()]
    best = shares.argmax(axis=1) if shares.size else np.zeros(0, int)
    result = []
    places = iter(heard)
    at = next(places, None)
    for start, end in _common(speech, [own[i] for i in heard]):
        while at is not None and own[at][1] <= start:
            at = next(places, None)
        if at is None:
            break
        label = int(best[at]) if shares[at].max() >= sure_from else shares.shape[1]
        result.append(Run(start, end, label, windows[at].span, [(at, end - start)]))
    return result


def merged(found: Sequence[Run], shortest: int) -> list[Run]:
    """Joins neighbours of one label, and gives what is shorter than ``shortest`` samples to the longer neighbour.

    Neighbours touch, and are of one span; what has none stays, however short.
    """
    return _joined(_absorbed(_joined(found), shortest))


def _joined(found: Sequence[Run]) -> list[Run]:
    result: list[Run] = []
    for run in found:
        if result and _touch(result[-1], run) and result[-1].label == run.label:
            before = result[-1]
            result[-1] = Run(before.start, run.end, run.label, run.span, before.parts + run.parts)
        else:
            result.append(run)
    return result


def _absorbed(found: Sequence[Run], shortest: int) -> list[Run]:
    result: list[Run] = []
    rest = [replace(run) for run in reversed(found)]  # they grow here, and the caller's stay
    while rest:
        run = rest.pop()
        before = result[-1] if result and _touch(result[-1], run) else None
        after = rest[-1] if rest and _touch(run, rest[-1]) else None
        if run.end - run.start >= shortest or (before is None and after is None):
            result.append(run)
        elif after is None or (before is not None and before.end - before.start >= after.end - after.start):
            if before is not None:
                before.end = run.end
        else:
            after.start = run.start
    return result


def _touch(before: Run, after: Run) -> bool:
    return before.end == after.start and before.span == after.span


def _common(some: Sequence[Stretch], others: Sequence[Stretch]) -> Iterator[Stretch]:
    """What lies in both of two ordered lists of stretches, cut at the ends of either."""
    i = j = 0
    while i < len(some) and j < len(others):
        start, end = max(some[i][0], others[j][0]), min(some[i][1], others[j][1])
        if start < end:
            yield start, end
        if some[i][1] < others[j][1]:
            i += 1
        else:
            j += 1
