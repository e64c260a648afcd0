"""RAVDESS names: every official one, and what must not be taken for one."""

import re
from collections import Counter
from pathlib import Path

import pytest

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import CORPORA, scan
from ser_hf.corpora.ravdess import parse
from ser_hf.records import Clip

OFFICIAL = {"neutral": 96} | dict.fromkeys(["calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"], 192)
KIDS, DOGS = "Kids are talking by the door", "Dogs are sitting by the door"
EMOBOX = {1: (1, 11, 20, 21), 2: (4, 10, 12, 14), 3: (8, 9, 19, 23), 4: (3, 5, 7, 24), 5: (2, 15, 16, 18)} | {
    6: (6, 13, 17, 22)
}
LUNA_JIMENEZ = {1: (2, 5, 14, 15, 16), 2: (3, 6, 7, 13, 18), 3: (10, 11, 12, 19, 20), 4: (8, 17, 21, 23, 24)} | {
    5: (1, 4, 9, 22)
}


@pytest.mark.parametrize(
    ("stem", "emotion", "intensity", "sentence", "repetition", "speaker", "sex"),
    [
        ("03-01-01-01-01-01-01", "neutral", "normal", KIDS, 1, "ravdess_01", "male"),
        ("03-01-02-01-02-02-02", "calm", "normal", DOGS, 2, "ravdess_02", "female"),
        ("03-01-03-02-01-01-13", "happy", "strong", KIDS, 1, "ravdess_13", "male"),
        ("03-01-04-01-02-01-10", "sad", "normal", DOGS, 1, "ravdess_10", "female"),
        ("03-01-05-02-02-02-24", "angry", "strong", DOGS, 2, "ravdess_24", "female"),
        ("03-01-06-02-01-02-09", "fearful", "strong", KIDS, 2, "ravdess_09", "male"),
        ("03-01-07-01-01-01-16", "disgust", "normal", KIDS, 1, "ravdess_16", "female"),
        ("03-01-08-02-02-01-23", "surprised", "strong", DOGS, 1, "ravdess_23", "male"),
    ],
)
def test_a_name_says_everything(stem, emotion, intensity, sentence, repetition, speaker, sex):
    path = Path(f"Actor_{stem[-2:]}/{stem}.wav")
    assert parse(path) == Clip(
        path=path,
        corpus="ravdess",
        native_label=emotion,
        emotion=emotion,
        speaker=speaker,
        clip_id=f"ravdess/{stem}",
        sex=sex,
        language="en",
        sentence=sentence,
        intensity=intensity,
        repetition=repetition,
        channel="speech",
    )


@pytest.mark.real
def test_every_official_name(names_list):
    rows = names_list("ravdess_speech")
    assert Counter(row["label"] for row in rows) == OFFICIAL
    for row in rows:
        clip = parse(Path(row["path"]))
        assert clip is not None, row
        assert (clip.native_label, clip.speaker, clip.sex) == (row["label"], f"ravdess_{row['speaker']}", row["sex"])
    assert len({parse(Path(row["path"])).clip_id for row in rows}) == len(rows) == 1440


def test_the_official_counts():
    assert CORPORA["ravdess"].expected == OFFICIAL


@pytest.mark.real
def test_the_recordings_are_all_there(shared_data):
    found = scan(CORPORA["ravdess"], shared_data / "ravdess")
    assert Counter(clip.native_label for clip in found.clips) == OFFICIAL
    assert (found.remarks(), found.foreign, found.copies) == ([], (), ())
    assert len({clip.speaker for clip in found.clips}) == 24


@pytest.mark.real
def test_the_untouched_originals(shared_data):
    found = scan(CORPORA["ravdess"], shared_data / "originals/ravdess")
    assert (len(found.clips), found.foreign) == (12, ())


@pytest.mark.parametrize(
    "stem",
    [
        "03-02-05-02-02-02-24",
        "01-01-05-02-02-02-24",
        "02-01-05-02-02-02-24",
        "01-02-09-02-02-02-24",
        "03-01-05-02-02-02",
        "03-01-05-02-02-02-24-01",
        "03-01-05-02-02-02-24 copy",
        "3-1-5-2-2-2-24",
        "a03-01-05-02-02-02-24",
        "notes",
    ],
    ids=lambda stem: stem.replace(" ", "_"),
)
def test_song_video_and_other_names_are_foreign(stem):
    assert parse(Path(f"Actor_24/{stem}.wav")) is None


@pytest.mark.parametrize(
    ("stem", "what"),
    [
        ("03-01-09-01-01-01-01", "emotion code 09; expected 01 to 08"),
        ("03-01-00-01-01-01-01", "emotion code 00; expected 01 to 08"),
        ("03-01-01-03-01-01-01", "intensity code 03; expected 01 to 02"),
        ("03-01-01-01-00-01-01", "statement code 00; expected 01 to 02"),
        ("03-01-01-01-01-01-25", "actor code 25; expected 01 to 24"),
        ("03-01-01-01-01-01-00", "actor code 00; expected 01 to 24"),
    ],
)
def test_an_unknown_code_is_refused_with_the_path(stem, what):
    path = Path(f"Actor_01/{stem}.wav")
    with pytest.raises(CorpusError, match=re.escape(f"{path}: unknown RAVDESS {what}")):
        parse(path)


def test_the_actor_comes_from_the_name_not_from_the_folder():
    clip = parse(Path("Actor_05/03-01-05-01-01-01-02.wav"))
    assert (clip.speaker, clip.sex) == ("ravdess_02", "female")


@pytest.mark.parametrize("extension", [".WAV", ".flac", ".Ogg", ".mp3", ".aiff", ".aif"])
def test_any_extension_gives_the_same_clip(extension):
    assert parse(Path(f"03-01-05-01-01-01-02{extension}")).clip_id == "ravdess/03-01-05-01-01-01-02"


@pytest.mark.parametrize(("protocol", "published"), [("emobox", EMOBOX), ("luna-jimenez", LUNA_JIMENEZ)])
def test_the_published_folds(protocol, published):
    folds = CORPORA["ravdess"].folds[protocol]
    assert folds.unit == "speaker"
    assert {number: set(fold.test) for number, fold in folds.folds.items()} == {
        number: {f"{actor:02d}" for actor in actors} for number, actors in published.items()
    }
