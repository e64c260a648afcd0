"""Scores by group against scikit-learn on the same clips, and gaps against plain draws."""

import evaluate
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, f1_score

from ser_hf.evaluation import Calibration, Confusion, PerClass, SerMetrics, evaluate_groups

CLASSES = ["angry", "calm", "sad"]


def clips(n=240, seed=0):
    rng = np.random.default_rng(seed)
    true = rng.integers(3, size=n)
    sex = np.where(np.arange(n) % 12 < 6, "female", "male")
    said = np.where(rng.random(n) < np.where(sex == "male", 0.5, 0.85), true, rng.integers(3, size=n))
    facts = {
        "sex": sex.tolist(),
        "speaker": [f"s{i % 12}" for i in range(n)],
        "language": ["en"] * n,
        "corpus": np.where(np.arange(n) % 2, "a", "b").tolist(),
        "duration": rng.uniform(1, 5, n).tolist(),
        "loudness_db": [None, *rng.normal(-30, 5, n - 1)],
    }
    return true, said, facts


@pytest.fixture(scope="module")
def found():
    return evaluate_groups(*clips()[:2], CLASSES, clips()[2])


def test_every_group_is_scored_on_its_own_clips(found):
    true, said, facts = clips()
    for column in ("sex", "speaker", "corpus"):
        values = np.array(facts[column])
        assert [row["group"] for row in found["groups"][column]] == sorted(set(values))
        for row in found["groups"][column]:
            own = values == row["group"]
            assert row["clips"] == own.sum()
            assert row["uar"]["value"] == pytest.approx(balanced_accuracy_score(true[own], said[own]))
            assert row["accuracy"]["value"] == pytest.approx(accuracy_score(true[own], said[own]))
            assert row["uar"]["clips"][0] <= row["uar"]["value"] <= row["uar"]["clips"][1]
            assert (row["uar"]["speakers"] is None) == (column == "speaker")
    assert "language" not in found["groups"]  # one alone says nothing


def test_the_gap_is_best_less_worst_and_its_interval_that_of_its_speakers(found):
    true, said, facts = clips()
    gap, sexes, speakers = found["gaps"]["sex"], np.array(facts["sex"]), np.array(facts["speaker"])
    assert (gap["best"], gap["worst"]) == ("female", "male")
    scores = {name: balanced_accuracy_score(true[sexes == name], said[sexes == name]) for name in ("female", "male")}
    assert gap["uar"] == pytest.approx(scores["female"] - scores["male"])
    rng, draws = np.random.default_rng(5), []
    for _ in range(600):
        sides = []
        for name in ("female", "male"):
            drawn = rng.choice(sorted(set(speakers[sexes == name])), 6)
            rows = np.concatenate([np.flatnonzero(speakers == one) for one in drawn])
            sides.append(balanced_accuracy_score(true[rows], said[rows]))
        draws.append(sides[0] - sides[1])
    assert [gap["low"], gap["high"]] == pytest.approx(np.percentile(draws, [2.5, 97.5]), abs=0.025)


def test_quarters_hold_every_clip_that_was_measured_once(found):
    true, said, facts = clips()
    for column, known in (("duration", 240), ("loudness_db", 239)):
        rows = found["slices"][column]
        assert sum(row["clips"] for row in rows) == known
        assert [row["clips"] for row in rows] == pytest.approx([known / 4] * 4, abs=1)
        assert [row["high"] for row in rows[:-1]] == [row["low"] for row in rows[1:]]
    first, values = found["slices"]["duration"][0], np.array(facts["duration"])
    own = (values >= first["low"]) & (values <= first["high"])
    assert first["uar"]["value"] == pytest.approx(balanced_accuracy_score(true[own], said[own]))


def test_confusions_are_counted_for_each_corpus(found):
    true, said, facts = clips()
    corpora = np.array(facts["corpus"])
    for corpus, rows in found["confusions"].items():
        counts = confusion_matrix(true[corpora == corpus], said[corpora == corpus])
        off = sorted((counts[i, j] for i in range(3) for j in range(3) if i != j and counts[i, j]), reverse=True)
        assert [row["clips"] for row in rows] == off
        for row in rows:
            i, j = CLASSES.index(row["true"]), CLASSES.index(row["predicted"])
            assert (row["clips"], row["share"]) == (counts[i, j], pytest.approx(counts[i, j] / counts[i].sum()))


def test_unknown_and_small_groups_are_listed_and_take_no_part_in_a_gap():
    true, said, facts = clips()
    facts = {"sex": ["female"] * 120 + [None] * 115 + ["male"] * 5, "speaker": [None] * 240, "corpus": ["a"] * 240}
    found = evaluate_groups(true, said, CLASSES, facts)
    assert {row["group"]: row["clips"] for row in found["groups"]["sex"]} == {"female": 120, "male": 5, "unknown": 115}
    assert "gaps" not in found
    assert "speaker" not in found["groups"]
    assert [row["group"] for row in found["groups"]["corpus"]] == ["a"]
    assert "slices" not in found


def test_equal_measures_and_few_clips_are_no_slices():
    true, said, _ = clips()
    assert "slices" not in evaluate_groups(true, said, CLASSES, {"duration": [3.0] * 240})
    assert "slices" not in evaluate_groups(true[:20], said[:20], CLASSES, {"duration": [*range(20)]})


def test_one_clip_is_scored():
    found = evaluate_groups([1], [1], CLASSES, {"sex": ["male"], "corpus": ["a"], "speaker": ["s"], "duration": [2.0]})
    assert found["groups"]["corpus"][0]["uar"]["value"] == 1
    assert "confusions" in found or found["groups"]


def test_evaluate_modules_are_combined_and_say_what_scikit_learn_says():
    true, said, _ = clips()
    found = evaluate.combine([SerMetrics(), PerClass(), Confusion()]).compute(
        predictions=said, references=true, num_classes=3
    )
    assert found["uar"] == pytest.approx(balanced_accuracy_score(true, said))
    assert found["f1"] == pytest.approx(f1_score(true, said, average=None))
    assert found["confusion"] == confusion_matrix(true, said).tolist()


def test_the_module_of_calibration_takes_batches():
    metric = Calibration()
    metric.add_batch(predictions=[[0.8, 0.2], [0.8, 0.2]], references=[0, 1])
    metric.add_batch(predictions=[[0.3, 0.7]], references=[1])
    found = metric.compute()
    assert found["ece"] == pytest.approx(0.3)
    assert found["brier"] == pytest.approx(np.mean([0.08, 1.28, 0.18]))
