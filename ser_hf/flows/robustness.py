"""A run's checkpoint on its own test clips, as they are and as they become on the way: the score under conditions."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ser_hf.augment.conditions import CONDITIONS
from ser_hf.base.alone import alone
from ser_hf.base.atomic import write_json, write_text
from ser_hf.base.disk import writing
from ser_hf.base.errors import SerHfError, unknown
from ser_hf.base.provenance import now, versions
from ser_hf.base.steps import steps
from ser_hf.evaluation import evaluate_predictions, expected_calibration_error, uar_difference
from ser_hf.features import LiveFeatureRows, WaveformRows, prepared, scoring_rows
from ser_hf.models import SerFeatureExtractor
from ser_hf.reporting import load_results, robustness_plot
from ser_hf.training import load_checkpoint, read_split
from ser_hf.training.prediction import predict

from .evaluate import own_test, recordings_for

CLEAN = "clean"
ROBUSTNESS = "robustness"


def evaluate_robustness(
    run: str | Path, names: Sequence[str] = (), *, output: str | Path | None = None, **recordings: Any
) -> tuple[list[dict[str, Any]], Path]:
    """Scores a run's checkpoint under conditions, and writes ``robustness.csv``, ``.json`` and ``.png``.

    Conditions change the decoded recording; peaks are scaled, edges cut and features computed after it, as of any
    recording. Chance, as in noise, depends on the clip alone.

    Args:
        run: run folder of `train`.
        names: of `ser_hf.augment.conditions.CONDITIONS`; none for all. The clips as they are always come first.
        output: by default ``<run>/evaluations/robustness``.
        recordings: where they are: ``data_root``, ``data_dirs`` and more, see `evaluate`.

    Returns:
        For each condition: ``condition``, ``what``, ``clips``, ``uar``, ``accuracy`` (with the 95 % intervals over
        speakers and clips), ``uar_difference`` from the clips as they are (with the interval of a paired bootstrap over
        speakers), ``changed``: the share of clips that are taken for another class, ``confidence`` and ``ece``; and the
        folder.

    Raises:
        SplitError: a clip of the run's test split is not there.
        SerHfError: an unknown condition, or any error of loading checkpoint and recordings.
    """
    for name in names:
        if name not in CONDITIONS:
            raise SerHfError(unknown("condition", name, CONDITIONS))
    folder = Path(run)
    target = Path(output) if output else folder / "evaluations" / ROBUSTNESS
    model, extractor = load_checkpoint(folder)
    trained = load_results(folder)
    rows = own_test(recordings_for(trained, **recordings).dataset, read_split(folder))
    classes, speakers, true = trained["data"]["classes"], list(rows["speaker"]), np.array(rows["label"])
    ready = prepared(rows, extractor, num_proc=recordings.get("num_proc"))
    clean = predict(model, scoring_rows(ready, extractor), speakers=speakers).probabilities
    lines = []
    for name in (CLEAN, *(names or CONDITIONS)):
        what, condition = CONDITIONS.get(name, ("as they are", None))
        steps.info("%d clips: %s", len(rows), what)
        kind: Any = LiveFeatureRows if isinstance(extractor, SerFeatureExtractor) else WaveformRows
        shares = clean
        if condition is not None:  # rows of training are those that are changed; nothing is learned here
            heard = kind(rows, extractor, training=True, augment=condition, seed=0)
            shares = predict(model, heard, speakers=speakers).probabilities
        line = {"condition": name, "what": what, **_scored(true, clean, shares, classes, rows, speakers)}
        lines.append(line)
    with alone(target), writing(target):
        told = {"run": trained["name"], "created": now(), "versions": versions(), "conditions": lines}
        robustness_plot(trained, lines, target / f"{ROBUSTNESS}.png")
        write_text(target / f"{ROBUSTNESS}.csv", _csv(lines))
        write_json(target / f"{ROBUSTNESS}.json", told)
    return lines, target


def _scored(
    true: np.ndarray, clean: np.ndarray, shares: np.ndarray, classes: list[str], rows: Any, speakers: list[str | None]
) -> dict[str, Any]:
    before, said = clean.argmax(axis=1), shares.argmax(axis=1)
    metrics = evaluate_predictions(true, said, classes, list(rows["corpus"]), speakers)["metrics"]
    line: dict[str, Any] = {"clips": len(true)}
    for name in ("uar", "accuracy"):
        low, high = metrics[name]["speakers"] or metrics[name]["clips"]
        line |= {name: metrics[name]["value"], f"{name}_low": low, f"{name}_high": high}
    difference = uar_difference(true, before, said, len(classes), speakers)
    found = difference[:3] if difference else (None, None, None)
    line |= dict(zip(("uar_difference", "uar_difference_low", "uar_difference_high"), found, strict=True))
    line["changed"] = float(np.mean(before != said))
    line["confidence"] = float(shares.max(axis=1).mean())
    return {**line, "ece": expected_calibration_error(shares.astype(np.float64), true)}


def robustness_table(lines: Sequence[dict[str, Any]]) -> str:
    """The lines as people read them, in per cent."""
    from tabulate import tabulate

    def percent(value: float | None, sign: str = "") -> str:
        return "" if value is None else f"{100 * value:{sign}.1f}"

    shown = [
        {
            "the test clips": line["what"],
            "UAR %": f"{percent(line['uar'])} ({percent(line['uar_low'])}-{percent(line['uar_high'])})",
            "less clean": percent(line["uar_difference"], "+") if line["condition"] != CLEAN else "",
            "WA %": percent(line["accuracy"]),
            "changed %": percent(line["changed"]),
            "confidence %": percent(line["confidence"]),
            "ECE %": percent(line["ece"]),
        }
        for line in lines
    ]
    return str(tabulate(shown, "keys", tablefmt="github", disable_numparse=True))


def _csv(lines: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    for line in lines:
        writer.writerow({k: f"{v:.4f}" if isinstance(v, float) else "" if v is None else v for k, v in line.items()})
    return text.getvalue()
