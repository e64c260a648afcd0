"""Figures of what is behind a score: calibration, what is gained by saying nothing, and groups of clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._canvas import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    canvas,
    labels,
    legend,
    percent_axis,
    percent_ticks,
    plain,
    single,
    style,
)
from ._wording import count, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SLICE_NAMES = {"duration": ("length", "s"), "loudness_db": ("loudness", "dBFS"), "snr_db": ("over noise", "dB")}
"""Column of a slice -> what it is, and its unit."""


def reliability(results: Mapping[str, Any]) -> Figure | None:
    """Accuracy by confidence, and how many clips have it, before and after the temperature; None of older runs."""
    found = results["test"].get("calibration")
    if not found or "reliability" not in found:
        return None
    after = found["reliability"]
    before = found.get("reliability_before", after)
    figure = canvas("Reliability: accuracy by confidence", results, height=3.4)
    panels = figure.subplots(1, 2, sharey=True) if before != after else [figure.subplots()]
    shown = [
        ("as trained", before, found.get("ece_before", found["ece"])),
        (f"temperature {found['temperature']:.2f}", after, found["ece"]),
    ]
    for axes, (name, bins, ece) in zip(panels, shown[-len(panels) :], strict=True):
        held = [one for one in bins if one["clips"]]
        most = max(one["clips"] for one in held)
        axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="confidence = accuracy")
        middles, width = [(one["low"] + one["high"]) / 2 for one in held], held[0]["high"] - held[0]["low"]
        shares = [0.25 * one["clips"] / most for one in held]
        axes.bar(middles, shares, width=0.9 * width, color=GREY, alpha=0.25, label=f"clips (most: {most})")
        points = [one["confidence"] for one in held], [one["accuracy"] for one in held]
        axes.plot(*points, "o-", color=BLUE, markersize=4, linewidth=1.5, label="accuracy")
        axes.set_title(f"{name}: ECE {percent(ece)} %", loc="left", fontsize=9.5, color=INK)
        labels(axes, "confidence", "accuracy" if axes is panels[0] else "")
        style(axes, grid="both")
        percent_axis(axes)
        axes.set_ylim(0, 1.02)
        percent_ticks(axes.yaxis)
    legend(figure, panels[-1])
    return figure


def coverage(results: Mapping[str, Any]) -> Figure | None:
    """Accuracy and UAR of the clips that the model is surest of; None of older runs."""
    curve = (results["test"].get("selective") or {}).get("curve")
    if not curve:
        return None
    figure, axes = single("Score of the clips the model is surest of", results, height=2.9)
    shares = [point["coverage"] for point in curve]
    for key, name, colour in (("accuracy", "accuracy", BLUE), ("uar", "UAR", ORANGE)):
        axes.plot(shares, [point[key] for point in curve], "o-", color=colour, markersize=4, linewidth=1.5, label=name)
    labels(axes, "share of the clips that are answered", "")
    style(axes, grid="both")
    percent_axis(axes)
    percent_ticks(axes.yaxis)
    legend(figure, axes)
    return figure


def groups(results: Mapping[str, Any]) -> Figure | None:
    """UAR by sex, language, corpus and quarter of length, loudness and noise, with 95 % intervals; None without any."""
    rows = group_rows(results["test"])
    if not rows:
        return None
    figure, axes = single("UAR by group of clips, with 95 % intervals", results, height=1.0 + 0.3 * len(rows))
    for place, (_, row) in enumerate(rows):
        low, high = row["uar"]["speakers"] or row["uar"]["clips"]
        axes.hlines(place, low, high, color=ORANGE if row["uar"]["speakers"] else BLUE, linewidth=3, alpha=0.75)
        axes.plot(row["uar"]["value"], place, "o", color=INK, markersize=5, zorder=3)
    axes.axvline(results["test"]["metrics"]["uar"]["value"], color=GREY, linestyle="--", linewidth=1, zorder=1)
    axes.set_yticks(range(len(rows)), [f"{plain(name)}  ({count(row['clips'], 'clip')})" for name, row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    style(axes, grid="x")
    percent_axis(axes)
    return figure


def group_rows(test: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The groups with their names in words, speakers apart; corpora only where there are several."""
    found = test.get("groups") or {}
    rows: list[tuple[str, Mapping[str, Any]]] = []
    for column in ("sex", "language", "corpus"):
        own: Sequence[Mapping[str, Any]] = found.get(column, ())
        rows += [(f"{column}: {row['group']}", row) for row in own] if len(own) > 1 else []
    for column, own in (test.get("slices") or {}).items():
        name, unit = SLICE_NAMES[column]
        rows += [(f"{name}: {row['low']:.1f} to {row['high']:.1f} {unit}", row) for row in own]
    return rows
