"""Accuracy by coverage: against a loop over thresholds, whatever the order of the clips."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, recall_score

from ser_hf.evaluation import area_under_risk_coverage, evaluate_selective


def drawn(clips: int, seed: int = 0, digits: int = 9):
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet([0.5, 0.5, 0.5], clips).round(digits)
    shares /= shares.sum(axis=1, keepdims=True)
    return shares, rng.integers(0, 3, clips)


def test_the_area_is_that_of_a_loop():
    shares, labels = drawn(80)
    order = np.argsort(-shares.max(axis=1))
    wrong = (shares.argmax(axis=1) != labels)[order]
    assert area_under_risk_coverage(shares, labels) == pytest.approx(np.mean([wrong[:k].mean() for k in range(1, 81)]))


def test_the_area_with_ties_is_the_mean_over_their_orders():
    shares, labels = np.full((6, 2), 0.5), np.array([0, 0, 1, 0, 1, 1])
    rng, areas = np.random.default_rng(0), []
    for _ in range(4000):
        wrong = (labels != 0)[rng.permutation(6)]
        areas.append(np.mean(wrong.cumsum() / np.arange(1, 7)))
    assert area_under_risk_coverage(shares, labels) == pytest.approx(np.mean(areas), abs=0.01)


@given(st.integers(0, 10_000), st.integers(1, 70), st.sampled_from([1, 9]))
def test_a_row_is_what_its_threshold_keeps(seed, clips, digits):
    shares, labels = drawn(clips, seed, digits)
    found = evaluate_selective(shares, labels)
    assert json.loads(json.dumps(found)) == found
    assert found["curve"][0]["clips"] == clips
    for row in found["curve"]:
        kept = shares.max(axis=1) >= row["threshold"]
        said, true = shares[kept].argmax(axis=1), labels[kept]
        assert (row["clips"], row["coverage"]) == (kept.sum(), kept.mean())
        assert row["accuracy"] == pytest.approx(accuracy_score(true, said))
        assert row["uar"] == pytest.approx(
            recall_score(true, said, labels=np.unique(true), average="macro", zero_division=0)
        )
    order = np.random.default_rng(seed).permutation(clips)
    again = evaluate_selective(shares[order], labels[order])
    assert again["curve"] == found["curve"]
    assert again["aurc"] == pytest.approx(found["aurc"])


def test_without_ties_the_shares_are_tenths():
    found = evaluate_selective(*drawn(200))
    assert [row["clips"] for row in found["curve"]] == list(range(200, 0, -20))
