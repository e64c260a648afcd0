"""The audit finds what train, validation and test share, and is silent where they share nothing."""

import json
import zlib

import datasets
import numpy as np
import pytest

from ser_hf.audit import Finding, Item, audit, audit_table
from ser_hf.base.errors import SplitError
from ser_hf.corpora import CORPORA, scan
from ser_hf.labels import get_scheme
from ser_hf.protocols import SplitOptions, make_split


@pytest.fixture(scope="module")
def make(make_rows):
    """A function like ``make_rows`` that takes more columns, and gives every recording a fingerprint of its own."""

    def made(speakers, *, more=None, **given):
        rows = make_rows(speakers, **given)
        words = [
            np.random.default_rng(zlib.crc32(name.encode())).integers(1, 1 << 32, 99) for name in rows["audio_hash"]
        ]
        columns = {"fingerprint": [one.astype("<u4").tobytes() for one in words], **(more or {})}
        for name, values in columns.items():
            rows = rows.add_column(name, values)
        return rows

    return made


@pytest.fixture
def parts(make):
    """A clean split: no speaker, clip or recording is on two sides, and every class on each."""
    sides = {"train": ["a", "b", "c"], "validation": ["d", "e", "f"], "test": ["g", "h", "i"]}
    return datasets.DatasetDict({name: make(speakers) for name, speakers in sides.items()})


def found(parts: datasets.DatasetDict, claims: bool = True) -> list[tuple[str, str, str]]:
    return [(f.level, f.rule, f.message) for f in audit(parts, claims_speaker_independent=claims).findings]


def test_a_validation_of_all_that_is_trained_and_tested_on_makes_these_two_no_twins(make):
    sides = {"train": ["a", "b", "c"], "validation": [*"abcdef"], "test": ["d", "e", "f"]}
    parts = datasets.DatasetDict({name: make(who, clip_ids=[f"{s}/0" for s in who]) for name, who in sides.items()})
    assert "same-split" not in {rule for _, rule, _ in found(parts)}


def test_three_splits_that_are_one_are_told_in_order(make):
    parts = datasets.DatasetDict({name: make(["a", "b", "c"]) for name in ("train", "validation", "test")})
    pairs = [message.partition(" hold")[0] for _, rule, message in found(parts) if rule == "same-split"]
    assert pairs == ["3 clips: train and test", "3 clips: train and validation", "3 clips: validation and test"]


def test_a_clean_split(parts):
    assert found(parts) == []
    report = audit(parts, claims_speaker_independent=True)
    assert (report.errors, report.to_list(), report.to_table()) == ([], [], "nothing found")
    report.raise_for_errors()


@pytest.mark.parametrize(("claims", "level"), [(True, "error"), (False, "warning")])
@pytest.mark.parametrize("side", ["train", "validation"])
def test_a_test_speaker_elsewhere(parts, make, side, claims, level):
    parts["test"] = make([parts[side]["speaker"][0], "h", "i"], clip_ids=["x", "y", "z"])
    name = parts[side]["speaker"][0]
    assert found(parts, claims) == [(level, "speaker-overlap", f"1 speaker in both {side} and test: {name}")]


def test_speakers_shared_by_train_and_validation_are_a_warning_only(parts, make):
    parts["validation"] = make(["b", "c", "a"])
    assert found(parts) == [("warning", "speaker-overlap", "3 speakers in both train and validation: a, b, c")]


def test_many_names_are_cut_short(make):
    many = [f"s{i}" for i in range(6)]
    parts = datasets.DatasetDict({"train": make(many), "test": make(many, clip_ids=list("uvwxyz"))})
    assert found(parts)[0][2] == "6 speakers in both train and test: s0, s1, s2 and 3 more"


@pytest.mark.parametrize(("claims", "level"), [(True, "error"), (False, "warning")])
def test_clips_without_a_speaker(parts, make, claims, level):
    parts["train"] = make(["a", None, None], clip_ids=["u", "v", "w"])
    parts["test"] = make(["g", None, "i"], clip_ids=["x", "y", "z"])
    message = "3 clips without a speaker: v (train), w (train), y (test)"
    assert found(parts, claims) == [(level, "unknown-speaker", message)]


def test_the_same_clip_on_two_sides(parts, make):
    parts["test"] = make(["g", "h", "i"], clip_ids=["a/0", "y", "z"])
    assert found(parts, claims=False) == [("error", "same-clip", "1 clip in both train and test: a/0")]


