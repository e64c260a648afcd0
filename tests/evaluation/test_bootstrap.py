import numpy as np
import pytest
import scipy.stats
from sklearn.metrics import accuracy_score, f1_score, recall_score

from ser_hf.evaluation import METRICS, bootstrap, clip_intervals, speaker_intervals


def noisy(rng, clips, num_classes=4, right=0.7):
    """Class ids and predictions that are right with the chance ``right``."""
    references = rng.integers(0, num_classes, clips)
    guesses = rng.integers(0, num_classes, clips)
    return references, np.where(rng.random(clips) < right, references, guesses)


def naive(references, predictions, units, n_resamples, seed):
    """Percentile intervals by drawing units (arrays of clip indices) one resample at a time, scored by sklearn."""
    rng = np.random.default_rng(seed)
    found = {name: [] for name in METRICS}
    for _ in range(n_resamples):
        drawn = np.concatenate([units[u] for u in rng.integers(0, len(units), len(units))])
        true, guessed = references[drawn], predictions[drawn]
        held = np.unique(true)
        found["accuracy"].append(accuracy_score(true, guessed))
        found["uar"].append(recall_score(true, guessed, labels=held, average="macro", zero_division=0))
        found["macro_f1"].append(f1_score(true, guessed, labels=held, average="macro", zero_division=0))
        found["weighted_f1"].append(f1_score(true, guessed, average="weighted", zero_division=0))
    return {name: np.percentile(values, [2.5, 97.5]) for name, values in found.items()}


def test_accuracy_by_clip_is_that_of_scipy():
    references, predictions = noisy(np.random.default_rng(0), 200)
    right = (references == predictions).astype(float)
    expected = scipy.stats.bootstrap((right,), np.mean, n_resamples=20_000, method="percentile", rng=1)
    low, high = clip_intervals(references, predictions, 4, n_resamples=20_000, seed=2)["accuracy"]
    assert (low, high) == pytest.approx(tuple(expected.confidence_interval), abs=0.006)  # one clip is 0.005


@pytest.mark.parametrize("by", ["clip", "speaker"])
def test_every_metric_is_that_of_a_naive_loop(by):
    rng = np.random.default_rng(3)
    speakers = np.repeat(np.arange(12), rng.integers(5, 15, 12))
    references, predictions = noisy(rng, len(speakers), num_classes=5)
    worse = speakers < 4
    predictions[worse] = noisy(rng, len(speakers), num_classes=5)[1][worse]
    if by == "clip":
        units = [np.array([clip]) for clip in range(len(speakers))]
        found = clip_intervals(references, predictions, 5, n_resamples=8000)
    else:
        units = [np.flatnonzero(speakers == speaker) for speaker in range(12)]
        found = speaker_intervals(references, predictions, 5, speakers.tolist(), n_resamples=8000)
    expected = naive(references, predictions, units, n_resamples=250, seed=4)
    for name in METRICS:
        assert found[name] == pytest.approx(expected[name], abs=0.035), name


def test_alike_clips_of_a_speaker_widen_the_interval():
    """Ten speakers, each all right or all wrong: a hundred clips tell no more than ten speakers do."""
    references = np.tile(np.arange(2), 50)
    speakers = np.repeat(np.arange(10), 10)
    predictions = np.where(speakers < 7, references, 1 - references)
    by_clip = clip_intervals(references, predictions, 2)["accuracy"]
    by_speaker = speaker_intervals(references, predictions, 2, speakers.tolist())["accuracy"]
    assert by_speaker == pytest.approx((0.4, 1.0), abs=0.11)
    assert np.ptp(by_speaker) > 2.5 * np.ptp(by_clip)


def test_the_true_score_is_covered_as_often_as_claimed():
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(300):
        references, predictions = noisy(rng, 150, right=0.6)
        low, high = clip_intervals(references, predictions, 4, n_resamples=300, seed=int(rng.integers(1 << 30)))["uar"]
        covered += low <= 0.6 + 0.4 / 4 <= high
    assert 0.90 <= covered / 300 <= 0.985


def test_a_class_absent_from_a_resample_does_not_count():
    """One clip of class 1, always right: without it UAR would fall to one half in a third of the resamples."""
    references, predictions = [0] * 9 + [1], [0] * 9 + [1]
    assert clip_intervals(references, predictions, 3)["uar"] == (1.0, 1.0)


def test_a_seed_gives_its_intervals_whatever_the_chunks(monkeypatch):
    references, predictions = noisy(np.random.default_rng(6), 80)
    speakers = [f"s{clip % 7}" for clip in range(80)]

    def both(seed):
        clips = clip_intervals(references, predictions, 4, seed=seed)
        return clips, speaker_intervals(references, predictions, 4, speakers, seed=seed)

    first = both(0)
    assert both(0) == first
    assert both(1) != first
    monkeypatch.setattr(bootstrap, "_CHUNK_CELLS", 16 * 97)
    assert both(0) == first


def test_the_draws_of_the_recall_are_those_that_the_interval_is_of():
    references, predictions = noisy(np.random.default_rng(8), 80)
    speakers = [f"s{clip % 7}" for clip in range(80)]
    draws = bootstrap.uar_draws(references, predictions, 4, speakers, n_resamples=500, seed=3)
    assert draws.shape == (500,)
    interval = speaker_intervals(references, predictions, 4, speakers, n_resamples=500, seed=3)["uar"]
    assert interval == tuple(np.percentile(draws, [2.5, 97.5]))


def test_what_is_not_said_are_two_thousand_resamples_of_the_first_seed():
    references, predictions = noisy(np.random.default_rng(9), 60)
    others, speakers = noisy(np.random.default_rng(10), 60)[1], [f"s{clip % 7}" for clip in range(60)]
    said = {"n_resamples": 2000, "seed": 0}
    for function, case in (
        (clip_intervals, ()),
        (speaker_intervals, (speakers,)),
        (bootstrap.uar_draws, (speakers,)),
    ):
        case = (references, predictions, 4, *case)
        np.testing.assert_equal(function(*case), function(*case, **said))
        with pytest.raises(AssertionError):
            np.testing.assert_equal(function(*case), function(*case, **said | {"n_resamples": 1999}))
    case = references, predictions, others, 4, speakers
    found = bootstrap.uar_difference(*case)
    assert found == bootstrap.uar_difference(*case, **said)
    assert found != bootstrap.uar_difference(*case, **said | {"n_resamples": 1999})


def test_two_speakers_can_be_drawn_in_three_ways():
    """One all right, one all wrong: half of the resamples hold both, a quarter each one alone."""
    case = [0, 1, 0, 1], [0, 1, 1, 0], 2, [*"aabb"]
    found = [speaker_intervals(*case, level=level)["accuracy"] for level in (0.95, 0.6, 0.4)]
    assert found == [(0, 1), (0, 1), (0.5, 0.5)]


def test_a_wider_level_is_wider():
    references, predictions = noisy(np.random.default_rng(7), 100)
    low, high = clip_intervals(references, predictions, 4, level=0.99)["uar"]
    inner = clip_intervals(references, predictions, 4, level=0.5)["uar"]
    assert low < inner[0] < inner[1] < high


@pytest.mark.parametrize("speakers", [["a"] * 4, [None] * 4, ["a", "a", "b", None]])
def test_nothing_to_draw_speakers_from(speakers):
    assert speaker_intervals([0, 1, 0, 1], [0, 1, 1, 1], 2, speakers) is None
