import json

import numpy as np
import pytest

from ser_hf.base.errors import SerHfError
from ser_hf.evaluation import METRICS, clip_intervals, evaluate_predictions, score_table, scores, speaker_intervals

CLASSES = ["neutral", "calm", "happy", "sad"]


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(0)
    references = rng.integers(0, 3, 90)  # no clip is sad
    predictions = np.where(rng.random(90) < 0.7, references, rng.integers(0, 4, 90))
    corpora = ["ravdess"] * 60 + ["savee"] * 30
    speakers = [f"ravdess_{clip % 6:02}" for clip in range(60)] + ["savee_JE"] * 30
    return references, predictions, CLASSES, corpora, speakers


@pytest.fixture(scope="module")
def block(case):
    return evaluate_predictions(*case)


def test_the_block_has_exactly_the_fields_of_the_contract(block):
    assert json.loads(json.dumps(block, allow_nan=False)) == block
    assert list(block) == ["n_clips", "n_speakers", "n_classes", "metrics", "per_class", "confusion", "per_corpus"]
    assert list(block["metrics"]) == list(METRICS)
    assert all(list(metric) == ["value", "clips", "speakers"] for metric in block["metrics"].values())
    assert all(list(row) == ["class", "precision", "recall", "f1", "clips"] for row in block["per_class"])
    assert all(list(row) == ["corpus", "clips", "speakers", "accuracy", "uar"] for row in block["per_corpus"])


def test_the_numbers_are_those_of_the_metrics(case, block):
    references, predictions, _, _, speakers = case
    by_clip, by_speaker = (
        clip_intervals(references, predictions, 4),
        speaker_intervals(references, predictions, 4, speakers),
    )
    for name, value in scores(references, predictions, 4).items():
        assert block["metrics"][name] == {
            "value": value,
            "clips": list(by_clip[name]),
            "speakers": list(by_speaker[name]),
        }
        assert block["metrics"][name]["clips"][0] <= value <= block["metrics"][name]["clips"][1]
    assert (block["n_clips"], block["n_speakers"]) == (90, 7)
    assert np.sum(block["confusion"], axis=1).tolist() == np.bincount(references, minlength=4).tolist()
    assert [row["clips"] for row in block["per_class"]] == np.bincount(references, minlength=4).tolist()


def test_a_class_without_clips_has_a_row(block):
    assert block["per_class"][3] == {"class": "sad", "precision": 0.0, "recall": 0.0, "f1": 0.0, "clips": 0}


def test_a_corpus_is_scored_on_its_own_clips(case, block):
    references, predictions, *_ = case
    ravdess, savee = block["per_corpus"]
    assert (ravdess["corpus"], ravdess["clips"], ravdess["speakers"]) == ("ravdess", 60, 6)
    assert (savee["corpus"], savee["clips"], savee["speakers"]) == ("savee", 30, 1)
    assert savee["accuracy"]["value"] == scores(references[60:], predictions[60:], 4)["accuracy"]
    assert ravdess["uar"]["value"] == scores(references[:60], predictions[:60], 4)["uar"]
    assert ravdess["uar"]["speakers"] is not None
    assert savee["uar"]["speakers"] is None


def test_unknown_speakers_are_not_counted():
    block = evaluate_predictions([0, 1], [0, 0], ["a", "b"], ["folder"] * 2, [None, None])
    assert block["n_speakers"] == 0
    assert block["metrics"]["uar"] == {"value": 0.5, "clips": block["metrics"]["uar"]["clips"], "speakers": None}


def test_one_clip():
    block = evaluate_predictions([1], [1], ["a", "b"], ["folder"], ["s"])
    assert block["metrics"]["accuracy"] == {"value": 1.0, "clips": [1.0, 1.0], "speakers": None}


def test_lengths_must_agree():
    with pytest.raises(SerHfError, match=r"one entry per clip; found 2, 2, 2, 1"):
        evaluate_predictions([0, 1], [0, 1], ["a", "b"], ["c", "c"], ["s"])


def results(block, **changes):
    """The parts of results.json that the table reads."""
    split = {"protocol": "random", "fold": None, "speaker_independent": False}
    return {"name": "run", "synthetic": False, "data": {"scheme": "4class"}, "split": split, "test": block} | changes


def test_the_table_says_what_was_measured_and_how(block):
    lines = score_table(results(block)).splitlines()
    assert lines[:3] == [
        "run",
        "90 test clips, 7 speakers, label scheme 4class",
        "protocol: random (speaker-mixed: test speakers are also trained on)",
    ]
    uar = block["metrics"]["uar"]
    shown = [f"{100 * number:.1f}" for number in (uar["value"], *uar["clips"], *uar["speakers"])]
    row = next(line for line in lines if line.startswith("UAR"))
    assert [word for word in row.split() if word[0].isdigit()] == shown
    assert [line.split()[:3] for line in lines[-2:]] == [["ravdess", "60", "6"], ["savee", "30", "1"]]
    assert not any("SYNTHETIC" in line for line in lines)


def test_the_table_names_synthetic_voices_folds_and_independence(block):
    split = {"protocol": "emobox", "fold": 2, "speaker_independent": True}
    text = score_table(results(block, synthetic=True, split=split))
    assert "protocol: emobox, fold 2 (speaker-independent)" in text
    assert "SYNTHETIC voices" in text


def test_the_table_without_speaker_interval():
    block = evaluate_predictions([0, 1], [0, 0], ["a", "b"], ["folder"] * 2, ["s", "s"])
    lines = score_table(results(block)).splitlines()
    assert lines[1].startswith("2 test clips, 1 speaker,")
    assert lines[-1].endswith(" -")


def test_the_number_of_classes_scored_is_told():
    told = evaluate_predictions([0, 0, 2], [0, 1, 2], ["a", "b", "c"], ["x"] * 3, [None] * 3)
    assert told["n_classes"] == 2
    assert told["metrics"]["uar"]["value"] == 0.75