def test_the_same_audio_on_two_sides(parts, make):
    parts["test"] = make(["g", "h", "i"], hashes=["hash of a/0", "2", "3"])
    message = "1 recording appears more than once in different splits: a/0 (train) = g/0 (test)"
    assert found(parts, claims=False) == [("error", "identical-audio", message)]


def test_what_train_and_validation_must_not_share_either(parts, make):
    parts["validation"] = make(["d", "e", "f"], clip_ids=["a/0", "y", "z"], hashes=["1", "hash of b/1", "3"])
    assert [f[:2] for f in found(parts, claims=False)] == [("error", "same-clip"), ("error", "identical-audio")]


def test_the_same_audio_within_a_split_is_told_and_allowed(parts, make):
    parts["train"] = make(["a", "b", "c"], labels=[0, 0, 0], hashes=["1", "1", "2"])
    assert [f[:2] for f in found(parts)] == [("info", "identical-audio"), ("warning", "absent-class")]


def test_the_same_audio_under_two_labels(parts, make):
    parts["train"] = make(["a", "b", "c"], hashes=["1", "1", "2"])
    assert [f[:2] for f in found(parts)] == [("info", "identical-audio"), ("error", "label-conflict")]
    assert found(parts)[1][2] == (
        "1 recording appears more than once under different labels: a/0 (train, neutral) = b/1 (train, happy)"
    )


def test_a_recording_that_is_there_a_hundred_times_is_one_line(parts, make):
    parts["train"] = make(["a"] * 100, hashes=["silence"] * 99 + ["1"], labels=[0] * 99 + [1])
    message = found(parts)[0][2]
    assert message.startswith("1 recording appears more than once within one split: a/0 (train) = a/1 (train) = ")
    assert message.endswith(" = a/5 (train) and 93 more")
    assert len(audit(parts, claims_speaker_independent=True).findings[0].items[0].clips) == 99


def test_one_name_for_two_recordings_of_a_split(parts, make):
    parts["train"] = make(["a", "a", "b", "c"], clip_ids=["a/0", "a/0", "b/0", "c/0"], hashes=list("1234"))
    message = "1 clip id stands for different recordings of one split: a/0 (train) 2 times"
    assert found(parts) == [("error", "colliding-id", message)]


def test_a_clip_in_two_rows_of_a_split(parts, make):
    parts["train"] = make(
        ["a"] * 3 + ["b"], clip_ids=["a/0"] * 3 + ["b/0"], hashes=["1"] * 3 + ["2"], labels=[2, 2, 2, 1]
    )
    message = "1 clip id stands for the same recording in several rows of one split: a/0 (train) 3 times"
    assert [f for f in found(parts) if f[1] != "absent-class"] == [("warning", "colliding-id", message)]


SAME = "hold the same recordings"


def test_validation_that_is_the_test(parts, make):
    parts["validation"] = parts["test"]
    assert found(parts) == [
        (
            "error",
            "same-split",
            f"3 clips: validation and test {SAME}; what is scored has chosen the checkpoint",
        )
    ]


def test_validation_that_is_the_test_under_other_names(parts, make):
    parts["validation"] = make(["d", "e", "f"], hashes=parts["test"]["audio_hash"][::-1], labels=[2, 1, 0])
    assert [f[:2] for f in found(parts)] == [("error", "same-split")]


def test_training_on_the_test(parts):
    parts["test"] = parts["train"]
    assert [f[1:] for f in found(parts)] == [
        ("same-split", f"3 clips: train and test {SAME}; what is scored was trained on")
    ]


def test_most_of_the_test_is_not_all_of_it(parts, make):
    parts["validation"] = make(["d", "e", "f"], hashes=["hash of g/0", "hash of h/1", "other"])
    assert [f[:2] for f in found(parts)] == [("error", "identical-audio")]


def with_sources(make, speakers, sources, clip_ids):
    return make(speakers, clip_ids=clip_ids, more={"source": sources})


def test_copies_beside_their_source_are_as_they_should_be(parts, make):
    ids = ["a/0", "a/0#1", "a/0#2", "b/1", "c/2"]
    parts["train"] = with_sources(make, ["a", "a", "a", "b", "c"], [None, "a/0", "a/0", None, None], ids)
    assert found(parts) == []


