"""A long recording at a glance: its waveform, where somebody speaks, the segments, and the probabilities over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ser_hf.base.atomic import replacing

from ._canvas import DPI, GREY, INK, headed, percent_ticks, plain, style
from ._wording import SEPARATOR

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#56b4e9", "#d55e00", "#cc79a7", "#f0e442", "#6b6f75")
"""Okabe and Ito's, a grey for their black; beyond eight classes they come again, hatched."""
_HATCHES = ("", "///", "...", "xxx")
_UNSURE = "#c9d0d6"
_COLUMNS = 600
"""Of the picture: more windows are averaged, or they would be narrower than a pixel."""
_PER_LETTER = 0.011
"""Of the width, for a letter of a segment's name."""
_SPEAKERS = 6
"""Rows of speakers at most; more are one row."""


class Band(NamedTuple):
    """A segment with speech: seconds, label, and who speaks."""

    start: float
    end: float
    label: str
    speaker: str | None


@dataclass(frozen=True)
class Drawn:
    """What the picture shows.

    Attributes:
        name: of the recording.
        facts: what is said under it.
        duration: seconds.
        labels: class names ``C``.
        segments: those with speech, in order.
        speech: start and end of speech, in seconds.
        middles: seconds of the middles of the windows ``(N,)``, rising.
        probabilities: ``(N, C)``; NaN where a window was not heard.
        hop: seconds from window to window.
        envelope: smallest and largest sample of parts of the recording, ``(P, 2)``.
        edges: seconds between which these lie, ``(P + 1,)``.
    """

    name: str
    facts: Sequence[str]
    duration: float
    labels: Sequence[str]
    segments: Sequence[Band]
    speech: Sequence[tuple[float, float]]
    middles: np.ndarray
    probabilities: np.ndarray
    hop: float
    envelope: np.ndarray
    edges: np.ndarray


def write_drawing(drawn: Drawn, file: str | Path) -> None:
    """Writes the picture as PNG."""
    with replacing(file) as temporary:
        draw(drawn).savefig(temporary, dpi=DPI, format="png")


