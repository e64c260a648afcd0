"""``recipes/results.csv``: one row per measured run, or per set of folds.

``python -m ser_hf.reporting.results_table RUN [RUN ...] recipes/results.csv`` adds or replaces a row. Several runs are
folds of one recipe and protocol: their test clips are scored together, as one row.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ser_hf.base.atomic import write_text
from ser_hf.base.errors import SerHfError

from ._pooling import pooled
from ._results import load_results

KEY = ("recipe", "corpora", "protocol", "fold")
COLUMNS = (
    *KEY,
    "test_clips",
    "test_speakers",
    "speaker_independent",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "uar",
    "uar_low",
    "uar_high",
    "uar_speakers_low",
    "uar_speakers_high",
    "macro_f1",
    "weighted_f1",
    "epochs",
    "seconds",
    "peak_memory_mb",
    "precision",
    "hardware",
    "commit",
    "caveat",
    "smoke_flags",
)
SMOKE = "--max_steps 2 --per_device_train_batch_size 2"


def results_row(results: Mapping[str, Any]) -> dict[str, str]:
    """The row of a run; scores are shares, intervals are 95 % over clips and, for UAR, over speakers."""
    test, split, training = results["test"], results["split"], results["training"]
    accuracy, uar = test["metrics"]["accuracy"], test["metrics"]["uar"]
    values: dict[str, Any] = {
        "recipe": results.get("recipe") or results["name"],
        "corpora": "+".join(corpus["name"] for corpus in results["data"]["corpora"]),
        "protocol": split["protocol"],
        "fold": "" if split["fold"] is None else split["fold"],
        "test_clips": test["n_clips"],
        "test_speakers": test["n_speakers"],
        "speaker_independent": split["speaker_independent"],
        **_scores("accuracy", accuracy["value"], accuracy["clips"]),
        **_scores("uar", uar["value"], uar["clips"]),
        **{k.replace("uar", "uar_speakers"): v for k, v in _scores("uar", 0, uar["speakers"]).items() if k != "uar"},
        "macro_f1": _share(test["metrics"]["macro_f1"]["value"]),
        "weighted_f1": _share(test["metrics"]["weighted_f1"]["value"]),
        "epochs": round(training["epochs"]),
        "seconds": round(training["seconds"]),
        "peak_memory_mb": training.get("peak_memory_mb", ""),
        "precision": training["precision"],
        "hardware": training["hardware"],
        "commit": results["versions"].get("commit", ""),
        "caveat": results.get("caveat", ""),
        "smoke_flags": SMOKE if _trains(results["model"]) else "",
    }
    return {column: str(values[column]) for column in COLUMNS}


def add_row(runs: Sequence[str | Path], table: str | Path) -> None:
    """Adds the row of a run, or of several folds together, in place of the one with the same recipe, data and fold.

    It takes over the flags of the short run from the recipe's other rows.

    Raises:
        SerHfError: a run has no results, several are no folds of one experiment, or the table has other columns.
    """
    results = load_results(runs[0]) if len(runs) == 1 else pooled(runs)
    row, path = results_row(results), Path(table)
    rows: list[dict[str, str]] = []
    if path.exists():
        reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))
        rows = list(reader)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise SerHfError(f"{path}: expected the columns {', '.join(COLUMNS)}")
    key = [row[k] for k in KEY]
    row["smoke_flags"] = next((r["smoke_flags"] for r in rows if r["recipe"] == row["recipe"]), row["smoke_flags"])
    rows = sorted([*(r for r in rows if [r[k] for k in KEY] != key), row], key=lambda r: [r[k] for k in KEY])
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def _trains(model: Mapping[str, Any]) -> bool:
    """Whether there is a recipe that can be run for a few steps; an ensemble is made of runs."""
    return model.get("library", "transformers") == "transformers" and "members" not in model


def _scores(name: str, value: float, interval: Sequence[float] | None) -> dict[str, str]:
    low, high = (_share(interval[0]), _share(interval[1])) if interval else ("", "")
    return {name: _share(value), f"{name}_low": low, f"{name}_high": high}


def _share(value: float) -> str:
    return f"{value:.4f}"


def main(argv: Sequence[str]) -> int:
    """Adds a row; the exit code is 0 if all is well, 1 if not."""
    *runs, table = argv or [""]
    try:
        if not runs:
            raise SerHfError("expected RUN [RUN ...] TABLE.csv")
        add_row(runs, table)
    except SerHfError as error:
        sys.stderr.write(f"no row was added: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
