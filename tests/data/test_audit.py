"""The audit finds what train, validation and test share, and is silent where they share nothing."""

import io

import datasets
import numpy as np
import pytest
import soundfile

from ser_hf.data import SplitOptions, audit, load_corpus, make_split
from ser_hf.errors import SplitError


@pytest.fixture
def parts(make_rows):
    """A clean split: no speaker, clip or recording is on two sides, and every class on each."""
    sides = {"train": ["a", "b", "c"], "validation": ["d", "e", "f"], "test": ["g", "h", "i"]}
    return datasets.DatasetDict({name: make_rows(speakers) for name, speakers in sides.items()})


def found(parts: datasets.DatasetDict, claims: bool = True) -> list[tuple[str, str, str]]:
    return [(f.level, f.rule, f.message) for f in audit(parts, claims_speaker_independent=claims).findings]


def test_a_clean_split(parts):
    assert found(parts) == []
    report = audit(parts, claims_speaker_independent=True)
    assert (report.errors, report.to_list(), report.to_table()) == ([], [], "nothing found")
    report.raise_for_errors()


@pytest.mark.parametrize(("claims", "level"), [(True, "error"), (False, "warning")])
@pytest.mark.parametrize("side", ["train", "validation"])
def test_a_test_speaker_elsewhere(parts, make_rows, side, claims, level):
    parts["test"] = make_rows([parts[side]["speaker"][0], "h", "i"], clip_ids=["x", "y", "z"])
    name = parts[side]["speaker"][0]
    assert found(parts, claims) == [(level, "speaker-overlap", f"1 speaker in both {side} and test: {name}")]


def test_speakers_shared_by_train_and_validation_are_a_warning_only(parts, make_rows):
    parts["validation"] = make_rows(["b", "c", "a"])
    assert found(parts) == [("warning", "speaker-overlap", "3 speakers in both train and validation: a, b, c")]


def test_many_names_are_cut_short(make_rows):
    many = [f"s{i}" for i in range(6)]
    parts = datasets.DatasetDict({"train": make_rows(many), "test": make_rows(many, clip_ids=list("uvwxyz"))})
    assert found(parts)[0][2] == "6 speakers in both train and test: s0, s1, s2 and 3 more"


@pytest.mark.parametrize(("claims", "level"), [(True, "error"), (False, "warning")])
def test_clips_without_a_speaker(parts, make_rows, claims, level):
    parts["train"] = make_rows(["a", None, None])
    parts["test"] = make_rows(["g", None, "i"], clip_ids=["x", "y", "z"])
    assert found(parts, claims) == [(level, "unknown-speaker", "3 clips have no speaker")]


def test_the_same_clip_on_two_sides(parts, make_rows):
    parts["test"] = make_rows(["g", "h", "i"], clip_ids=["a/0", "y", "z"])
    assert found(parts, claims=False) == [("error", "same-clip", "1 clip in both train and test: a/0")]


def test_the_same_audio_on_two_sides(parts, make_rows):
    parts["test"] = make_rows(["g", "h", "i"], hashes=["hash of a/0", "2", "3"])
    message = "1 recording appears more than once in different splits: a/0 (train) = g/0 (test)"
    assert found(parts, claims=False) == [("error", "identical-audio", message)]


def test_what_train_and_validation_must_not_share_either(parts, make_rows):
    parts["validation"] = make_rows(["d", "e", "f"], clip_ids=["a/0", "y", "z"], hashes=["1", "hash of b/1", "3"])
    assert [f[:2] for f in found(parts, claims=False)] == [("error", "same-clip"), ("error", "identical-audio")]


def test_the_same_audio_within_a_split_is_told_and_allowed(parts, make_rows):
    parts["train"] = make_rows(["a", "b", "c"], labels=[0, 0, 0], hashes=["1", "1", "2"])
    assert [f[:2] for f in found(parts)] == [("info", "identical-audio"), ("warning", "absent-class")]


