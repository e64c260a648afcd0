"""Every figure of a study's table, against scikit-learn, scipy and plain loops; and every format of it."""

import csv
import json
import random
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from ser_hf.base.errors import SerHfError
from ser_hf.evaluation import clip_intervals, mcnemar, speaker_intervals, uar_difference
from ser_hf.studies.costs import study_costs
from ser_hf.studies.table import Row, study_table
from ser_hf.studies.writing import write_study_table

CLASSES = ["angry", "happy", "sad"]


def write_run(folder: Path, *, clips=range(60), share=0.6, seed=0, independent=True, seconds=90.0, **more) -> Path:
    """A run folder of made predictions; a clip's label and speaker follow from its number."""
    rng = np.random.default_rng([seed, *clips])
    rows = []
    for clip in clips:
        label = CLASSES[clip * 7 % 3]
        said = label if rng.random() < share else CLASSES[rng.integers(3)]
        speaker = None if more.get("unknown") else f"s{clip % 6}"
        rows.append({"clip_id": f"c{clip}", "corpus": "ravdess", "speaker": speaker, "label": label, "predicted": said})
        rows[-1] |= {f"p_{name}": float(name == said) for name in CLASSES}
    true, said = ([CLASSES.index(row[key]) for row in rows] for key in ("label", "predicted"))
    values = {
        "accuracy": accuracy_score(true, said),
        "uar": balanced_accuracy_score(true, said),
        "macro_f1": f1_score(true, said, average="macro"),
        "weighted_f1": f1_score(true, said, average="weighted"),
    }
    metrics = {name: {"value": float(value), "clips": [0, 1], "speakers": [0, 1]} for name, value in values.items()}
    corpus = {
        **{"name": "ravdess", "title": "R", "licence": "L", "licence_url": None, "redistributable": True},
        **{"citation": None, "homepage": None, "language": "en"},
    }
    counts = {"clips": len(rows), "speakers": 6, "classes": dict.fromkeys(CLASSES, 20)}
    results = {
        "schema": 1,
        "name": folder.name,
        "recipe": "baselines/svm.yaml",
        "created": "2026-01-01",
        "versions": {"commit": "abc"},
        "synthetic": False,
        "caveat": more.get("caveat"),
        "model": {"model_type": "svm", "architecture": "SVM", "parameters": 12},
        "features": {},
        "data": {
            "corpora": [corpus],
            "scheme": "own",
            "classes": CLASSES,
            "ledger": {"found": 60, "used": 60, "rows": [], "unreadable": []},
            "splits": {"train": counts, "test": counts},
        },
        "split": {
            **{"protocol": "emobox", "description": "", "speaker_independent": independent, "fold": 1},
            **{"test_speakers": [], "validation_speakers": []},
        },
        "audit": [],
        "training": {
            **{"epochs": 3.0, "best_epoch": None, "best_validation_uar": None, "seconds": seconds, "device": "cpu"},
            **{"hardware": "a chip", "precision": "fp32", "processes": 1, "history": [], "arguments": {}},
            "peak_memory_mb": 100,
        },
        "test": {
            "n_clips": len(rows),
            "n_speakers": 6,
            "metrics": metrics,
            "per_class": [{"class": c, "precision": 0.5, "recall": 0.5, "f1": 0.5, "clips": 20} for c in CLASSES],
            "confusion": [[0] * 3] * 3,
            "per_corpus": [],
        },
    }
    folder.mkdir(parents=True)
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(rows), folder / "predictions.parquet")
    return folder


