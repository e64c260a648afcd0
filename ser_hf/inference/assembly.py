"""The windows of a recording, put together to a timeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from . import segments as parts
from .heard import UNSURE
from .listener import Listener
from .segments import Run, Stretch
from .timeline import NO_SPEECH, Segment, Timeline, Verdict
from .windows import Window


@dataclass(frozen=True)
class Settings:
    """How windows become segments.

    Attributes:
        size, hop: samples of a window, and from one to the next.
        smoothing: windows of which the running mean is taken; odd.
        shortest: seconds; a shorter segment goes to its neighbour.
        pause: seconds without speech that do not part two segments.
        min_confidence: a class that is less probable is `UNSURE`.
    """

    size: int
    hop: int
    smoothing: int
    shortest: float
    pause: float
    min_confidence: float


def assemble(
    model: Listener,
    name: str,
    total: int,
    windows: Sequence[Window],
    spans: Sequence[tuple[int, int, str | None]],
    settings: Settings,
    looked: bool,
) -> Timeline:
    """The timeline of a recording of ``total`` samples.

    Args:
        model: what heard it.
        name: of the recording.
        total: its samples.
        windows: what the model said, in order.
        spans: first sample, the one behind the last, and speaker of the stretches the windows lie in.
        settings: how windows become segments.
        looked: whether a detector looked for speech.
    """
    rate = model.sampling_rate
    limits = [(start, end) for start, end, _ in spans]
    own = parts.cells(windows, limits)
    speech = parts.spoken(windows, own, rate) if looked else limits
    where = parts.regions(speech, limits, rate, settings.pause) if looked else limits
    raw = parts.probabilities(windows, len(model.labels))
    shares = parts.smoothed(windows, len(model.labels), settings.smoothing)
    ratings = _ratings(windows, len(model.targets))
    runs = parts.merged(
        parts.pieces(own, windows, shares, where, settings.min_confidence), round(settings.shortest * rate)
    )
    sound = _counter(speech)
    weights = np.array([sound(end) - sound(start) for start, end in own]).reshape(-1)

    def segment(run: Run) -> Segment:
        at, counted = np.array([i for i, _ in run.parts]), np.array([float(n) for _, n in run.parts])
        classes, dimensions = _named(model, shares[at], ratings[at], counted)
        seconds = (sound(run.end) - sound(run.start)) / rate if looked else None
        label = UNSURE if run.label == len(model.labels) else next(iter(classes))
        return Segment(run.start / rate, run.end / rate, label, classes, dimensions, seconds, spans[run.span][2])

    def verdict(speaker: str | None) -> Verdict:
        mine = np.array([speaker is None or spans[window.span][2] == speaker for window in windows], bool)
        scored = np.flatnonzero(mine & ~np.isnan(raw).any(axis=1) & (weights > 0))
        classes, dimensions = _named(model, raw[scored], ratings[scored], weights[scored])
        seconds = float(weights[mine].sum()) / rate if looked else None
        length = sum(end - start for start, end, who in spans if who == speaker) if speaker else total
        said = [run for run in found if run.classes and (speaker is None or run.speaker == speaker)]
        return Verdict(classes, dimensions, seconds, length / rate, settings.min_confidence, _shares(said))

    found = [segment(run) for run in runs]
    names = dict.fromkeys(who for _, _, who in spans if who is not None)
    return Timeline(
        name=name,
        duration=total / rate,
        labels=tuple(model.labels),
        targets=tuple(model.targets),
        window=settings.size / rate,
        hop=settings.hop / rate,
        min_confidence=settings.min_confidence,
        segments=tuple(_filled(found, total / rate, looked)),
        speech=tuple((start / rate, end / rate) for start, end in speech) if looked else (),
        starts=np.array([window.start / rate for window in windows]),
        ends=np.array([window.end / rate for window in windows]),
        probabilities=raw,
        smoothed=shares.astype(np.float32),
        verdict=verdict(None),
        speakers={name: verdict(name) for name in names},
    )


def _filled(found: Sequence[Segment], duration: float, looked: bool) -> Iterator[Segment]:
    """The segments with what lies between them, before and behind."""
    ends = [0.0, *(segment.end for segment in found)]
    starts = [*(segment.start for segment in found), duration]
    for i, (end, start) in enumerate(zip(ends, starts, strict=True)):
        if start > end:
            yield Segment(end, start, NO_SPEECH, {}, {}, 0.0 if looked else None)
        if i < len(found):
            yield found[i]


def _counter(speech: Sequence[Stretch]) -> Callable[[int], float]:
    """A function that gives how many samples of speech come before a sample."""
    edges = [0.0, *(float(edge) for stretch in speech for edge in stretch)]
    counts = [0.0]
    for i, (start, end) in enumerate(pairwise(edges)):
        counts.append(counts[-1] + (end - start if i % 2 else 0.0))
    at, so_far = np.array(edges), np.array(counts)
    return lambda sample: float(np.interp(sample, at, so_far))


def _ratings(windows: Sequence[Window], targets: int) -> np.ndarray:
    empty = np.full(targets, np.nan, np.float32)
    rows = [empty if window.dimensions is None else window.dimensions for window in windows]
    return np.array(rows, np.float64).reshape(len(windows), targets)


def _named(
    model: Listener, shares: np.ndarray, ratings: np.ndarray, weights: np.ndarray
) -> tuple[dict[str, float], dict[str, float]]:
    if not len(shares):
        return {}, {}
    means = np.average(ratings, axis=0, weights=weights).tolist()
    classes = model.named(np.average(shares.astype(np.float64), axis=0, weights=weights))
    return classes, dict(zip(model.targets, means, strict=True))


def _shares(found: Sequence[Segment]) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for one in found:
        seconds[one.label] = seconds.get(one.label, 0.0) + one.end - one.start
    return {label: seconds[label] / sum(seconds.values()) for label in sorted(seconds, key=lambda x: -seconds[x])}
