"""Folds as one: the probabilities of each are freed of its own temperature."""

import shutil

import numpy as np
import pytest
from scipy.special import softmax

from ser_hf.evaluation import area_under_risk_coverage, expected_calibration_error, negative_log_likelihood
from ser_hf.reporting import pooled, write_model_card, write_report

TEMPERATURES = {1: 2.5, 2: 1.6, 3: 1.0}
"""By their fold: of a network, of a baseline of before, which said it with its settings, and of a network of before."""


@pytest.fixture
def folds(make_run, write_run, tmp_path):
    """Three runs, and of all their clips the logits that were trained, the temperatures and the labels."""
    runs, logits, temperatures, labels = [], [], [], []
    for fold, temperature in TEMPERATURES.items():
        results, rows = make_run(clips=64)
        results["split"]["fold"] = fold
        if fold == 1:
            results["test"]["calibration"] = {"temperature": temperature}
        if fold == 2:
            results["model"]["config"] = {"temperature": temperature}
        classes = results["data"]["classes"]
        for row in rows:
            row["clip_id"] += f"/{fold}"
            own = np.log([row[f"p_{name}"] for name in classes]) * 2
            row |= {f"p_{name}": float(p) for name, p in zip(classes, softmax(own / temperature), strict=True)}
            logits.append(own)
            temperatures.append(temperature)
            labels.append(classes.index(row["label"]))
        runs.append(tmp_path / str(fold))
        shutil.move(write_run(results, rows), runs[-1])
    return runs, np.array(logits), np.array(temperatures)[:, None], labels


def test_calibration_before_is_that_of_every_fold_as_trained(folds):
    runs, logits, temperatures, labels = folds
    test = pooled(runs)["test"]
    found = test["calibration"]
    before, after = softmax(logits, axis=1), softmax(logits / temperatures, axis=1)
    assert found["ece"] == pytest.approx(expected_calibration_error(after, labels))
    assert found["ece_before"] == pytest.approx(expected_calibration_error(before, labels))
    assert found["nll_before"] == pytest.approx(negative_log_likelihood(before, labels))
    assert found["temperatures"] == [*TEMPERATURES.values()]
    assert found["temperature"] == pytest.approx((2.5 * 1.6) ** (1 / 3))
    assert test["selective"]["aurc"] == pytest.approx(area_under_risk_coverage(after, labels))


def test_report_and_card_say_it_where_it_is_known(run_dir, make_run, write_run):
    told = "xpected calibration error"
    assert told not in write_report(run_dir).read_text() + write_model_card(run_dir).read_text()
    results, rows = make_run()
    curve = [{"coverage": c, "clips": 96, "threshold": 0.71, "accuracy": 0.9, "uar": 0.88} for c in (1.0, 0.5)]
    block = {"temperature": 1.8, "n_bins": 15, "ece": 0.041, "ece_before": 0.123}
    results["test"] |= {"calibration": block, "selective": {"aurc": 0.1, "curve": curve}}
    folder = write_run(results, rows)
    for text in (write_report(folder).read_text(), write_model_card(folder).read_text()):
        assert f"E{told} (ECE, 15 bins) 4.1 %, 12.3 % before" in text
        assert "temperature of 1.80, fitted on validation" in text
        assert "at 0.71 or more, 90.0 % are right" in text
