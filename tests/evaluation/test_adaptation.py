"""The curve against a loop over draws; what is drawn, and that labels are not looked at."""

from functools import cache

import numpy as np
import pytest
from sklearn.metrics import recall_score

from ser_hf.evaluation import evaluate_adaptation, mean_adaptation
from ser_hf.evaluation.adaptation import DRAWS, draw

SPEAKERS = ["b"] * 12 + ["a"] * 20 + ["c"] * 4
RNG = np.random.default_rng(0)
DURATIONS = RNG.uniform(1.0, 6.0, 36)
LABELS = RNG.permutation(np.arange(36) % 4)
GUESSES = RNG.integers(0, 4, 36)


def predict(heard: np.ndarray) -> np.ndarray:
    """Right about a speaker's clips the more of them are heard, by a rule that depends on nothing else."""
    names = np.array(SPEAKERS)
    shares = np.array([heard[names == name].mean() for name in SPEAKERS])
    return np.where(np.arange(36) * 7 % 36 / 36 < shares, LABELS, GUESSES)


def test_clips_are_drawn_until_the_seconds_are_reached():
    for seed in range(20):
        shorter, longer = (draw(SPEAKERS, DURATIONS, s, np.random.default_rng(seed)) for s in (5.0, 10.0))
        assert not (shorter & ~longer).any()
        for name in "abc":
            own = np.array(SPEAKERS) == name
            lengths = DURATIONS[own & longer]
            assert lengths.sum() >= min(10.0, DURATIONS[own].sum())
            assert lengths.sum() - lengths.max() < 10.0
    assert not draw(SPEAKERS, DURATIONS, 0.0, np.random.default_rng(0)).any()
    assert draw(SPEAKERS, DURATIONS, np.inf, np.random.default_rng(0)).all()
    assert draw(SPEAKERS, DURATIONS, 1e6, np.random.default_rng(0)).all(), "there is no more"


def test_every_clip_is_as_likely():
    drawn = np.mean([draw(["a"] * 10, np.ones(10), 3.0, np.random.default_rng(seed)) for seed in range(3000)], axis=0)
    np.testing.assert_allclose(drawn, 0.3, atol=0.04)


def test_the_curve_is_that_of_a_loop():
    curve = evaluate_adaptation(predict, LABELS, 4, SPEAKERS, DURATIONS)
    assert [point["seconds"] for point in curve] == [0, 5, 10, 30, "all"]
    assert [point["draws"] for point in curve] == [1, DRAWS, DRAWS, DRAWS, 1]
    for point in curve:
        seconds = np.inf if point["seconds"] == "all" else point["seconds"]
        uars, used, number, true, said = [], [], [], [], []
        for i in range(point["draws"]):
            heard = draw(SPEAKERS, DURATIONS, seconds, np.random.default_rng([0, i]))
            guessed = predict(heard)
            uars.append(recall_score(LABELS, guessed, average="macro"))
            used += [sum(d for d, s, h in zip(DURATIONS, SPEAKERS, heard, strict=True) if s == n and h) for n in "abc"]
            number += [sum(s == n and h for s, h in zip(SPEAKERS, heard, strict=True)) for n in "abc"]
            true += LABELS[~heard].tolist()
            said += guessed[~heard].tolist()
        assert point["uar"] == pytest.approx(np.mean(uars))
        assert point["draws_std"] == pytest.approx(np.std(uars, ddof=1) if len(uars) > 1 else 0.0)
        assert point["seconds_used_mean"] == pytest.approx(np.mean(used))
        assert point["clips_used_mean"] == pytest.approx(np.mean(number))
        others = recall_score(true, said, average="macro", labels=np.unique(true)) if true else None
        assert point["uar_others"] == (None if others is None else pytest.approx(others))
    assert curve[-1]["uar"] == 1.0


def test_intervals_draw_speakers_with_all_their_draws():
    """Against whole speakers, drawn one resample at a time and scored in every draw of clips."""
    point = evaluate_adaptation(predict, LABELS, 4, SPEAKERS, DURATIONS)[1]
    rng, names, found = np.random.default_rng(5), np.array(SPEAKERS), []
    said = [predict(draw(SPEAKERS, DURATIONS, 5.0, np.random.default_rng([0, i]))) for i in range(DRAWS)]

    @cache
    def score(drawn: str) -> float:
        rows = np.concatenate([np.flatnonzero(names == n) for n in drawn])
        held = np.unique(LABELS[rows])
        return np.mean([recall_score(LABELS[rows], one[rows], average="macro", labels=held) for one in said])

    for drawn in rng.choice(list("abc"), (1500, 3)):
        found.append(score("".join(sorted(drawn))))
    low, high = np.percentile(found, [2.5, 97.5])
    assert (point["uar_speakers_low"], point["uar_speakers_high"]) == pytest.approx((low, high), abs=0.01)


def test_one_speaker_has_no_interval():
    curve = evaluate_adaptation(lambda heard: LABELS, LABELS, 4, ["a"] * 36, DURATIONS)
    assert {point["uar_speakers_low"] for point in curve} == {None}


def test_the_curves_of_folds_are_averaged_point_by_point():
    def curve(uar: float, others: float | None) -> list[dict]:
        fixed = {"uar_speakers_low": 0.1, "uar_speakers_high": 0.9, "draws": 10, "draws_std": 0.02}
        used = {"seconds_used_mean": 6.0, "clips_used_mean": 2.0}
        return [{"seconds": seconds, "uar": uar, "uar_others": others, **fixed, **used} for seconds in (5, "all")]

    both = mean_adaptation([curve(0.5, 0.4), curve(0.7, 0.6)])
    assert [point["seconds"] for point in both] == [5, "all"]
    assert both[0]["uar"] == pytest.approx(0.6)
    assert both[0]["uar_others"] == pytest.approx(0.5)
    assert both[0]["uar_speakers_low"] is None
    assert mean_adaptation([curve(0.5, None), curve(0.7, 0.6)])[0]["uar_others"] is None
    with pytest.raises(ValueError, match="zip"):
        mean_adaptation([curve(0.5, 0.4), curve(0.7, 0.6)[:1]])