def test_the_same_audio_under_two_labels(parts, make_rows):
    parts["train"] = make_rows(["a", "b", "c"], hashes=["1", "1", "2"])
    assert [f[:2] for f in found(parts)] == [("info", "identical-audio"), ("warning", "label-conflict")]
    assert found(parts)[1][2].endswith("under different labels: a/0 (train) = b/1 (train)")


def test_a_class_that_a_split_lacks(parts, make_rows):
    parts["test"] = make_rows(["g", "h", "i"], labels=[1, 1, 1])
    assert found(parts) == [("warning", "absent-class", "test has no clip of neutral, sad")]


def test_errors_refuse_the_split(parts, make_rows):
    parts["test"] = make_rows(["a", "h", "i"], clip_ids=["a/0", "y", "z"])
    report = audit(parts, claims_speaker_independent=True)
    assert {finding.rule for finding in report.errors} == {"same-clip", "speaker-overlap"}
    with pytest.raises(
        SplitError, match=r"refuses this split: \[same-clip\] 1 clip in both .*; \[speaker-overlap\] 1 sp"
    ):
        report.raise_for_errors()
    assert report.to_table().splitlines()[0].split(maxsplit=2)[:2] == ["error", "same-clip"]
    assert report.to_list()[0]["level"] == "error"


def test_a_warning_refuses_nothing(parts, make_rows):
    parts["test"] = make_rows(["a", "h", "i"], clip_ids=["x", "y", "z"])
    report = audit(parts, claims_speaker_independent=False)
    assert report.findings
    report.raise_for_errors()


def encoded(seed: int, kind: str) -> dict[str, object]:
    """A noise of this seed as the bytes of an audio file."""
    buffer = io.BytesIO()
    samples = np.random.default_rng(seed).integers(-9999, 9999, 800).astype(np.int16)
    soundfile.write(buffer, samples, 8000, format=kind, subtype="PCM_16")
    return {"bytes": buffer.getvalue(), "path": f"{seed}.{kind}"}


def heard(rows: datasets.Dataset, audio: list[dict[str, object]]) -> datasets.Dataset:
    """The rows with audio in place of its hash."""
    return rows.remove_columns("audio_hash").add_column("audio", audio)


def test_the_hash_is_computed_where_it_is_missing(parts):
    audio = {name: [encoded(10 * i + j, "WAV") for j in range(3)] for i, name in enumerate(parts)}
    assert found(datasets.DatasetDict({name: heard(rows, audio[name]) for name, rows in parts.items()})) == []
    audio["test"][1] = encoded(0, "FLAC")
    again = datasets.DatasetDict({name: heard(rows, audio[name]) for name, rows in parts.items()})
    assert [f[:2] for f in found(again)] == [("error", "identical-audio"), ("warning", "label-conflict")]
    assert "a/0 (train) = h/1 (test)" in found(again)[0][2]


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
def ravdess(shared_data, tmp_path_factory):
    """All of RAVDESS."""
    return load_corpus(["ravdess"], data_root=shared_data, cache_dir=tmp_path_factory.mktemp("ravdess")).dataset


@pytest.mark.real
@pytest.mark.parametrize("fold", range(1, 7))
def test_the_emobox_folds_of_ravdess_pass(ravdess, fold):
    split = make_split(ravdess, "emobox", SplitOptions(fold=fold))
    assert {name: len(rows) for name, rows in split.datasets.items()} == {"train": 1020, "validation": 180, "test": 240}
    assert split.info.speaker_independent
    assert [(f.level, f.rule) for f in split.audit.findings] == [("info", "identical-audio")]
    assert "ravdess/03-01-03-01-02-01-07" in split.audit.findings[0].message


@pytest.mark.real
def test_a_random_split_of_ravdess_keeps_the_identical_clips_together(ravdess):
    for seed in (0, 42):
        split = make_split(ravdess, "random", SplitOptions(seed=seed))
        assert {f.rule for f in split.audit.findings} == {"speaker-overlap", "identical-audio"}
        assert split.audit.errors == []