@pytest.mark.parametrize("claims", [True, False])
def test_a_copy_of_a_test_clip_in_training(parts, make, claims):
    ids = ["a/0", "g/0#1", "c/2"]
    parts["train"] = with_sources(make, ["a", "b", "c"], [None, "g/0", None], ids)
    message = "1 clip with augmented copies in different splits: g/0 (test) -> g/0#1 (train)"
    assert found(parts, claims) == [("error", "augmented-copy", message)]


def test_copies_of_one_clip_on_both_sides_without_it(parts, make):
    parts["train"] = with_sources(make, ["a", "b", "c"], ["z", None, None], ["z#1", "b/1", "c/2"])
    parts["test"] = with_sources(make, ["g", "h", "i"], ["z", None, None], ["z#2", "h/1", "i/2"])
    assert found(parts) == [
        ("error", "augmented-copy", "1 clip with augmented copies in different splits: z -> z#1 (train), z#2 (test)"),
        ("info", "unknown-source", "1 clip named as a source and in none of the splits: z"),
    ]


def test_a_copy_of_a_copy(parts, make):
    parts["train"] = with_sources(make, ["a", "b", "c"], [None, "g/0", "g/0#1"], ["a/0", "g/0#1", "g/0#1#1"])
    assert found(parts)[0][2].endswith("splits: g/0 (test) -> g/0#1 (train), g/0#1#1 (train)")


def test_three_copies_are_named_and_the_others_counted(parts, make):
    ids = ["a/0", *(f"g/0#{i}" for i in range(1, 6))]
    parts["train"] = with_sources(make, ["a", *"bbbbb"], [None, *["g/0"] * 5], ids)
    assert found(parts)[0][2].endswith("g/0 (test) -> g/0#1 (train), g/0#2 (train), g/0#3 (train) and 2 more")


def test_sources_that_run_in_a_circle_end(parts, make):
    parts["train"] = with_sources(make, ["a", "b", "c"], ["y", "x", "z"], ["x", "y", "z"])
    assert found(parts) == []


def test_sentences_of_the_test_that_training_says(parts, make):
    says = {"train": ["one", "two", "three"], "validation": ["four"] * 3, "test": ["two", "five", None]}
    told = datasets.DatasetDict(
        {name: make(rows["speaker"][:], more={"sentence": says[name]}) for name, rows in parts.items()}
    )
    message = "1 of 2 clips of test (50 %) say a sentence that train says too: ravdess: 1 of 2 clips"
    assert found(told) == [("info", "sentence-overlap", message)]


def test_one_text_in_two_corpora_is_not_one_sentence(parts, make):
    same = ["1", "1", "1"]
    for name, corpus in [("train", "savee"), ("validation", "tess"), ("test", "ravdess")]:
        parts[name] = make(parts[name]["speaker"][:], corpus=corpus, more={"sentence": same})
    assert found(parts) == []


def test_a_class_that_a_split_lacks(parts, make):
    parts["test"] = make(["g", "h", "i"], labels=[1, 1, 1])
    assert found(parts) == [("warning", "absent-class", "test has no clip of neutral, sad")]


def test_errors_refuse_the_split(parts, make):
    parts["test"] = make(["a", "h", "i"], clip_ids=["a/0", "y", "z"])
    report = audit(parts, claims_speaker_independent=True)
    assert {finding.rule for finding in report.errors} == {"same-clip", "speaker-overlap"}
    with pytest.raises(
        SplitError, match=r"refuses this split: \[same-clip\] 1 clip in both .*; \[speaker-overlap\] 1 sp"
    ):
        report.raise_for_errors()


def test_a_warning_refuses_nothing(parts, make):
    parts["test"] = make(["a", "h", "i"], clip_ids=["x", "y", "z"])
    report = audit(parts, claims_speaker_independent=False)
    assert report.findings
    report.raise_for_errors()


def test_the_table_counts_then_shows_errors_first():
    pairs = tuple(Item(f"ravdess/03-01-0{i}-01-01-01-01 (train) = savee/DC/a0{i} (test)") for i in range(5))
    findings = [
        Finding("info", "sentence-overlap", "5 of 9 clips"),
        Finding("warning", "speaker-overlap", "5 speakers in both", tuple(map(Item, "abcde"))),
        Finding("error", "identical-audio", "5 recordings", pairs),
        Finding("error", "same-clip", "1 clip in both", (Item("a/0", ("a/0",)),)),
    ]
    lines = audit_table(findings).splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "2 errors, 1 warning, 1 info",
        "error identical-audio 5 recordings",
        *(pair.text for pair in pairs[:3]),
        "and 2 more",
        "error same-clip 1 clip in both",
        "a/0",
        "warning speaker-overlap 5 speakers in both",
        "a, b, c and 2 more",
        "info sentence-overlap 5 of 9 clips",
    ]
    under = lines[1].index("5 recordings")
    assert {len(line) - len(line.lstrip()) for line in lines} == {0, under}, "cases stand under the summaries"
    assert audit_table([]) == "nothing found"


