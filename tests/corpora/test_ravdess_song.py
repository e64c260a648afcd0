"""RAVDESS song: its own corpus, which takes from a mixed folder only what is sung."""

import re
from collections import Counter
from pathlib import Path

import pytest

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import CORPORA, scan
from ser_hf.corpora.ravdess import parse as parse_speech
from ser_hf.corpora.ravdess_song import parse
from ser_hf.records import Clip

OFFICIAL = {"neutral": 92} | dict.fromkeys(["calm", "happy", "sad", "angry", "fearful"], 184)
KIDS, DOGS = "Kids are talking by the door", "Dogs are sitting by the door"


@pytest.mark.parametrize(
    ("path", "emotion", "intensity", "sentence", "repetition", "actor", "sex"),
    [
        ("Actor_01/03-02-01-01-01-01-01.wav", "neutral", "normal", KIDS, 1, "01", "male"),
        ("Audio_Song_Actors_01-24/Actor_02/03-02-02-01-02-02-02.WAV", "calm", "normal", DOGS, 2, "02", "female"),
        ("Audio/Actor_13/03-02-03-02-01-01-13.flac", "happy", "strong", KIDS, 1, "13", "male"),
        ("03-02-04-01-02-01-10.mp3", "sad", "normal", DOGS, 1, "10", "female"),
        ("05_angry/03-02-05-02-02-02-24.aiff", "angry", "strong", DOGS, 2, "24", "female"),
        ("Actor_01/03-02-06-02-01-02-09.Ogg", "fearful", "strong", KIDS, 2, "09", "male"),
    ],
)
def test_every_layout(path, emotion, intensity, sentence, repetition, actor, sex):
    assert parse(Path(path)) == Clip(
        path=Path(path),
        corpus="ravdess_song",
        native_label=emotion,
        emotion=emotion,
        speaker=CORPORA["ravdess_song"].speaker(actor),
        clip_id=f"ravdess_song/{Path(path).stem}",
        sex=sex,
        language="en",
        sentence=sentence,
        intensity=intensity,
        repetition=repetition,
        channel="song",
    )


@pytest.mark.real
def test_every_official_name(names_list):
    rows = names_list("ravdess_song")
    clips = [parse(Path(row["path"])) for row in rows]
    for row, clip in zip(rows, clips, strict=True):
        assert clip is not None, row
        speaker = CORPORA["ravdess_song"].speaker(row["speaker"])
        assert (clip.native_label, clip.speaker, clip.sex) == (row["label"], speaker, row["sex"])
        assert parse_speech(clip.path) is None
    assert len({clip.clip_id for clip in clips}) == 1012
    assert Counter(clip.native_label for clip in clips) == OFFICIAL == CORPORA["ravdess_song"].expected


def test_speech_and_song_in_one_folder_are_told_apart(tmp_path):
    stems = [f"03-{c}-{e:02d}-01-01-01-{a:02d}" for a in (1, 2) for c in ("01", "02") for e in (1, 5)]
    for folder in ("", "Audio_Song_Actors_01-24/"):
        for stem in stems:
            path = tmp_path / f"{folder}Actor_{stem[-2:]}/{stem}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    (tmp_path / "Actor_01/._03-02-05-01-01-01-01.wav").touch()
    found = {name: scan(CORPORA[name], tmp_path) for name in ("ravdess", "ravdess_song")}
    for name, channel in (("ravdess", "speech"), ("ravdess_song", "song")):
        clips = found[name].clips
        assert [(clip.channel, clip.corpus) for clip in clips] == [(channel, name)] * 4
        assert [clip.path for clip in clips] == sorted(clip.path for clip in clips)
        assert (len(found[name].copies), len(found[name].foreign)) == (4, 8)
    assert len({clip.speaker for f in found.values() for clip in f.clips}) == 2
    ids = [clip.clip_id for f in found.values() for clip in f.clips]
    assert len(set(ids)) == len(ids) == 8


@pytest.mark.parametrize(
    "stem",
    [
        "03-01-05-02-02-02-24",
        "01-02-05-02-02-02-24",
        "02-02-05-02-02-02-24",
        "03-02-05-02-02-02",
        "٠٣-02-05-02-02-02-24",
    ],
)
def test_speech_video_and_other_names_are_foreign(stem):
    assert parse(Path(f"Actor_24/{stem}.wav")) is None


@pytest.mark.parametrize(
    ("stem", "what"),
    [
        ("03-02-07-01-01-01-01", "emotion code 07; expected 01 to 06"),
        ("03-02-08-01-01-01-01", "emotion code 08; expected 01 to 06"),
        ("03-02-00-01-01-01-01", "emotion code 00; expected 01 to 06"),
        ("03-02-01-00-01-01-01", "intensity code 00; expected 01 to 02"),
        ("03-02-01-01-03-01-01", "statement code 03; expected 01 to 02"),
        ("03-02-01-01-01-01-25", "actor code 25; expected 01 to 24"),
    ],
)
def test_an_unknown_code_is_refused_with_the_path(stem, what):
    path = Path(f"Actor_01/{stem}.wav")
    with pytest.raises(CorpusError, match=re.escape(f"{path}: unknown RAVDESS song {what}")):
        parse(path)


def test_the_archives_are_named_with_their_checksums():
    for name, archive, size in (
        ("ravdess", "Audio_Speech_Actors_01-24.zip", 208468073),
        ("ravdess_song", "Audio_Song_Actors_01-24.zip", 225505317),
    ):
        (download,) = CORPORA[name].downloads
        assert download.url.startswith(f"https://zenodo.org/records/1188976/files/{archive}")
        assert (download.filename, download.size) == (archive, size)
        assert (len(download.sha256), len(download.md5)) == (64, 32)


def test_the_published_fold():
    (fold,) = CORPORA["ravdess_song"].folds["audeering"].folds.values()
    assert (fold.test, fold.validation) == (("21", "22", "23", "24"), ("16", "17", "19", "20"))
