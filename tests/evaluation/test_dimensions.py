"""Scores of ratings: against naive loops and scipy, their intervals, and what happens where nothing varies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr

from ser_hf.base.errors import SerHfError
from ser_hf.evaluation import ccc, evaluate_dimensions
from ser_hf.evaluation.dimensions import dimension_scores


def naive_ccc(x, y) -> float:
    """Lin (1989), with population moments."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    cov = sum((a - x.mean()) * (b - y.mean()) for a, b in zip(x, y, strict=True)) / len(x)
    return 2 * cov / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)


@pytest.mark.parametrize("seed", range(5))
def test_against_independent_references(seed):
    rng = np.random.default_rng(seed)
    true = rng.uniform(1, 7, 50)
    guess = 0.5 * true + rng.normal(0, 1, 50) + 2
    found = dimension_scores(true, guess)
    assert found["ccc"] == pytest.approx(naive_ccc(true, guess))
    assert found["pearson"] == pytest.approx(pearsonr(true, guess).statistic)
    assert found["mae"] == pytest.approx(np.abs(true - guess).mean())
    assert found["rmse"] == pytest.approx(np.sqrt(((true - guess) ** 2).mean()))


def test_level_and_spread_count_unlike_in_a_correlation():
    true = np.arange(10.0)
    assert ccc(true, true) == pytest.approx(1)
    assert ccc(true, -true + 9) == pytest.approx(-1)
    assert ccc(true, true + 3) == pytest.approx(naive_ccc(true, true + 3))
    assert ccc(true, true + 3) < 0.7
    assert ccc(true, true / 10) < 0.2


@pytest.mark.parametrize(
    ("true", "guess"), [([3, 3, 3], [3, 3, 3]), ([3, 3, 3], [1, 2, 3]), ([1, 2, 3], [2, 2, 2]), ([4], [5])]
)
def test_where_a_side_does_not_vary_there_is_no_agreement(true, guess):
    assert ccc(true, guess) == 0


def test_large_levels_lose_no_digits():
    rng = np.random.default_rng(0)
    true, noise = rng.normal(0, 1, 1000), rng.normal(0, 1, 1000)
    assert ccc(true + 1e7, true + noise + 1e7) == pytest.approx(naive_ccc(true, true + noise), abs=1e-6)


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=1, max_size=30))
def test_it_stays_within_its_bounds_and_is_symmetric(pairs):
    one, other = map(list, zip(*pairs, strict=True))
    assert -1 - 1e-9 <= ccc(one, other) <= 1 + 1e-9
    assert ccc(one, other) == pytest.approx(ccc(other, one), abs=1e-9)


def test_clips_that_nobody_rated_are_left_out():
    assert ccc([1, np.nan, 2, 3], [1, 99, 2, 3.5]) == pytest.approx(naive_ccc([1, 2, 3], [1, 2, 3.5]))


@pytest.mark.parametrize(
    ("true", "guess", "message"),
    [
        ([np.nan, np.nan], [1, 2], "there is no rating"),
        ([1, 2], [1, np.nan], "1 predictions are NaN or infinite"),
        ([1, 2], [1, 2, 3], "must be one number per clip"),
    ],
)
def test_what_cannot_be_scored(true, guess, message):
    with pytest.raises(SerHfError, match=message):
        ccc(true, guess)


def test_several_targets_with_their_counts_and_intervals():
    rng = np.random.default_rng(1)
    true = rng.normal(4, 1, (200, 3))
    guess = true + rng.normal(0, 0.7, true.shape)
    true[:50, 1], true[:, 2] = np.nan, np.nan
    speakers = [f"s{i % 20}" for i in range(200)]
    found = evaluate_dimensions(["arousal", "valence", "dominance"], true, guess, speakers)
    assert [found[name]["n_clips"] for name in found] == [200, 150, 0]
    assert found["arousal"]["n_speakers"] == 20
    assert found["arousal"]["mean"] == pytest.approx(true[:, 0].mean())
    for name in ("arousal", "valence"):
        for metric in ("ccc", "pearson", "mae", "rmse"):
            value = found[name][metric]
            assert value["clips"][0] < value["value"] < value["clips"][1]
            assert value["speakers"][0] < value["value"] < value["speakers"][1]


def test_intervals_are_those_of_drawing_clips_again_and_again():
    rng = np.random.default_rng(2)
    true = rng.normal(0, 1, 120)
    guess = true + rng.normal(0, 0.8, 120)
    found = evaluate_dimensions(["arousal"], true[:, None], guess[:, None], [None] * 120, n_resamples=4000)
    draws = [(i := rng.integers(0, 120, 120), naive_ccc(true[i], guess[i]))[1] for _ in range(2000)]
    np.testing.assert_allclose(found["arousal"]["ccc"]["clips"], np.percentile(draws, [2.5, 97.5]), atol=0.01)
    assert found["arousal"]["ccc"]["speakers"] is None


def test_intervals_by_speaker_are_wider_where_a_speaker_is_misheard_as_a_whole():
    rng = np.random.default_rng(3)
    speakers = [f"s{i // 40}" for i in range(400)]
    true = rng.normal(0, 1, 400)
    guess = true + np.repeat(rng.normal(0, 1.5, 10), 40)
    found = evaluate_dimensions(["valence"], true[:, None], guess[:, None], speakers)["valence"]["ccc"]
    assert np.diff(found["speakers"]) > 2 * np.diff(found["clips"])
