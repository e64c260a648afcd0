"""Calibration: against naive loops, scikit-learn and a grid, and what a temperature does and does not change."""

import json
import logging
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics import brier_score_loss, log_loss

from ser_hf.base.errors import SerHfError
from ser_hf.evaluation import (
    brier_score,
    calibration,
    evaluate_calibration,
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    reliability,
    untempered,
)


def drawn(clips: int = 300, classes: int = 5, sharpness: float = 1.0, seed: int = 0):
    """Logits, ``sharpness`` times those that the labels were drawn by, and the labels."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (clips, classes))
    labels = np.array([rng.choice(classes, p=softmax(row)) for row in logits])
    return logits * sharpness, labels


def naive_bins(shares, labels, n_bins):
    """Of every bin ``(low, high]`` the confidences, and which clips are right."""
    bins = [([], []) for _ in range(n_bins)]
    for row, label in zip(shares.tolist(), labels.tolist(), strict=True):
        confidence = max(row)
        number = next(i for i in range(n_bins) if confidence <= (i + 1) / n_bins or i == n_bins - 1)
        bins[number][0].append(confidence)
        bins[number][1].append(row.index(confidence) == label)
    return bins


@given(st.integers(0, 10_000), st.integers(1, 20), st.integers(1, 60), st.integers(2, 6), st.floats(0.1, 5))
def test_the_error_and_the_diagram_are_those_of_a_loop(seed, n_bins, clips, classes, sharpness):
    logits, labels = drawn(clips, classes, sharpness, seed)
    shares = softmax(logits, axis=1)
    bins = naive_bins(shares, labels, n_bins)
    expected = sum(abs(sum(sure) - sum(right)) for sure, right in bins) / clips
    assert expected_calibration_error(shares, labels, n_bins) == pytest.approx(expected)
    found = reliability(shares, labels, n_bins)
    assert [row["clips"] for row in found] == [len(right) for _, right in bins]
    for row, (sure, right) in zip(found, bins, strict=True):
        means = (row["confidence"], row["accuracy"])
        assert means == ((pytest.approx(np.mean(sure)), pytest.approx(np.mean(right))) if sure else (None, None))
    assert json.loads(json.dumps(found)) == found


def test_there_are_fifteen_bins_and_five_hundred_resamples_where_no_number_is_given(monkeypatch):
    shares, labels = softmax(drawn()[0], axis=1), drawn()[1]
    assert reliability(shares, labels) == reliability(shares, labels, 15)
    assert expected_calibration_error(shares, labels) == expected_calibration_error(shares, labels, 15)
    found = evaluate_calibration(shares, labels)
    assert found == evaluate_calibration(shares, labels, 1.0, n_bins=15, n_resamples=500, seed=0)
    monkeypatch.setattr(calibration, "_CHUNK", 97 * len(labels))
    assert evaluate_calibration(shares, labels)["ece_clips"] == pytest.approx(found["ece_clips"], abs=1e-12)


def test_bins_of_equal_mass_are_those_of_a_loop():
    logits, labels = drawn(100)
    shares = softmax(logits, axis=1)
    order = np.argsort(shares.max(axis=1))
    parts = [order[i : i + 10] for i in range(0, 100, 10)]
    right = shares.argmax(axis=1) == labels
    gaps = [len(part) * abs(shares[part].max(axis=1).mean() - right[part].mean()) for part in parts]
    assert expected_calibration_error(shares, labels, 10, equal_mass=True) == pytest.approx(sum(gaps) / 100)


def test_half_precision_is_near_enough_to_one():
    assert brier_score([[0.5004, 0.5]], [0]) == pytest.approx(0.5, abs=0.001)
    assert [row["clips"] for row in reliability([[1.0004, 0.0]], [0], 3)] == [0, 0, 1]


def test_brier_score_and_likelihood_are_those_of_scikit_learn():
    logits, labels = drawn()
    shares = softmax(logits, axis=1)
    assert negative_log_likelihood(shares, labels) == pytest.approx(log_loss(labels, shares, labels=range(5)))
    expected = brier_score_loss(labels, shares, labels=list(range(5)), scale_by_half=False)
    assert brier_score(shares, labels) == pytest.approx(expected)


def test_a_sure_mistake_costs_a_finite_number():
    assert negative_log_likelihood([[1.0, 0.0]], [1]) == pytest.approx(-math.log(1e-12))


@pytest.mark.parametrize("sharpness", [0.3, 1.0, 4.0])
def test_the_temperature_is_the_best_of_a_grid_and_near_the_true_one(sharpness):
    logits, labels = drawn(1000, sharpness=sharpness)
    found = fit_temperature(logits, labels)
    grid = np.geomspace(0.05, 20, 2000)
    own = np.arange(1000), labels
    losses = [-np.log(softmax(logits / t, axis=1)[own]).mean() for t in grid]
    assert found == pytest.approx(grid[int(np.argmin(losses))], rel=0.004)
    assert found == pytest.approx(sharpness, rel=0.15)


def test_a_class_that_cannot_be_said_is_left_out_of_the_fit():
    logits, labels = drawn(200, sharpness=3)
    silent = np.c_[logits, np.full(200, -np.inf)]
    silent, more = np.r_[silent, silent[:9]], np.r_[labels, np.full(9, 5)]
    assert fit_temperature(silent, more) == pytest.approx(fit_temperature(logits, labels))


@pytest.mark.parametrize(
    ("logits", "labels", "said"),
    [
        (*drawn(1), "1 validation clip, expected 20 of two"),
        (*drawn(19), "19 validation clips, expected 20 of two"),
        (drawn(30)[0], np.zeros(30, int), "30 validation clips of one class, expected 20 of two"),
        (np.eye(3)[np.arange(30) % 3], np.arange(30) % 3, "at or beyond 0.05"),
        (np.eye(3)[np.arange(30) % 3], np.arange(1, 31) % 3, "at or beyond 20"),
    ],
)
def test_what_cannot_be_fitted_is_1_and_said(logits, labels, said, caplog):
    caplog.set_level(logging.INFO, "ser_hf.steps")
    assert fit_temperature(logits, labels) == 1
    assert said in caplog.text


def test_twenty_clips_of_two_classes_are_enough_for_a_temperature(caplog):
    caplog.set_level(logging.INFO, "ser_hf.steps")
    assert 0.05 < fit_temperature(*drawn(20, 2)) != 1
    assert caplog.text == ""


@given(st.integers(0, 10_000), st.floats(0.2, 5))
def test_the_order_of_classes_stays_and_the_probabilities_before_come_back(seed, temperature):
    logits, _ = drawn(20, 4, seed=seed)
    before, after = softmax(logits, axis=1), softmax(logits / temperature, axis=1)
    np.testing.assert_array_equal(before.argmax(axis=1), after.argmax(axis=1))
    np.testing.assert_allclose(untempered(after, temperature), before, atol=1e-9)


def test_the_block_holds_before_and_after_with_intervals():
    logits, labels = drawn(400, sharpness=3)
    found = evaluate_calibration(softmax(logits / 3, axis=1), labels, 3.0)
    before = softmax(logits, axis=1)
    assert json.loads(json.dumps(found)) == found
    assert found["ece_before"] == pytest.approx(expected_calibration_error(before, labels))
    assert found["nll_before"] == pytest.approx(negative_log_likelihood(before, labels))
    assert found["brier_before"] == pytest.approx(brier_score(before, labels))
    assert sum(row["clips"] for row in found["reliability_before"]) == 400
    assert found["ece"] < found["ece_before"]
    assert found["nll"] < found["nll_before"]
    low, high = found["ece_before_clips"]
    assert 0 <= low < found["ece_before"] < high <= 1
    assert found == evaluate_calibration(softmax(logits / 3, axis=1), labels, 3.0)


def test_without_a_temperature_both_are_the_same():
    logits, labels = drawn(50)
    found = evaluate_calibration(softmax(logits, axis=1), labels)
    for name in ("ece", "nll", "brier", "reliability"):
        assert found[name] == found[f"{name}_before"]
    assert found["ece_clips"] == found["ece_before_clips"]


def test_an_interval_ends_at_0_and_one_resample_is_one():
    logits, labels = drawn(200, 2)
    found = evaluate_calibration(softmax(logits, axis=1), labels, n_bins=5)
    assert found["n_bins"] == len(found["reliability"]) == 5
    assert found["ece_clips"][0] == 0
    low, high = evaluate_calibration(softmax(logits, axis=1), labels, n_resamples=1)["ece_clips"]
    assert low == high
    assert "ece_clips" not in evaluate_calibration(softmax(logits, axis=1), labels, n_resamples=0)


def test_intervals_of_an_uncalibrated_model_hold_its_true_error():
    logits, labels = drawn(20_000, sharpness=2)
    true = expected_calibration_error(softmax(logits, axis=1), labels)
    held = 0
    for seed in range(1, 41):
        logits, labels = drawn(300, sharpness=2, seed=seed)
        low, high = evaluate_calibration(softmax(logits, axis=1), labels, n_resamples=200)["ece_clips"]
        held += low <= true <= high
    assert held >= 33


@pytest.mark.parametrize(
    ("shares", "labels", "said"),
    [
        ([[0.5, 0.5]], [0, 1], "found shapes"),
        (np.zeros((0, 2)), np.zeros(0, int), "found shapes"),
        ([[0.5, 0.5]], [2], r"class ids in 0\.\.1"),
        ([[0.5, 0.5]] * 2, [0, 2], r"class ids in 0\.\.1"),
        ([[0.5, 0.5]] * 2, [-1, 1], r"class ids in 0\.\.1"),
        ([[0.5, 0.5]], [0.0], r"class ids in 0\.\.1"),
        ([0.5, 0.5], [0, 1], "found shapes"),
        ([[0.5, 0.5]], [[0]], "found shapes"),
        ([[0.5, 0.4]], [0], "sum to 1"),
        ([[0.5, 0.5], [0.6, 0.6]], [0, 0], "sum to 1"),
        ([[3.0, -2.0]], [0], "logits"),
        ([[0.5, float("nan")]], [0], "NaN or infinite"),
    ],
)
def test_what_are_no_probabilities_of_clips_is_refused(shares, labels, said):
    with pytest.raises(SerHfError, match=said):
        expected_calibration_error(shares, labels)
