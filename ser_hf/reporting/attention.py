"""What a model attended to: weights over time above the spectrogram it saw, and the probabilities it gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ser_hf.base.atomic import replacing

from ._canvas import BLUE, DPI, GREY, INK, ORANGE, headed, labels, percent_ticks, plain, style
from ._wording import SEPARATOR, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TICKS_HZ = (250, 500, 1000, 2000, 4000, 8000, 16000)


@dataclass(frozen=True)
class Attended:
    """One clip as a model with attention saw it.

    Attributes:
        clip: its name.
        model: what classified it.
        spectrogram: features ``(rows, T)``.
        hop: seconds from frame to frame.
        frequencies: Hz of the middle of every row, rising; None where rows are not frequencies.
        weights: ``(T',)``, of groups of as many frames each, the last perhaps of fewer; they sum to 1.
        scores: class name -> probability, the most probable first.
    """

    clip: str
    model: str
    spectrogram: NDArray[np.float32]
    hop: float
    frequencies: Sequence[float] | None
    weights: NDArray[np.float32]
    scores: Mapping[str, float]

    @property
    def edges(self) -> NDArray[np.float64]:
        """Seconds between which every weight holds, ``(T' + 1,)``. A frame's middle is at a multiple of the hop."""
        frames, groups = self.spectrogram.shape[1], len(self.weights)
        pooled = -(-frames // groups)
        edges: NDArray[np.float64] = (np.minimum(np.arange(groups + 1) * pooled, frames) - 0.5) * self.hop
        return edges


def write_attention(attended: Attended, file: str | Path) -> None:
    """Writes the figure as PNG."""
    with replacing(file) as temporary:
        draw_attention(attended).savefig(temporary, dpi=DPI, format="png")


def draw_attention(attended: Attended) -> Figure:
    """Attention weights over the spectrogram, on one time axis; beside them the probabilities of the classes."""
    best, score = next(iter(attended.scores.items()))
    line = SEPARATOR.join((attended.clip, attended.model, f"{best} {percent(score)} %"))
    figure = headed("Attention over the spectrogram", line, height=3.6)
    grid = figure.add_gridspec(2, 2, width_ratios=(3.2, 1), height_ratios=(1, 2.4))
    spectrogram = figure.add_subplot(grid[1, 0])
    _draw_weights(figure.add_subplot(grid[0, 0], sharex=spectrogram), attended)
    _draw_spectrogram(spectrogram, attended)
    _draw_scores(figure.add_subplot(grid[:, 1]), attended.scores)
    return figure


def _draw_weights(axes: Axes, attended: Attended) -> None:
    edges = attended.edges
    axes.stairs(attended.weights, edges, fill=True, color=ORANGE, alpha=0.35)
    axes.stairs(attended.weights, edges, color=ORANGE, linewidth=1.4)
    axes.set_ylim(0, max(1.15 * float(attended.weights.max()), 1e-3))
    style(axes, grid="y")
    percent_ticks(axes.yaxis)
    axes.locator_params(axis="y", nbins=3)
    axes.tick_params(axis="x", labelbottom=False)
    axes.set_ylabel("attention", fontsize=9, color=GREY)


def _draw_spectrogram(axes: Axes, attended: Attended) -> None:
    rows, frames = attended.spectrogram.shape
    axes.imshow(
        attended.spectrogram,
        origin="lower",
        aspect="auto",
        cmap="magma",
        interpolation="nearest",
        extent=(-0.5 * attended.hop, (frames - 0.5) * attended.hop, -0.5, rows - 0.5),
    )
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=8.5, labelcolor=INK)
    if attended.frequencies is None:
        labels(axes, "time in the model's window (s)", "feature")
        return
    low, high = attended.frequencies[0], attended.frequencies[-1]
    shown = [hz for hz in _TICKS_HZ if low <= hz <= high]
    places = np.interp(shown, attended.frequencies, np.arange(rows))
    axes.set_yticks(places, [f"{hz:,}" for hz in shown])
    labels(axes, "time in the model's window (s)", "mel frequency (Hz)")


def _draw_scores(axes: Axes, scores: Mapping[str, float]) -> None:
    values = list(scores.values())
    axes.barh(range(len(values)), values, color=[BLUE, *["#a9b4be"] * (len(values) - 1)], height=0.3)
    for place, (name, value) in enumerate(scores.items()):
        axes.text(0, place - 0.24, f"{plain(name)}  {percent(value)} %", fontsize=8.5, color=INK, va="bottom")
    axes.set_xlim(0, 1)
    axes.set_ylim(len(values) - 0.7, -0.9)
    axes.set_axis_off()
