"""The canvas of every figure: colours, a title over the run's heading, axes without clutter."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ser_hf.base.plain import one_line

from ._wording import SEPARATOR, heading

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, INK, GREY, LIGHT = "#0072b2", "#d55e00", "#009e73", "#22282f", "#66707a", "#dfe4e8"
"""Okabe and Ito's colours, told apart by colour-blind readers, and the greys."""

WIDTH = 7.2
"""Inches; at ``DPI`` a little wider than a README column, so that it stays sharp there."""


DPI = 160


def canvas(title: str, results: Mapping[str, Any], height: float) -> Figure:
    """An empty figure with a title and the run's heading above a plot area of ``height`` inches."""
    return headed(title, heading(results), height)


def headed(title: str, line: str, height: float) -> Figure:
    """An empty figure with a title and a line under it above a plot area of ``height`` inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    lines = _wrapped(one_line(line))
    head = 0.42 + 0.16 * len(lines)
    figure = Figure(figsize=(WIDTH, height + head), facecolor="white")
    FigureCanvasAgg(figure)
    figure.set_layout_engine(ConstrainedLayoutEngine(rect=(0.0, 0.0, 1.0, height / (height + head)), w_pad=0.08))
    top = 1 - 0.12 / (height + head)
    figure.text(0.012, top, title, weight="bold", fontsize=12, color=INK, va="top", parse_math=False)
    below = 1 - 0.36 / (height + head)
    figure.text(0.012, below, "\n".join(lines), fontsize=8, color=GREY, va="top", linespacing=1.35, parse_math=False)
    return figure


def _wrapped(text: str, width: int = 112) -> list[str]:
    """Breaks a heading between its parts, and inside one only where it is longer than a line."""
    lines: list[str] = []
    for part in text.split(SEPARATOR):
        joined = f"{lines[-1]}{SEPARATOR}{part}" if lines else part
        if lines and len(joined) <= width:
            lines[-1] = joined
        else:
            lines.extend(textwrap.wrap(part, width))
    return lines


def single(title: str, results: Mapping[str, Any], height: float) -> tuple[Figure, Axes]:
    """A canvas with one pair of axes."""
    figure = canvas(title, results, height)
    return figure, figure.subplots()


def plain(name: str) -> str:
    """A name that matplotlib does not take for a formula, without letters that no font has."""
    return one_line(name).replace("$", r"\$")


def labels(axes: Axes, below: str, left: str) -> None:
    """Names the axes."""
    axes.set_xlabel(below, fontsize=9, color=GREY)
    axes.set_ylabel(left, fontsize=9, color=GREY)


def style(axes: Axes, grid: str) -> None:
    """Leaves the base line and a light grid."""
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(LIGHT)
    axes.tick_params(length=0, labelsize=8.5, labelcolor=INK)
    axes.set_axisbelow(True)
    axes.grid(axis=grid, color=LIGHT, linewidth=0.8)  # type: ignore[arg-type]


def percent_axis(axes: Axes) -> None:
    """Runs the horizontal axis from 0 to 100 %."""
    axes.set_xlim(0, 1.06)
    axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    percent_ticks(axes.xaxis)


def percent_ticks(axis: Axis) -> None:
    """Writes shares as percentages."""
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(1.0))


def whole_ticks(axis: Axis, number: int) -> None:
    """Puts about ``number`` ticks at whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(number, integer=True))


def legend(figure: Figure, axes: Axes) -> None:
    """Puts the legend under the axes, outside."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower right", ncols=len(handles), frameon=False, fontsize=8)
