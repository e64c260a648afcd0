"""One self-contained HTML page for a run: scores with intervals, split, ledger, audit, errors, training."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ser_hf.base.atomic import write_text

from . import _wording
from ._results import load_predictions, load_results
from ._templates import render
from .clip_map import clip_map
from .depth_plots import group_rows
from .plots import write_plots

REPORT = "report.html"
PLOTS_FOLDER = "plots"


def write_report(run_dir: str | Path, sounds: Mapping[str, bytes] | None = None) -> Path:
    """Writes ``report.html`` and ``plots/*.png`` of a run.

    Reads ``results.json`` and ``predictions.parquet`` of the folder and nothing else. The page needs no other file:
    styles are inline, figures are embedded, there are no scripts.

    Args:
        run_dir: a run folder.
        sounds: clip id -> FLAC, of clips that may be heard in the page, beside what they were taken for; they are put
            into it, so that whoever gets the page gets the recordings.

    Returns:
        The path of ``report.html``.

    Raises:
        SerHfError: one of the two files is missing, unreadable or incomplete.
    """
    from ser_hf.evaluation import SOFT_TITLES  # loads more than a figure needs

    run_dir = Path(run_dir)
    results = load_results(run_dir)
    predictions = load_predictions(run_dir, results)
    drawn = write_plots(results, run_dir / PLOTS_FOLDER)
    where = clip_map(results, predictions, run_dir / PLOTS_FOLDER / "clip_map.png")
    drawn += [where] if where else []
    plots = {path.stem: _data_uri(path.read_bytes(), "image/png") for path in drawn}
    context = {
        "r": results,
        "plots": plots,
        "heading": _wording.heading(results),
        "metric_names": _wording.METRICS,
        "meanings": _wording.MEANINGS,
        "mixed_warning": _wording.MIXED_WARNING,
        "synthetic_warning": _wording.SYNTHETIC_WARNING,
        "adapted": _wording.ADAPTED,
        "calibrated": _wording.calibrated(results),
        "soft_titles": SOFT_TITLES,
        "confusions": _wording.worst_confusions(results),
        "errors": _wording.confident_errors(predictions),
        "sounds": {clip: _data_uri(flac, "audio/flac") for clip, flac in (sounds or {}).items()},
        "facts": _facts(results),
        "group_rows": group_rows(results["test"]),
    }
    path = run_dir / REPORT
    write_text(path, render("report.html", context))
    return path


def surest_errors(run_dir: str | Path) -> list[str]:
    """The ids of the clips that the report of a run lists as wrong, and surest of it."""
    predictions = load_predictions(run_dir, load_results(run_dir))
    return [str(row["clip_id"]) for row in _wording.confident_errors(predictions)]


def _data_uri(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _facts(results: Mapping[str, Any]) -> dict[str, str]:
    """The training facts of the report, name -> text."""
    training, model = results["training"], results["model"]
    best, uar = training["best_epoch"], training["best_validation_uar"]
    memory = training.get("peak_memory_mb")
    if training["device"] == "elsewhere":
        labels = ", ".join(f"{name} = {meaning or 'dropped'}" for name, meaning in model.get("labels", {}).items())
        architecture = f"{model['architecture']}, {_wording.count(model['parameters'], 'parameter')}"
        return {"architecture": architecture, "training": "elsewhere", "its labels": labels}
    if "members" in model:
        return {
            "architecture": f"{model['architecture']}, {_wording.count(model['parameters'], 'parameter')}",
            f"mean of {model['combined_by']} of": ", ".join(
                f"{one['name']} ({_wording.percent(one['share'])} %)" for one in model["members"]
            ),
            "training time of all": _wording.duration(training["seconds"]),
            "devices": f"{training['device']} ({training['hardware']})",
            "precision": training["precision"],
        }
    last = f"{training['epochs']:g}, the last" if training["epochs"] else "–"
    return {
        "architecture": f"{model['architecture']}, {_wording.count(model['parameters'], 'parameter')}",
        "epochs": f"{training['epochs']:g}",
        "kept epoch": last if best is None else f"{best:g}, chosen by validation UAR",
        "validation UAR at that epoch": "–" if uar is None else f"{_wording.percent(uar)} %",
        "training time": _wording.duration(training["seconds"]),
        "device": f"{training['device']} ({training['hardware']})",
        "precision": training["precision"],
        "processes": str(training["processes"]),
        **({} if memory is None else {"peak memory": f"{memory:,} MB"}),
    }