def predicted(*folders: Path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    rows = sorted((row for folder in folders for row in pq.read_table(folder / "predictions.parquet").to_pylist()),
                  key=lambda row: row["clip_id"])  # fmt: skip
    true, said = (np.array([CLASSES.index(row[key]) for row in rows]) for key in ("label", "predicted"))
    return true, said, [row["speaker"] for row in rows]


@pytest.fixture
def folds(tmp_path):
    return [write_run(tmp_path / f"a{i}", clips=range(30 * i, 30 * i + 30), seed=i) for i in range(2)]


def test_folds_are_pooled_and_their_mean_stands_beside(folds):
    (line,) = study_table([Row({"row": "A"}, [(1, folder) for folder in folds], 3)], None)
    true, said, speakers = predicted(*folds)
    assert float(line["accuracy"]) == pytest.approx(accuracy_score(true, said), abs=1e-4)
    assert float(line["uar"]) == pytest.approx(balanced_accuracy_score(true, said), abs=1e-4)
    assert float(line["macro_f1"]) == pytest.approx(f1_score(true, said, average="macro"), abs=1e-4)
    each = [balanced_accuracy_score(*predicted(folder)[:2]) for folder in folds]
    assert float(line["uar_fold_mean"]) == pytest.approx(np.mean(each), abs=1e-4)
    assert float(line["uar_fold_std"]) == pytest.approx(np.std(each, ddof=1), abs=1e-4)
    low, high = clip_intervals(true, said, 3)["uar"]
    assert [float(line["uar_low"]), float(line["uar_high"])] == pytest.approx([low, high], abs=1e-4)
    low, high = speaker_intervals(true, said, 3, speakers)["uar"]
    assert [float(line["uar_speakers_low"]), float(line["uar_speakers_high"])] == pytest.approx([low, high], abs=1e-4)
    assert (line["runs"], line["runs_expected"], line["test_clips"], line["test_speakers"]) == ("2", "3", "60", "6")
    assert line["uar_seed_std"] == ""
    assert (line["uar_difference"], line["p_mcnemar"], line["paper_uar"]) == ("", "", "")


def test_over_seeds_scores_are_averaged_and_clips_drawn_with_all_their_predictions(tmp_path):
    runs = [(seed, write_run(tmp_path / str(seed), seed=seed)) for seed in (3, 1, 2)]
    (line,) = study_table([Row({"row": "A"}, runs, 3)], None)
    each = [balanced_accuracy_score(*predicted(folder)[:2]) for _, folder in runs]
    assert float(line["uar"]) == pytest.approx(np.mean(each), abs=1e-4)
    assert float(line["uar_seed_std"]) == pytest.approx(np.std(each, ddof=1), abs=1e-4)
    assert (line["seeds"], line["test_clips"]) == ("3", "60")
    true = np.tile(predicted(runs[0][1])[0], 3)
    said = np.concatenate([predicted(folder)[1] for _, folder in sorted(runs)])
    clips = speaker_intervals(true, said, 3, [*range(60)] * 3)["uar"]
    assert [float(line["uar_low"]), float(line["uar_high"])] == pytest.approx([*clips], abs=0.02)


def test_a_line_is_compared_with_the_baseline_of_its_axes_on_the_same_clips(tmp_path):
    a, b, c = (write_run(tmp_path / name, share=share, seed=1) for name, share in (("a", 0.4), ("b", 0.9), ("c", 0.5)))
    other = write_run(tmp_path / "d", clips=range(40), share=0.9)
    rows = [
        Row({"row": "base", "split": "x"}, [(1, a)], 1),
        Row({"row": "B", "split": "x"}, [(1, b)], 1),
        Row({"row": "C", "split": "x"}, [(1, c)], 1),
        Row({"row": "base", "split": "y"}, [(1, a)], 1),
        Row({"row": "B", "split": "y"}, [(1, other)], 1),
        Row({"row": "B", "split": "z"}, [(1, b)], 1),
    ]
    lines = study_table(rows, "base")
    (true, base, speakers), (_, better, _), (_, third, _) = map(predicted, (a, b, c))
    found = uar_difference(true, base, better, 3, speakers)
    assert [float(lines[1][key]) for key in ("uar_difference", "uar_difference_low", "p_bootstrap")] == pytest.approx(
        [found.value, found.low, found.p], abs=1e-4
    )
    p = [mcnemar(base == true, said == true) for said in (better, third)]
    assert [float(line["p_mcnemar"]) for line in lines[1:3]] == pytest.approx(p, abs=1e-4)
    assert float(lines[1]["p_mcnemar_holm"]) == pytest.approx(min(1, 2 * p[0]), abs=2e-4)
    assert float(lines[2]["p_mcnemar_holm"]) == pytest.approx(max(p[1], min(1, 2 * p[0])), abs=2e-4)
    assert [line["uar_difference"] for line in (lines[0], *lines[3:])] == ["", "", "", ""]


def test_without_known_speakers_there_is_mcnemar_alone(tmp_path):
    a, b = (write_run(tmp_path / name, unknown=True, seed=ord(name)) for name in "ab")
    _, line = study_table([Row({"row": "A"}, [(1, a)], 1), Row({"row": "B"}, [(1, b)], 1)], "A")
    assert line["p_mcnemar"]
    assert (line["p_bootstrap"], line["uar_speakers_low"], line["test_speakers"]) == ("", "", "0")


def test_the_paper_stands_beside_with_the_difference(folds):
    figures = {"accuracy": 51.7, "macro_f1": 50, "source": "X 2020"}
    (line,) = study_table([Row({"row": "A"}, [(1, folder) for folder in folds], 2, figures)], None)
    assert (line["paper_accuracy"], line["paper_macro_f1"], line["paper_uar"]) == ("51.7", "50", "")
    assert float(line["paper_accuracy_difference"]) == pytest.approx(100 * float(line["accuracy"]) - 51.7, abs=0.06)
    assert line["paper_source"] == "X 2020"


def test_the_order_of_runs_and_the_time_they_took_change_nothing(tmp_path):
    runs = [
        (s, write_run(tmp_path / f"{s}{f}", clips=range(30 * f, 30 * f + 30), seed=s)) for s in (1, 2) for f in (0, 1)
    ]
    slow = [
        (s, write_run(tmp_path / f"slow{s}{f}", clips=range(30 * f, 30 * f + 30), seed=s, seconds=9e3))
        for s in (1, 2)
        for f in (0, 1)
    ]
    random.Random(1).shuffle(slow)
    assert study_table([Row({"row": "A"}, runs, 4)], "A") == study_table([Row({"row": "A"}, slow, 4)], "A")


def test_a_clip_that_two_folds_test_is_refused(tmp_path):
    runs = [(1, write_run(tmp_path / str(i), seed=i)) for i in range(2)]
    with pytest.raises(SerHfError, match="c0 is also in the test of another fold of the same cell"):
        study_table([Row({"row": "A"}, runs, 2)], None)


def test_costs_are_sums_and_maxima(folds):
    (line,) = study_costs([Row({"row": "A"}, [(1, folder) for folder in folds], 2)])
    assert line == {
        **{"row": "A", "runs": "2", "minutes": "3.0", "peak_memory_mb": "100", "processes": "1"},
        **{"hardware": "a chip", "commit": "abc"},
    }


def test_names_are_text_in_every_format(tmp_path):
    name = "a|b & 50 % <b>x</b> _y_ $z$"
    runs = {"mixed": False, "new": True}
    rows = [
        Row({"row": name, "voices of": split}, [(1, write_run(tmp_path / split, independent=said))], 1)
        for split, said in runs.items()
    ]
    lines = study_table(rows, None)
    told = {"title": "T", "about": "About.", "source": "S", "remarks": ["careful <i>"]}
    write_study_table(tmp_path, lines, study_costs(rows), **told, runs=[[f for _, f in row.runs] for row in rows])
    read = list(csv.DictReader((tmp_path / "table.csv").read_text(encoding="utf-8").splitlines()))
    assert read == lines
    markdown = (tmp_path / "table.md").read_text(encoding="utf-8")
    cells = re.split(r"(?<!\\)\|", next(line for line in markdown.splitlines() if "mixed" in line and "|" in line))
    assert len(cells) == len(re.split(r"\|", markdown.splitlines()[4]))
    assert "**speaker-mixed**" in markdown
    latex = (tmp_path / "table.tex").read_text(encoding="utf-8")
    assert r"a|b \& 50 \%" in latex
    assert r"\_y\_ \$z\$" in latex
    assert r"\toprule" in latex
    for page in ("table.html", "index.html"):
        text = (tmp_path / page).read_text(encoding="utf-8")
        assert "&lt;b&gt;x" in text
        assert "<b>x" not in text
    assert "careful &lt;i&gt;" in (tmp_path / "index.html").read_text(encoding="utf-8")
