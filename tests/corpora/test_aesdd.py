"""AESDD names: a line may have been spoken twice, and a speaker's number may begin with a zero."""

import re
from collections import Counter
from pathlib import Path

import pytest

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import CORPORA, scan
from ser_hf.corpora.aesdd import parse
from ser_hf.records import Clip

LABELS = {"a": "anger", "d": "disgust", "f": "fear", "h": "happiness", "s": "sadness"}
UNREADABLE = "sadness/s05 (3).wav"


@pytest.mark.parametrize(
    ("path", "stem", "native", "emotion", "speaker", "sentence", "take"),
    [
        ("AESDD/anger/a01 (1).wav", "a01 (1)", "anger", "angry", 1, "aesdd_01", 1),
        ("disgust/d03 (01).wav", "d03 (1)", "disgust", "disgust", 1, "aesdd_03", 1),
        ("fear/f18 (5)b.wav", "f18 (5)b", "fear", "fearful", 5, "aesdd_18", 2),
        ("sadness/s01 (5)a.wav", "s01 (5)a", "sadness", "sad", 5, "aesdd_01", 1),
        ("H19_(06).FLAC", "h19 (6)", "happiness", "happy", 6, "aesdd_19", 1),
        ("h19(12).mp3", "h19 (12)", "happiness", "happy", 12, "aesdd_19", 1),
        ("happiness/h20 (2).wav", "h20 (2)", "happiness", "happy", 2, None, 1),
    ],
)
def test_a_name_says_everything(path, stem, native, emotion, speaker, sentence, take):
    assert parse(Path(path)) == Clip(
        path=Path(path),
        corpus="aesdd",
        native_label=native,
        emotion=emotion,
        speaker=f"aesdd_{speaker}",
        clip_id=f"aesdd/{stem}",
        language="el",
        sentence=sentence,
        repetition=take,
    )


@pytest.mark.real
def test_every_official_name_and_the_one_that_is_left_out_everywhere(names_list):
    rows = names_list("aesdd")
    clips = [parse(Path(row["path"])) for row in rows]
    for row, clip in zip(rows, clips, strict=True):
        assert clip is not None, row
        assert (clip.native_label, clip.speaker) == (LABELS[row["label"]], f"aesdd_{row['speaker']}")
        assert (clip.sex, row["sex"]) == (None, "unknown")
        assert Path(row["path"]).parts[0] == clip.native_label
    clips.append(parse(Path(UNREADABLE)))
    assert len({clip.clip_id for clip in clips}) == len(rows) + 1 == 605
    assert Counter(clip.native_label for clip in clips) == CORPORA["aesdd"].expected
    for entry in CORPORA["aesdd"].folds.values():
        ids = {clip.clip_id if entry.unit == "clip" else clip.speaker for clip in clips}
        members = [m for fold in entry.folds.values() for m in fold.test + fold.validation]
        assert {f"aesdd/{m}" if entry.unit == "clip" else f"aesdd_{m}" for m in members} <= ids


def test_the_unreadable_recording_is_known():
    assert set(CORPORA["aesdd"].bad) == {parse(Path(UNREADABLE)).clip_id}


def test_published_folds():
    folds = CORPORA["aesdd"].folds
    assert {protocol: entry.unit for protocol, entry in folds.items()} == {
        "emobox": "clip",
        "nkululeko": "speaker",
        "serab": "speaker",
    }
    assert len(folds["emobox"].folds[1].test) == 149
    assert (folds["serab"].folds[1].test, folds["serab"].folds[1].validation) == (("1", "5"), ("4",))


def test_every_layout_gives_the_same_clips(tmp_path, touch):
    root = "Acted Emotional Speech Dynamic Database"
    names = ["anger/a01 (1).wav", "anger/a06 (5).wav", "anger/a06 (5)b.wav", "disgust/d03 (01).wav"]
    litter = [f"{root}/anger/._a01 (1).wav", "__MACOSX/a02 (1).wav", f"{root}/anger/hiss.wav", f"{root}/Thumbs.db"]
    copies = [f"{root}/{root}/{names[0]}", "flat/a06_(5)b.mp3", "flat/d03 (1).wav"]
    found = scan(CORPORA["aesdd"], touch(tmp_path, *(f"{root}/{name}" for name in names), *copies, *litter))
    ids = ["aesdd/a01 (1)", "aesdd/a06 (5)", "aesdd/a06 (5)b", "aesdd/d03 (1)"]
    assert sorted(clip.clip_id for clip in found.clips) == ids
    assert len(found.copies) == 3
    assert found.foreign == (tmp_path / root / "anger/hiss.wav",)


@pytest.mark.parametrize("stem", ["a1 (1)", "a01", "a01 1", "a01 (1)c", "a01 (1) copy", "aa01 (1)", "a01 ()"])
def test_other_names_are_foreign(stem):
    assert parse(Path(f"anger/{stem}.wav")) is None


def test_an_unknown_emotion_is_refused_with_the_path():
    message = "anger/n01 (1).wav: unknown AESDD emotion code 'n'; expected one of a, d, f, h, s"
    with pytest.raises(CorpusError, match=re.escape(message)):
        parse(Path("anger/n01 (1).wav"))
