"""The figures of a run, drawn on ``Figure`` objects: no window, no global state of pyplot."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_hf.atomic import replacing

from ._wording import SEPARATOR, count, heading, percent, speakers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, INK, GREY, LIGHT = "#0072b2", "#d55e00", "#009e73", "#22282f", "#66707a", "#dfe4e8"
"""Okabe and Ito's colours, told apart by colour-blind readers, and the greys."""

WIDTH = 7.2
"""Inches; at ``DPI`` a little wider than a README column, so that it stays sharp there."""
DPI = 160

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
    figure, axes = _figure("Confusion matrix", results, height=1.7 + 0.52 * size)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row in range(size):
        for column in range(size):
            _confusion_cell(axes, row, column, int(counts[row, column]), float(shares[row, column]))
    axes.set_xticks(
        range(size), map(_plain, classes), rotation=35 if size > 5 else 0, ha="right" if size > 5 else "center"
    )
    axes.set_yticks(range(size), [f"{_plain(c)}  ({int(n)})" for c, n in zip(classes, counts.sum(axis=1), strict=True)])
    _labels(axes, "predicted class", "true class (clips)")
    axes.set_xticks(np.arange(size + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(size + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0, labelsize=9, labelcolor=INK)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, pad=0.02, aspect=30)
    _percent_ticks(bar.ax.yaxis)
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
    figure = _canvas("Training", results, height=3.4)
    losses, scores = figure.subplots(1, 2)
    _curve(losses, history, "loss", "training", BLUE)
    _curve(losses, history, "eval_loss", "validation", ORANGE)
    _curve(scores, history, "eval_uar", "UAR", BLUE)
    _curve(scores, history, "eval_accuracy", "accuracy", ORANGE)
    losses.set_title("Loss", loc="left", fontsize=9.5, color=INK)
    scores.set_title("Validation score", loc="left", fontsize=9.5, color=INK)
    _percent_ticks(scores.yaxis)
    scores.set_ylim(0, 1)
    losses.set_ylim(0, 1.08 * losses.get_ylim()[1])
    for axes in (losses, scores):
        _style(axes, grid="both")
        _labels(axes, "epoch", "")
        axes.set_xlim(0, max(1.0, *(float(r["epoch"]) for r in history)) * 1.02)
        _whole_ticks(axes.xaxis, 6)
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
    figure, axes = _figure("Recall and F1 by class", results, height=1.2 + 0.42 * len(rows))
    places = np.arange(len(rows))
    for offset, key, name, colour in ((-0.2, "recall", "recall", BLUE), (0.2, "f1", "F1", ORANGE)):
        values = [r[key] for r in rows]
        axes.barh(places + offset, values, height=0.36, color=colour, label=name)
        for place, value in zip(places + offset, values, strict=True):
            axes.text(value + 0.008, place, percent(value), va="center", fontsize=7.5, color=GREY)
    axes.set_yticks(places, [f"{_plain(r['class'])}  ({r['clips']})" for r in rows])
    _labels(axes, "", "class (test clips)")
    axes.invert_yaxis()
    _style(axes, grid="x")
    _percent_axis(axes)
    _legend(figure, axes)
    return figure


def per_corpus(results: Mapping[str, Any]) -> Figure:
    """Accuracy of every corpus and of the whole test set, with 95 % intervals by clip and by speaker."""
    test = results["test"]
    overall = {"corpus": "all", "clips": test["n_clips"], "speakers": test["n_speakers"], **test["metrics"]}
    rows = [*test["per_corpus"], overall] if len(test["per_corpus"]) != 1 else test["per_corpus"]
    figure, axes = _figure("Accuracy by corpus, with 95 % intervals", results, height=1.2 + 0.6 * len(rows))
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
    names = [f"{_plain(r['corpus'])}\n{count(r['clips'], 'clip')}, {speakers(r['speakers'])}" for r in rows]
    axes.set_yticks(range(len(rows)), names)
    axes.set_ylim(len(rows) - 0.5, -0.55)
    _style(axes, grid="x")
    _percent_axis(axes)
    _legend(figure, axes)
    return figure


def class_distribution(results: Mapping[str, Any]) -> Figure:
    """Clips of every class in every split."""
    classes, splits = results["data"]["classes"], results["data"]["splits"]
    figure = _canvas("Clips by class and split", results, height=1.1 + 0.3 * len(classes))
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
        _whole_ticks(axes.xaxis, 3)
        _style(axes, grid="x")
    panels[0].set_yticks(range(len(classes)), map(_plain, classes))
    panels[0].invert_yaxis()
    return figure


def balance(results: Mapping[str, Any]) -> Figure | None:
    """Training clips of every class before and after balancing; None where nothing was balanced."""
    found = results["data"].get("balance") or {"method": "none"}
    if found["method"] == "none":
        return None
    classes = results["data"]["classes"]
    title = f"Training clips by class, before and after {found['method'].replace('_', ' ')}"
    figure, axes = _figure(title, results, height=1.2 + 0.42 * len(classes))
    places, after = np.arange(len(classes)), _COUNTS_FOR.get(found["method"], "after")
    for offset, key, name, colour in ((-0.2, "before", "before", GREY), (0.2, "after", after, BLUE)):
        values = [found[key].get(c, 0) for c in classes]
        axes.barh(places + offset, values, height=0.36, color=colour, label=name)
        for place, value in zip(places + offset, values, strict=True):
            axes.annotate(f"{value:,}", (value, place), (3, 0), textcoords="offset points", va="center", fontsize=7.5)
    axes.set_yticks(places, map(_plain, classes))
    axes.invert_yaxis()
    axes.set_xlim(0, 1.1 * max(1, *found["before"].values(), *found["after"].values()))
    _whole_ticks(axes.xaxis, 6)
    _style(axes, grid="x")
    _legend(figure, axes)
    return figure


PLOTS: Mapping[str, Callable[[Mapping[str, Any]], Figure | None]] = {
    "confusion_matrix": confusion_matrix,
    "per_class": per_class,
    "per_corpus": per_corpus,
    "training_curves": training_curves,
    "class_distribution": class_distribution,
    "balance": balance,
}
"""File name without suffix -> the function that draws it."""


def _canvas(title: str, results: Mapping[str, Any], height: float) -> Figure:
    """An empty figure with a title and the run's heading above a plot area of ``height`` inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    lines = _wrapped(heading(results))
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


def _figure(title: str, results: Mapping[str, Any], height: float) -> tuple[Figure, Axes]:
    figure = _canvas(title, results, height)
    return figure, figure.subplots()


def _plain(name: str) -> str:
    """A name that matplotlib does not take for a formula."""
    return name.replace("$", r"\$")


def _labels(axes: Axes, below: str, left: str) -> None:
    axes.set_xlabel(below, fontsize=9, color=GREY)
    axes.set_ylabel(left, fontsize=9, color=GREY)


def _style(axes: Axes, grid: str) -> None:
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(LIGHT)
    axes.tick_params(length=0, labelsize=8.5, labelcolor=INK)
    axes.set_axisbelow(True)
    axes.grid(axis=grid, color=LIGHT, linewidth=0.8)  # type: ignore[arg-type]


def _percent_axis(axes: Axes) -> None:
    axes.set_xlim(0, 1.06)
    axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    _percent_ticks(axes.xaxis)


def _percent_ticks(axis: Axis) -> None:
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(1.0))


def _whole_ticks(axis: Axis, number: int) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(number, integer=True))


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower right", ncols=len(handles), frameon=False, fontsize=8)
