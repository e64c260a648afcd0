"""The figure of a score under conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ser_hf.base.atomic import replacing

from ._canvas import BLUE, DPI, GREY, INK, ORANGE, percent_axis, single, style
from ._wording import percent


def robustness_plot(results: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draws the UAR under each condition with its interval, and a line through that of the clips as they are.

    Args:
        results: of the run.
        lines: of `ser_hf.flows.robustness.evaluate_robustness`.
        path: a PNG file.
    """
    figure, axes = single("UAR under conditions, with 95 % intervals", results, height=1.2 + 0.42 * len(lines))
    axes.axvline(lines[0]["uar"], color=GREY, linestyle="--", linewidth=1, zorder=1)
    for place, line in enumerate(lines):
        colour = BLUE if place == 0 else ORANGE
        axes.hlines(place, line["uar_low"], line["uar_high"], color=colour, linewidth=3, alpha=0.75)
        axes.plot(line["uar"], place, "o", color=INK, markersize=6, zorder=3)
        axes.text(line["uar"], place - 0.2, percent(line["uar"]), ha="center", fontsize=8, color=INK)
    axes.set_yticks(range(len(lines)), [str(line["what"]) for line in lines])
    axes.set_ylim(len(lines) - 0.5, -0.6)
    style(axes, grid="x")
    percent_axis(axes)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=DPI, format="png")
