"""From a dataset to train, validation and test; what the split is, is computed from its rows."""

import json

import numpy as np
import pytest

from ser_hf.data import PROTOCOLS, SplitOptions, make_split, split_counts
from ser_hf.data.protocols import Protocol
from ser_hf.errors import SerHfError, SplitError

SPEAKERS = [f"ravdess_{actor:02d}" for actor in range(1, 25)]


@pytest.fixture(scope="module")
def two_corpora(harmonised):
    """The RAVDESS and SAVEE rows of the small corpora."""
    return harmonised.dataset.select(np.flatnonzero(np.asarray(harmonised.dataset["corpus"]) != "tess"))


def test_random_says_that_speakers_are_on_both_sides(harmonised):
    split = make_split(harmonised.dataset, "random")
    assert {name: len(rows) for name, rows in split.datasets.items()} == {"train": 106, "validation": 13, "test": 13}
    assert (split.info.protocol, split.info.fold, split.info.seed) == ("random", None, 42)
    assert not split.info.speaker_independent
    assert not split.info.validation_speaker_independent
    assert set(split.info.test_speakers) == set(split.datasets["test"]["speaker"])
    assert {(f.level, f.rule) for f in split.audit.findings} >= {("warning", "speaker-overlap")}
    assert split.audit.errors == []


def test_the_rows_are_those_of_the_dataset(harmonised):
    split = make_split(harmonised.dataset, "random")
    ids = [clip for rows in split.datasets.values() for clip in rows["clip_id"]]
    assert sorted(ids) == sorted(harmonised.dataset["clip_id"])
    assert all(rows.features == harmonised.dataset.features for rows in split.datasets.values())


def test_speaker_independent_is_what_it_says(harmonised):
    split = make_split(
        harmonised.dataset, "speaker-independent", SplitOptions(test_speakers=("savee_JE", "ravdess_01"), seed=3)
    )
    assert split.info.speaker_independent
    assert split.info.validation_speaker_independent
    assert split.info.test_speakers == ("ravdess_01", "savee_JE")
    assert len(split.info.validation_speakers) == 1
    assert set(split.datasets["test"]["speaker"]) == {"ravdess_01", "savee_JE"}
    assert "speaker-overlap" not in {finding.rule for finding in split.audit.findings}


def test_emobox_keeps_its_fold(two_corpora):
    split = make_split(two_corpora, "emobox", SplitOptions(fold=1))
    assert split.info.fold == 1
    assert split.info.speaker_independent
    assert split.info.test_speakers == ("ravdess_01", "savee_JE")


def test_a_validation_from_training_speakers_is_told(harmonised):
    savee = harmonised.dataset.select(range(48, 104))
    split = make_split(savee, "emobox", SplitOptions(fold=2, validation_size=0.25))
    assert split.info.speaker_independent
    assert not split.info.validation_speaker_independent
    assert split.info.validation_speakers == ("savee_DC", "savee_JE", "savee_JK")
    assert [(f.level, f.rule) for f in split.audit.findings if f.rule == "speaker-overlap"] == [
        ("warning", "speaker-overlap")
    ]


def test_a_clip_without_a_speaker_makes_no_split_independent(make_rows):
    rows = make_rows([None] * 5 + SPEAKERS)
    info = make_split(rows, "random", SplitOptions(test_size=0.2, validation_size=0.2)).info
    assert not info.speaker_independent
    assert None not in info.test_speakers


@pytest.mark.parametrize(
    ("protocol", "settings", "message"),
    [
        ("random", {"test_size": 0.0}, r"test_size is 0\.0; expected a share between 0 and 1"),
        ("random", {"test_size": 1.0}, r"test_size is 1\.0"),
        ("random", {"test_size": -0.1}, r"test_size is -0\.1"),
        ("random", {"test_size": float("nan")}, "test_size is nan"),
        ("random", {"validation_size": 0.0}, r"validation_size is 0\.0"),
        ("random", {"validation_size": 2.0}, r"validation_size is 2\.0"),
        ("random", {"test_size": 0.5, "validation_size": 0.5}, "leave nothing to train on"),
        ("random", {"seed": -1}, "seed is -1; expected 0 or more"),
        ("random", {"fold": 1}, "protocol 'random' has no folds; leave out the fold 1 or use 'emobox'"),
        ("speaker-independent", {"fold": 1}, "has no folds"),
        ("random", {"test_speakers": ("ravdess_01",)}, "takes no test speakers; use 'speaker-independent'"),
        ("emobox", {"fold": 1, "test_speakers": ("ravdess_01",)}, "takes no test speakers"),
    ],
)
def test_options_out_of_range_are_refused(harmonised, protocol, settings, message):
    with pytest.raises(SplitError, match=message):
        make_split(harmonised.dataset, protocol, SplitOptions(**settings))


def test_an_unknown_protocol_is_refused_with_the_nearest(harmonised):
    with pytest.raises(SerHfError, match="unknown protocol 'speaker_independent'; did you mean 'speaker-independent'"):
        make_split(harmonised.dataset, "speaker_independent")


def test_an_empty_part_is_refused(make_rows):
    with pytest.raises(SplitError, match=r"protocol 'random' leaves validation and test empty \(3 clips in all\)"):
        make_split(make_rows(SPEAKERS[:3]), "random")


def test_the_same_recording_of_a_training_and_a_test_speaker_is_refused(make_rows):
    rows = make_rows(SPEAKERS, hashes=["same" if i in (0, 9) else f"{i}" for i in range(24)])
    with pytest.raises(SplitError, match=r"\[identical-audio\] 1 recording appears more than once in different splits"):
        make_split(rows, "speaker-independent", SplitOptions(test_speakers=("ravdess_01",)))


def test_a_protocol_that_does_not_keep_its_claim_is_refused(make_rows, monkeypatch):
    false = Protocol(name="false", description="", claims_speaker_independent=True, assign=PROTOCOLS["random"].assign)
    monkeypatch.setitem(PROTOCOLS._entries, "false", false)
    with pytest.raises(
        SplitError, match=r"the audit refuses this split: \[speaker-overlap\] \d speakers? in both train an"
    ):
        make_split(make_rows(SPEAKERS[:4] * 10), "false")


def test_the_counts(make_rows):
    rows = make_rows(["ravdess_01", "ravdess_02", None, "ravdess_01"], labels=[0, 0, 2, 0])
    assert split_counts({"test": rows}) == {
        "test": {"clips": 4, "speakers": 2, "classes": {"neutral": 3, "happy": 0, "sad": 1}}
    }


def test_what_is_known_of_a_split_is_plain_json(harmonised):
    split = make_split(harmonised.dataset, "speaker-independent", SplitOptions(test_speakers=("savee_JE",)))
    facts = split.info.to_dict()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["test_speakers"] == ["savee_JE"]
    assert facts["description"] == PROTOCOLS["speaker-independent"].description
    assert json.loads(json.dumps(split.audit.to_list())) == split.audit.to_list()