def draw(drawn: Drawn) -> Figure:
    """Waveform with marks of speech, segments with their names, and stacked probabilities, on one time axis."""
    rows = _rows(drawn)
    heights = (1.0, 0.32 * len(rows) + 0.1, 1.9)
    legend = -(-(len(drawn.labels) + 1) // 5)
    line = SEPARATOR.join((drawn.name, *drawn.facts))
    figure = headed("Emotion over time", line, height=sum(heights) + 0.75 + 0.2 * legend)
    waveform, bands, shares = figure.subplots(3, 1, sharex=True, height_ratios=heights)
    looks = _looks(drawn.labels)
    _draw_waveform(waveform, drawn)
    _draw_bands(bands, drawn, rows, looks)
    _draw_shares(shares, drawn, looks)
    shares.set_xlim(0, drawn.duration)
    shares.xaxis.set_major_locator(_times(drawn.duration))
    shares.xaxis.set_major_formatter(lambda seconds, _: _clock(seconds, drawn.duration))
    shares.set_xlabel("time (h:mm:ss)" if drawn.duration >= 3600 else "time (m:ss)", fontsize=9, color=GREY)
    for axes in (waveform, bands):
        axes.tick_params(axis="x", labelbottom=False)
    _draw_legend(figure, looks, any(band.label not in looks for band in drawn.segments))
    return figure


def _rows(drawn: Drawn) -> list[str | None]:
    speakers: list[str | None] = [*dict.fromkeys(band.speaker for band in drawn.segments)]
    return speakers if 1 <= len(speakers) <= _SPEAKERS else [None]


def _looks(labels: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Colour and hatching of every class."""
    looks: dict[str, dict[str, Any]] = {}
    for i, name in enumerate(labels):
        hatch = _HATCHES[i // len(_COLOURS) % len(_HATCHES)]
        looks[name] = {"facecolor": _COLOURS[i % len(_COLOURS)], "hatch": hatch, "edgecolor": "white", "linewidth": 0}
    return looks


def _draw_waveform(axes: Axes, drawn: Drawn) -> None:
    if len(drawn.envelope):
        low, high = drawn.envelope.T
        axes.stairs(high, drawn.edges, baseline=low, fill=True, color="#8b959e", linewidth=0.3)
    most = max(float(np.abs(drawn.envelope).max(initial=0)), 1e-3)
    axes.set_ylim(-1.35 * most, 1.1 * most)
    marks = [(start, end - start) for start, end in drawn.speech]
    axes.broken_barh(marks, (-1.33 * most, 0.14 * most), facecolor=INK, linewidth=0)
    style(axes, grid="x")
    axes.set_yticks([])
    axes.set_ylabel("waveform,\nspeech below" if marks else "waveform", fontsize=8.5, color=GREY)


def _draw_bands(axes: Axes, drawn: Drawn, rows: list[str | None], looks: Mapping[str, dict[str, Any]]) -> None:
    for place, speaker in enumerate(rows):
        own = [band for band in drawn.segments if len(rows) == 1 or band.speaker == speaker]
        for name in dict.fromkeys(band.label for band in own):
            spans = [(band.start, band.end - band.start) for band in own if band.label == name]
            axes.broken_barh(spans, (place - 0.42, 0.84), **looks.get(name, {"facecolor": _UNSURE, "linewidth": 0}))
        for band in own:
            if band.end - band.start > _PER_LETTER * (len(band.label) + 1) * drawn.duration:
                dark = band.label in looks and looks[band.label]["facecolor"] in ("#0072b2", "#6b6f75")
                axes.text(
                    (band.start + band.end) / 2,
                    place,
                    band.label,
                    fontsize=7.5,
                    color="white" if dark else INK,
                    ha="center",
                    va="center",
                    parse_math=False,
                    clip_on=True,
                )
    axes.set_ylim(len(rows) - 0.5, -0.5)
    style(axes, grid="x")
    axes.set_yticks(range(len(rows)), [plain(speaker or "segments")[:24] for speaker in rows])


def _draw_shares(axes: Axes, drawn: Drawn, looks: Mapping[str, dict[str, Any]]) -> None:
    edges, shares = _columns(drawn)
    low = np.zeros(len(shares))
    for i, name in enumerate(drawn.labels):
        high = low + np.nan_to_num(shares[:, i])
        axes.stairs(high, edges, baseline=low, fill=True, **looks[name])
        low = high
    axes.set_ylim(0, 1)
    style(axes, grid="x")
    percent_ticks(axes.yaxis)
    axes.set_ylabel("probability", fontsize=8.5, color=GREY)


def _columns(drawn: Drawn) -> tuple[np.ndarray, np.ndarray]:
    """Edges ``(M + 1,)`` and mean probabilities ``(M, C)`` of the columns; NaN where no window was heard."""
    number = int(min(_COLUMNS, max(1, np.ceil(2 * drawn.duration / drawn.hop))))
    edges = np.linspace(0, drawn.duration, number + 1)
    heard = np.flatnonzero(~np.isnan(drawn.probabilities).any(axis=1))
    result = np.full((number, len(drawn.labels)), np.nan)
    if not len(heard):
        return edges, result
    places = np.clip(np.searchsorted(edges, drawn.middles[heard], side="right") - 1, 0, number - 1)
    total, count = np.zeros_like(result), np.bincount(places, minlength=number)
    np.add.at(total, places, drawn.probabilities[heard])
    middles = (edges[:-1] + edges[1:]) / 2
    inside = np.zeros(number, bool)
    for band in drawn.segments:
        inside |= (middles >= band.start) & (middles <= band.end)
    nearest = _nearest(drawn.middles[heard], middles)
    for i in range(number):
        if count[i] and inside[i]:
            result[i] = total[i] / count[i]
        elif inside[i]:
            result[i] = drawn.probabilities[heard[nearest[i]]]
    return edges, result


def _nearest(known: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    after = np.clip(np.searchsorted(known, wanted), 1, max(1, len(known) - 1))
    before = after - 1
    after = np.minimum(after, len(known) - 1)
    found: np.ndarray = np.where(np.abs(known[before] - wanted) <= np.abs(known[after] - wanted), before, after)
    return found


def _draw_legend(figure: Figure, looks: Mapping[str, dict[str, Any]], unsure: bool) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(label=plain(name), **look) for name, look in looks.items()]
    handles += [Patch(label="unsure", facecolor=_UNSURE, linewidth=0)] if unsure else []
    figure.legend(handles=handles, loc="outside lower center", ncols=min(5, len(handles)), frameon=False, fontsize=8)


def _times(duration: float) -> Any:
    """Ticks at round times: at most eight."""
    from matplotlib.ticker import MultipleLocator

    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
    return MultipleLocator(next((step for step in steps if duration / step <= 8), duration / 8))


def _clock(seconds: float, duration: float) -> str:
    whole = int(seconds + 1e-6)
    if duration < 8:
        return f"0:{seconds:04.1f}"
    if duration < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
