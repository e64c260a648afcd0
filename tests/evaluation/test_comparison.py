"""Comparisons of two models on the same clips, against scipy, statsmodels and plain loops."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import balanced_accuracy_score

from ser_hf.base.errors import SerHfError
from ser_hf.evaluation import holm, mcnemar, uar_difference

CLASSES = 4


def two_models(clips=240, speakers=12, seed=0, better=0.15):
    """References, two models' predictions and speakers; the second model is right more often."""
    rng = np.random.default_rng(seed)
    true = rng.integers(CLASSES, size=clips)
    said = [
        np.where(rng.random(clips) < share, true, rng.integers(CLASSES, size=clips)) for share in (0.5, 0.5 + better)
    ]
    return true, said[0], said[1], [f"s{i % speakers}" for i in range(clips)]


@pytest.mark.parametrize(("only_one", "only_other"), [(3, 9), (0, 0), (1, 0), (7, 17), (8, 17), (20, 60)])
def test_mcnemar_is_the_binomial_or_the_corrected_chi_squared(only_one, only_other):
    right = [True] * (50 + only_one) + [False] * (only_other + 7)
    other = [True] * 50 + [False] * only_one + [True] * only_other + [False] * 7
    n = only_one + only_other
    if n < 25:
        expected = stats.binomtest(min(only_one, only_other), n).pvalue if n else 1.0
    else:
        expected = stats.chi2.sf((abs(only_one - only_other) - 1) ** 2 / n, 1)
    assert mcnemar(right, other) == pytest.approx(min(1, expected))
    assert mcnemar(other, right) == pytest.approx(min(1, expected))


def test_holm_is_the_step_down_rule_and_keeps_what_is_unknown():
    p_values = [0.04, None, 0.01, 0.03, 0.005]
    known = sorted(p for p in p_values if p is not None)
    expected, running = {}, 0.0
    for i, p in enumerate(known):
        running = max(running, min(1.0, p * (len(known) - i)))
        expected[p] = running
    assert holm(p_values) == [None if p is None else pytest.approx(expected[p]) for p in p_values]
    assert holm([None, None]) == [None, None]
    assert holm([]) == []


def test_the_difference_is_that_of_the_recalls():
    true, one, other, speakers = two_models()
    found = uar_difference(true, one, other, CLASSES, speakers, n_resamples=200)
    assert found.value == pytest.approx(balanced_accuracy_score(true, other) - balanced_accuracy_score(true, one))
    assert found.low < found.value < found.high


def test_two_speakers_can_be_drawn_in_three_ways():
    """Of a the second model is better by one half, of b by one quarter: 1/4, 1/2 and 1/4 of the resamples."""
    true = [0, 0, 1, 1] * 2
    first, second = [1, 1, 1, 1, 0, 1, 1, 1], [0, 0, 1, 1] * 2
    levels = {level: uar_difference(true, first, second, 2, [*"aaaabbbb"], level=level) for level in (0.95, 0.6, 0.4)}
    assert levels[0.95] == pytest.approx((0.375, 0.25, 0.5, 2 / 2001))
    assert levels[0.6] == pytest.approx((0.375, 0.25, 0.5, 2 / 2001))
    assert levels[0.4] == pytest.approx((0.375, 0.375, 0.375, 2 / 2001))


def test_resamples_without_a_difference_count_for_both_sides():
    """Only of b is the second model better: where a alone is drawn, in a quarter of the resamples, both are alike."""
    true, first, second = [0, 1] * 2, [0, 1, 1, 1], [0, 1] * 2
    assert uar_difference(true, first, second, 2, [*"aabb"]).p == pytest.approx(2 / 4, abs=0.05)


def test_ids_that_are_no_class_are_refused_for_either_model():
    for models in (([0, 2], [0, 1]), ([0, 1], [0, 2])):
        with pytest.raises(SerHfError, match=r"predictions must be in 0\.\.1"):
            uar_difference([0, 1], *models, 2, ["a", "b"])


def test_the_interval_of_the_difference_is_that_of_scipy():
    true, one, other, speakers = two_models()
    found = uar_difference(true, one, other, CLASSES, speakers, n_resamples=4000)
    names = sorted(set(speakers))
    rows = [np.flatnonzero(np.array(speakers) == name) for name in names]

    def difference(drawn):
        chosen = np.concatenate([rows[i] for i in drawn])
        return balanced_accuracy_score(true[chosen], other[chosen]) - balanced_accuracy_score(true[chosen], one[chosen])

    reference = stats.bootstrap(
        (np.arange(len(names)),), difference, vectorized=False, method="percentile", n_resamples=1500, rng=1
    ).confidence_interval
    assert found.low == pytest.approx(reference.low, abs=0.012)
    assert found.high == pytest.approx(reference.high, abs=0.012)


def test_speakers_are_drawn_for_both_models_together():
    true, one, _, speakers = two_models()
    same = uar_difference(true, one, one, CLASSES, speakers)
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)


def test_a_large_difference_has_a_small_p_and_none_a_large_one():
    assert uar_difference(*two_models(better=0.4)[:3], CLASSES, two_models()[3]).p < 0.002
    p = [uar_difference(*two_models(seed=seed, better=0)[:3], CLASSES, two_models()[3]).p for seed in range(12)]
    assert np.median(p) > 0.2


def test_the_other_way_round_is_the_same_with_the_other_sign():
    true, one, other, speakers = two_models()
    there, back = (uar_difference(true, *pair, CLASSES, speakers) for pair in ((one, other), (other, one)))
    assert tuple(there) == pytest.approx((-back.value, -back.high, -back.low, back.p), abs=1e-12)


@pytest.mark.parametrize("speakers", [["a"] * 240, [None] + ["a", "b"] * 119 + ["a"]])
def test_one_speaker_or_an_unknown_one_is_no_interval(speakers):
    assert uar_difference(*two_models()[:3], CLASSES, speakers) is None