def test_what_is_stored_is_short_and_what_is_asked_for_is_all(parts, make):
    parts["test"] = make(["g", "h", "i"], hashes=["hash of a/0", "hash of b/1", "3"])
    report = audit(parts, claims_speaker_independent=True)
    assert [set(finding) for finding in report.to_list()] == [{"level", "rule", "message"}]
    (full,) = json.loads(json.dumps(report.to_list(10)))
    assert (full["summary"], full["count"]) == ("2 recordings appear more than once in different splits", 2)
    assert full["items"][1] == {"text": "b/1 (train) = h/1 (test)", "clips": ["b/1", "h/1"]}
    (capped,) = report.to_list(1)
    assert (capped["count"], len(capped["items"])) == (2, 1)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("speaker", "split 'test' has no column speaker; the audit needs clip_id, speaker, label and audio"),
        ("clip_id", "has no column clip_id"),
        ("label", "has no column label"),
        ("audio_hash", "has no column audio;"),
    ],
)
def test_a_missing_column_is_named(parts, column, message):
    parts["test"] = parts["test"].remove_columns(column)
    with pytest.raises(SplitError, match=message):
        audit(parts, claims_speaker_independent=False)


@pytest.fixture(scope="module")
def ravdess(shared_data):
    """All of RAVDESS by its names; the pair that is one recording has one hash."""
    classes = get_scheme("8class").classes
    rows = {"clip_id": [], "speaker": [], "label": [], "sentence": [], "corpus": [], "audio_hash": []}
    for clip in scan(CORPORA["ravdess"], shared_data / "ravdess").clips:
        copy = clip.clip_id.replace("03-01-03-01-02-02-07", "03-01-03-01-02-01-07")
        row = (clip.clip_id, clip.speaker, classes.index(clip.emotion), clip.sentence, clip.corpus, copy)
        for name, value in zip(rows, row, strict=True):
            rows[name].append(value)
    return datasets.Dataset.from_dict(rows).cast_column("label", datasets.ClassLabel(names=list(classes)))


@pytest.mark.real
@pytest.mark.parametrize("fold", range(1, 7))
def test_the_emobox_folds_of_ravdess_pass(ravdess, fold):
    split = make_split(ravdess, "emobox", SplitOptions(fold=fold))
    assert {name: len(rows) for name, rows in split.datasets.items()} == {"train": 1020, "validation": 180, "test": 240}
    assert split.info.speaker_independent
    told = {(f.level, f.rule, f.summary) for f in split.audit.findings}
    assert {level for level, _, _ in told} == {"info"}
    assert ("info", "identical-audio", "1 recording appears more than once within one split") in told
    parallel = "240 of 240 clips of test (100 %) say a sentence that train says too"
    assert ("info", "sentence-overlap", parallel) in told


@pytest.mark.real
def test_a_random_split_of_ravdess_is_speaker_mixed_and_keeps_the_identical_clips_together(ravdess):
    for seed in (0, 42):
        split = make_split(ravdess, "random", SplitOptions(seed=seed))
        assert not split.info.speaker_independent
        assert {f.level for f in split.audit.findings if f.rule == "speaker-overlap"} == {"warning"}
        assert "24 speakers in both train and test" in {f.summary for f in split.audit.findings}
        assert split.audit.errors == []


@pytest.mark.real
def test_a_speaker_moved_to_the_other_side_is_found(ravdess):
    split = make_split(ravdess, "emobox", SplitOptions(fold=1)).datasets
    first, *others = range(240)
    moved = datasets.concatenate_datasets([split["train"], split["test"].select([first])])
    parts = datasets.DatasetDict({**split, "train": moved, "test": split["test"].select(others)})
    errors = audit(parts, claims_speaker_independent=True).errors
    assert [(f.rule, f.items[0].text) for f in errors] == [("speaker-overlap", split["test"]["speaker"][0])]
