"""From a dataset to train, validation and test; what the split is, is computed from its rows."""

import json

import numpy as np
import pytest

from ser_hf.base.errors import SerHfError, SplitError
from ser_hf.corpora import CORPORA
from ser_hf.protocols import PROTOCOLS, Protocol, SplitOptions, folds_of, make_split, split_counts
from ser_hf.protocols.splits import SplitInfo

SPEAKERS = [f"ravdess_{actor:02d}" for actor in range(1, 25)]


@pytest.fixture(scope="module")
def two_corpora(harmonised):
    """The RAVDESS and SAVEE rows of the small corpora."""
    return harmonised.dataset.select(np.flatnonzero(np.asarray(harmonised.dataset["corpus"]) != "tess"))


def test_random_says_that_speakers_are_on_both_sides(harmonised):
    split = make_split(harmonised.dataset, "random")
    assert {name: len(rows) for name, rows in split.datasets.items()} == {"train": 106, "validation": 13, "test": 13}
    assert (split.info.protocol, split.info.fold, split.info.seed) == ("random", None, 42)
    assert (split.info.options, split.info.left_out, split.info.claims_speaker_independent) == ({}, 0, False)
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
    assert (split.info.fold, split.info.options) == (1, {})
    assert split.info.speaker_independent
    assert split.info.claims_speaker_independent
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
        ("kfold", {"folds": 1}, "folds is 1; expected 2 or more"),
        (
            "random",
            {"fold": 1},
            "protocol 'random' has no folds; leave out the fold 1 or use one of: .*kfold, leave-one",
        ),
        ("speaker-independent", {"fold": 1}, "has no folds"),
        ("random", {"test_speakers": ("ravdess_01",)}, "no test_speakers; leave it out or use one of: speaker-indepen"),
        ("loso", {"fold": 1, "test_speakers": ("ravdess_01",)}, "protocol 'loso' takes no test_speakers"),
        ("random-90-5-5", {"test_size": 0.2}, "takes no test_size; leave it out or use one of: random, speaker-indepe"),
        ("random", {"folds": 10}, "takes no folds; leave it out or use one of: kfold, speaker-kfold"),
        ("random", {"split_file": "x.csv"}, "takes no split_file; leave it out or use one of: file"),
        ("kfold", {}, "protocol 'kfold' needs a fold: pass --fold N, N from 1 to 5"),
        ("kfold", {"fold": 6}, "protocol 'kfold' has no fold 6 here; it has 1 to 5"),
        ("loso", {"fold": 0}, "protocol 'loso' has no fold 0 here; it has 1 to 12"),
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


def test_cross_validation_tests_every_clip_once(harmonised):
    tested = []
    for fold in folds_of(harmonised.dataset, "kfold", SplitOptions(folds=4)):
        split = make_split(harmonised.dataset, "kfold", SplitOptions(folds=4, fold=fold))
        assert (split.info.fold, split.info.options) == (fold, {"folds": 4})
        tested += split.datasets["test"]["clip_id"][:]
    assert sorted(tested) == sorted(harmonised.dataset["clip_id"])
    assert folds_of(harmonised.dataset, "random") == ()
    with pytest.raises(SerHfError, match="unknown protocol 'kfolds'; did you mean 'kfold'"):
        folds_of(harmonised.dataset, "kfolds")


def test_a_published_list_of_clips_is_speaker_mixed_with_a_warning_and_no_error(make_rows):
    tested = [f"tess/{clip}" for clip in CORPORA["tess"].folds["emobox"].folds[1].test]
    clips = [*tested, *(f"tess/{speaker}_{i}_sad" for speaker in ("OAF", "YAF") for i in range(300))]
    rows = make_rows([f"tess_{clip[5:8]}" for clip in clips], clip_ids=clips, corpus="tess")
    split = make_split(rows, "emobox")
    assert split.datasets["test"]["clip_id"][:] == tested
    assert len(tested) == 700
    assert split.info.fold == 1, "the only one"
    assert (split.info.speaker_independent, split.info.claims_speaker_independent) == (False, False)
    assert {f.level for f in split.audit.findings if f.rule == "speaker-overlap"} == {"warning"}
    assert split.audit.errors == []


def test_clips_in_no_split_are_counted_and_named(make_rows, tmp_path, caplog):
    rows = make_rows(SPEAKERS)
    listed = [(clip, ["train", "test", "dev"][i % 3]) for i, clip in enumerate(rows["clip_id"][:20])]
    path = tmp_path / "mine.csv"
    path.write_text("clip_id,split\n" + "".join(f"{clip},{side}\n" for clip, side in listed), encoding="utf-8")
    info = make_split(rows, "file", SplitOptions(split_file=path, drop_unlisted=True)).info
    assert info.left_out == 4
    assert "protocol 'file' leaves 4 of 24 clips out of every split, e.g. ravdess_21/20, ravdess_22/21" in caplog.text
    assert info.options == {"split_file": "mine.csv", "drop_unlisted": True}
    assert info.speaker_independent, "computed: it so happens"
    assert json.loads(json.dumps(info.to_dict())) == info.to_dict()


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


def test_copies_are_counted_where_there_are_some(make_rows):
    rows = make_rows(["ravdess_01", "ravdess_01", "ravdess_01"], labels=[0, 0, 0])
    copies = rows.add_column("source", [None, rows["clip_id"][0], rows["clip_id"][0]])
    counts = split_counts({"train": copies, "test": copies.select([0])})
    assert counts["train"]["copies"] == 2
    assert "copies" not in counts["test"]


def test_what_is_known_of_a_split_comes_back_from_json_also_of_an_older_version(make_rows):
    facts = make_split(make_rows(SPEAKERS), "loso", SplitOptions(fold=3)).info.to_dict()
    assert SplitInfo.from_dict(facts).to_dict() == facts
    old = {
        key: value for key, value in facts.items() if key not in ("options", "claims_speaker_independent", "left_out")
    }
    info = SplitInfo.from_dict(old)
    assert (info.fold, info.options, info.claims_speaker_independent, info.left_out) == (3, {}, False, 0)


def test_what_is_known_of_a_split_is_plain_json(harmonised):
    split = make_split(harmonised.dataset, "speaker-independent", SplitOptions(test_speakers=("savee_JE",)))
    facts = split.info.to_dict()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["test_speakers"] == ["savee_JE"]
    assert facts["options"] == {"test_speakers": ["savee_JE"]}
    assert facts["description"] == PROTOCOLS["speaker-independent"].description
    assert json.loads(json.dumps(split.audit.to_list())) == split.audit.to_list()
