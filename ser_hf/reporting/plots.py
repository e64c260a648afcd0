"""The figures of a run, drawn on ``Figure`` objects: no window, no global state of pyplot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_hf.base.atomic import replacing

from ._canvas import (
    BLUE,
    DPI,
    GREEN,
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
    whole_ticks,
)
from ._wording import ADAPTED, count, heard, percent, speakers
from .depth_plots import coverage, groups, reliability

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COUNTS_FOR = {"class_weights": "counts in the loss for", "weighted_sampler": "drawn per epoch, on average"}
"""What the clips after balancing are where none was added or left out."""


def write_plots(results: Mapping[str, Any], folder: str | Path) -> list[Path]:
    """Draws every figure of a run.

    Args:
        results: the content of results.json.
        folder: where the PNG files go; made if missing.

    Returns:
        The files written. A run without a training history has no ``training_curves.png``.
    """
    folder, written = Path(folder), []
    for name, draw in PLOTS.items():
        path, figure = folder / f"{name}.png", draw(results)
        if figure is None:
            path.unlink(missing_ok=True)
            continue
        with replacing(path) as temporary:
            figure.savefig(temporary, dpi=DPI, format="png")
        written.append(path)
    return written


def confusion_matrix(results: Mapping[str, Any]) -> Figure:
    """Clips by true class (rows) and predicted class (columns), coloured by the share of the row."""
    classes = results["data"]["classes"]
    counts = np.asarray(results["test"]["confusion"], dtype=float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = len(classes)
    figure, axes = single("Confusion matrix", results, height=1.7 + 0.52 * size)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row in range(size):
        for column in range(size):
            _confusion_cell(axes, row, column, int(counts[row, column]), float(shares[row, column]))
    axes.set_xticks(
        range(size), map(plain, classes), rotation=35 if size > 5 else 0, ha="right" if size > 5 else "center"
    )
    axes.set_yticks(range(size), [f"{plain(c)}  ({int(n)})" for c, n in zip(classes, counts.sum(axis=1), strict=True)])
    labels(axes, "predicted class", "true class (clips)")
    axes.set_xticks(np.arange(size + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(size + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0, labelsize=9, labelcolor=INK)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, pad=0.02, aspect=30)
    percent_ticks(bar.ax.yaxis)
    bar.set_label("share of the true class", color=GREY, fontsize=9)
    bar.ax.tick_params(length=0, labelsize=8.5, labelcolor=INK)
    bar.ax.spines[:].set_visible(False)
    return figure


def _confusion_cell(axes: Axes, row: int, column: int, clips: int, share: float) -> None:
    if clips == 0:
        axes.text(column, row, "·", ha="center", va="center", color="#b4bcc4")
        return
    colour = "white" if share > 0.55 else INK
    weight = "bold" if row == column else "normal"
    axes.text(column, row - 0.1, str(clips), ha="center", va="center", color=colour, weight=weight, fontsize=10)
    axes.text(column, row + 0.24, f"{share:.0%}", ha="center", va="center", color=colour, fontsize=7)


def training_curves(results: Mapping[str, Any]) -> Figure | None:
    """Loss and validation scores by epoch, the kept epoch marked; None without a history."""
    training = results["training"]
    history, best = training["history"], training["best_epoch"]
    if not history:
        return None
    figure = canvas("Training", results, height=3.4)
    losses, scores = figure.subplots(1, 2)
    _curve(losses, history, "loss", "training", BLUE)
    _curve(losses, history, "eval_loss", "validation", ORANGE)
    _curve(scores, history, "eval_uar", "UAR", BLUE)
    _curve(scores, history, "eval_accuracy", "accuracy", ORANGE)
    losses.set_title("Loss", loc="left", fontsize=9.5, color=INK)
    scores.set_title("Validation score", loc="left", fontsize=9.5, color=INK)
    percent_ticks(scores.yaxis)
    scores.set_ylim(0, 1)
    losses.set_ylim(0, 1.08 * losses.get_ylim()[1])
    for axes in (losses, scores):
        style(axes, grid="both")
        labels(axes, "epoch", "")
        axes.set_xlim(0, max(1.0, *(float(r["epoch"]) for r in history)) * 1.02)
        whole_ticks(axes.xaxis, 6)
        if best is not None:
            axes.axvline(best, color=GREY, linestyle="--", linewidth=1, label=f"best epoch ({best:g})", zorder=1)
            _ring(axes, history, best, "eval_loss" if axes is losses else "eval_uar")
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False, fontsize=8)
    return figure


def _curve(axes: Axes, history: Sequence[Mapping[str, Any]], key: str, label: str, colour: str) -> None:
    points = [(r["epoch"], r[key]) for r in history if r.get(key) is not None]
    if points:
        epochs, values = zip(*points, strict=True)
        marker = "o" if len(points) < 25 else None
        axes.plot(epochs, values, color=colour, label=label, linewidth=1.7, marker=marker, markersize=3.5, zorder=2)


def _ring(axes: Axes, history: Sequence[Mapping[str, Any]], epoch: float, key: str) -> None:
    """Marks the point of one epoch on a curve."""
    points = [r[key] for r in history if r["epoch"] == epoch and r.get(key) is not None]
    axes.plot([epoch] * len(points), points, "o", markersize=7, markerfacecolor="none", markeredgecolor=INK, zorder=4)


def per_class(results: Mapping[str, Any]) -> Figure:
    """F1 and recall of every class."""
    rows = results["test"]["per_class"]
    figure, axes = single("Recall and F1 by class", results, height=1.2 + 0.42 * len(rows))
    places = np.arange(len(rows))
    for offset, key, name, colour in ((-0.2, "recall", "recall", BLUE), (0.2, "f1", "F1", ORANGE)):
        values = [r[key] for r in rows]
        axes.barh(places + offset, values, height=0.36, color=colour, label=name)
        for place, value in zip(places + offset, values, strict=True):
            axes.text(value + 0.008, place, percent(value), va="center", fontsize=7.5, color=GREY)
    axes.set_yticks(places, [f"{plain(r['class'])}  ({r['clips']})" for r in rows])
    labels(axes, "", "class (test clips)")
    axes.invert_yaxis()
    style(axes, grid="x")
    percent_axis(axes)
    legend(figure, axes)
    return figure


def per_corpus(results: Mapping[str, Any]) -> Figure:
    """Accuracy of every corpus and of the whole test set, with 95 % intervals by clip and by speaker."""
    test = results["test"]
    overall = {"corpus": "all", "clips": test["n_clips"], "speakers": test["n_speakers"], **test["metrics"]}
    rows = [*test["per_corpus"], overall] if len(test["per_corpus"]) != 1 else test["per_corpus"]
    figure, axes = single("Accuracy by corpus, with 95 % intervals", results, height=1.2 + 0.6 * len(rows))
    named: set[str] = set()
    for place, row in enumerate(rows):
        metric = row["accuracy"]
        for key, offset, colour in (("clips", -0.1, BLUE), ("speakers", 0.1, ORANGE)):
            if metric[key] is not None:
                label = f"interval over {key}" if key not in named else "_again"
                axes.hlines(place + offset, *metric[key], color=colour, linewidth=3, alpha=0.75, label=label)
                named.add(key)
        axes.plot(metric["value"], place, "o", color=INK, markersize=7, zorder=3)
        axes.text(metric["value"], place - 0.22, percent(metric["value"]), ha="center", fontsize=8.5, color=INK)
    names = [f"{plain(r['corpus'])}\n{count(r['clips'], 'clip')}, {speakers(r['speakers'])}" for r in rows]
    axes.set_yticks(range(len(rows)), names)
    axes.set_ylim(len(rows) - 0.5, -0.55)
    style(axes, grid="x")
    percent_axis(axes)
    legend(figure, axes)
    return figure


def class_distribution(results: Mapping[str, Any]) -> Figure:
    """Clips of every class in every split."""
    classes, splits = results["data"]["classes"], results["data"]["splits"]
    figure = canvas("Clips by class and split", results, height=1.1 + 0.3 * len(classes))
    panels = figure.subplots(1, len(splits), sharey=True, squeeze=False)[0]
    colours = (BLUE, GREEN, ORANGE)
    for i, (axes, (name, split)) in enumerate(zip(panels, splits.items(), strict=True)):
        values = [split["classes"].get(c, 0) for c in classes]
        axes.barh(range(len(classes)), values, color=colours[i % len(colours)], height=0.68)
        for place, value in enumerate(values):
            axes.annotate(f"{value:,}", (value, place), (3, 0), textcoords="offset points", va="center", fontsize=7.5)
        title = f"{name}\n{count(split['clips'], 'clip')}, {speakers(split['speakers'])}"
        axes.set_title(title, loc="left", fontsize=9, color=INK)
        axes.set_xlim(0, max(1, *values) * 1.22)
        whole_ticks(axes.xaxis, 3)
        style(axes, grid="x")
    panels[0].set_yticks(range(len(classes)), map(plain, classes))
    panels[0].invert_yaxis()
    return figure


def balance(results: Mapping[str, Any]) -> Figure | None:
    """Training clips of every class before and after balancing; None where nothing was balanced."""
    found = results["data"].get("balance") or {"method": "none"}
    if found["method"] == "none":
        return None
    classes = results["data"]["classes"]
    title = f"Training clips by class, before and after {found['method'].replace('_', ' ')}"
    figure, axes = single(title, results, height=1.2 + 0.42 * len(classes))
    places, after = np.arange(len(classes)), _COUNTS_FOR.get(found["method"], "after")
    for offset, key, name, colour in ((-0.2, "before", "before", GREY), (0.2, "after", after, BLUE)):
        values = [found[key].get(c, 0) for c in classes]
        axes.barh(places + offset, values, height=0.36, color=colour, label=name)
        for place, value in zip(places + offset, values, strict=True):
            axes.annotate(f"{value:,}", (value, place), (3, 0), textcoords="offset points", va="center", fontsize=7.5)
    axes.set_yticks(places, map(plain, classes))
    axes.invert_yaxis()
    axes.set_xlim(0, 1.1 * max(1, *found["before"].values(), *found["after"].values()))
    whole_ticks(axes.xaxis, 6)
    style(axes, grid="x")
    legend(figure, axes)
    return figure


def adaptation(results: Mapping[str, Any]) -> Figure | None:
    """UAR by how much is heard of a test speaker; None where the model does not adapt."""
    points = results["test"].get("adaptation")
    if not points:
        return None
    figure, axes = single("UAR by what was heard of a speaker", results, height=3.2)
    places, uars = range(len(points)), [point["uar"] for point in points]
    whole = [(i, p["uar_speakers_low"], p["uar_speakers_high"]) for i, p in enumerate(points)]
    drawn = [(i, p["uar"] - p["draws_std"], p["uar"] + p["draws_std"]) for i, p in enumerate(points) if p["draws"] > 1]
    for bars, colour, width, name in ((whole, ORANGE, 2, "95 % over speakers"), (drawn, BLUE, 6, "deviation of draws")):
        if bars and bars[0][1] is not None:
            axes.vlines(*zip(*bars, strict=True), color=colour, linewidth=width, alpha=0.75, label=name)
    axes.plot(places, uars, "o-", color=INK, markersize=5, linewidth=1.2, zorder=3)
    for place, uar in zip(places, uars, strict=True):
        axes.annotate(percent(uar), (place, uar), (8, -13), textcoords="offset points", fontsize=8.5, color=INK)
    axes.set_xticks(places, [heard(point).replace(" (", "\n(") for point in points])
    axes.set_xlim(-0.4, len(points) - 0.4)
    labels(axes, f"heard of a speaker: {ADAPTED}", "")
    percent_ticks(axes.yaxis)
    style(axes, grid="y")
    legend(figure, axes)
    return figure


PLOTS: Mapping[str, Callable[[Mapping[str, Any]], Figure | None]] = {
    "confusion_matrix": confusion_matrix,
    "per_class": per_class,
    "per_corpus": per_corpus,
    "training_curves": training_curves,
    "class_distribution": class_distribution,
    "balance": balance,
    "adaptation": adaptation,
    "reliability": reliability,
    "coverage": coverage,
    "groups": groups,
}
"""File name without suffix -> the function that draws it."""
