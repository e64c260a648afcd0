"""Scores against votes: those of scipy, over the clips that have votes, with ties on the side of the model."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from ser_hf.base.errors import SerHfError
from ser_hf.evaluation import evaluate_votes


@pytest.fixture
def drawn():
    rng = np.random.default_rng(0)
    votes = rng.multinomial(5, [0.4, 0.3, 0.2, 0.1], 60) / 5
    return votes, rng.dirichlet([1, 1, 1, 1], 60), [f"s{i % 6}" for i in range(60)]


def test_against_scipy(drawn):
    votes, guess, speakers = drawn
    found = evaluate_votes(votes.tolist(), guess, speakers)
    assert found["n_clips"] == 60
    assert found["kl_divergence"]["value"] == pytest.approx(
        np.mean([entropy(p, q) for p, q in zip(votes, guess, strict=True)])
    )
    distances = [jensenshannon(p, q, base=2) ** 2 for p, q in zip(votes, guess, strict=True)]
    assert found["js_divergence"]["value"] == pytest.approx(np.mean(distances))
    for name in ("kl_divergence", "js_divergence", "majority_accuracy"):
        for by in ("clips", "speakers"):
            low, high = found[name][by]
            assert low < found[name]["value"] < high


def test_one_of_several_majorities_is_right():
    votes = [[0.5, 0.5, 0], [0.4, 0.4, 0.2], [0, 0, 1]]
    guess = np.array([[0.1, 0.8, 0.1], [0.1, 0.2, 0.7], [0.2, 0.2, 0.6]])
    assert evaluate_votes(votes, guess, [None] * 3)["majority_accuracy"]["value"] == pytest.approx(2 / 3)


def test_clips_without_votes_are_left_out():
    guess = np.array([[0.9, 0.1], [0.5, 0.5]])
    found = evaluate_votes([None, [1.0, 0.0]], guess, ["a", "b"])
    assert (found["n_clips"], found["kl_divergence"]["value"]) == (1, pytest.approx(np.log(2)))
    assert found["kl_divergence"]["speakers"] is None
    assert evaluate_votes([None, None], guess, ["a", "b"]) is None


def test_the_same_distribution_is_no_distance_and_a_sure_mistake_a_finite_one():
    found = evaluate_votes([[1.0, 0.0]], np.array([[1.0, 0.0]]), [None])
    assert found["kl_divergence"]["value"] == pytest.approx(0)
    assert found["js_divergence"]["value"] == pytest.approx(0)
    wrong = evaluate_votes([[1.0, 0.0]], np.array([[0.0, 1.0]]), [None])
    assert wrong["js_divergence"]["value"] == pytest.approx(1)
    assert np.isfinite(wrong["kl_divergence"]["value"])


def test_votes_for_other_classes_are_refused():
    with pytest.raises(SerHfError, match="votes for 3 classes and probabilities of 2"):
        evaluate_votes([[1, 0, 0]], np.array([[0.5, 0.5]]), [None])
