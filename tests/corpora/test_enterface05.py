"""eNTERFACE'05 names: the subject is the folder's, and the names slip at times."""

import re
from collections import Counter
from pathlib import Path

import pytest

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import CORPORA, scan
from ser_hf.corpora.enterface05 import parse
from ser_hf.records import Clip

LABELS = {"an": "anger", "di": "disgust", "fe": "fear", "ha": "happiness", "sa": "sadness", "su": "surprise"}


@pytest.mark.parametrize(
    ("path", "subject", "code", "sentence", "emotion"),
    [
        ("enterface database/subject 1/anger/sentence 1/s1_an_1.avi", 1, "an", 1, "angry"),
        ("enterface/subject 11/disgust/sentence 2/s12_di_2.avi", 11, "di", 2, "disgust"),
        ("enterface/subject 3/fear/sentence 5/s_3_fe_5.avi", 3, "fe", 5, "fearful"),
        ("enterface/subject 16/surprise/sentence 3/s16_su_3avi.avi", 16, "su", 3, "surprised"),
        ("project2_database/enterface wave/Subject_44/HAPPINESS/S44_HA_4.WAV", 44, "ha", 4, "happy"),
        ("subject 2/anger/sentence 1/s2_an_2.avi", 2, "an", 2, "angry"),
        ("flat/s43_sa_5.flac", 43, "sa", 5, "sad"),
        ("flat/s12_sa_5.flac", 11, "sa", 5, "sad"),
    ],
)
def test_a_path_says_everything(path, subject, code, sentence, emotion):
    assert parse(Path(path)) == Clip(
        path=Path(path),
        corpus="enterface05",
        native_label=LABELS[code],
        emotion=emotion,
        speaker=f"enterface05_{subject}",
        clip_id=f"enterface05/s{subject}_{code}_{sentence}",
        language="en",
        sentence=f"enterface05_{code}_{sentence}",
    )


@pytest.mark.real
def test_every_official_name_but_the_long_takes_of_subject_6(names_list):
    rows = names_list("enterface05")
    clips = []
    for row in rows:
        clip = parse(Path(row["path"]))
        if row["speaker"] == "subject 6":
            assert clip is None
            continue
        clips.append(clip)
        assert (clip.native_label, clip.speaker) == (
            LABELS[row["label"]],
            row["speaker"].replace("subject ", "enterface05_"),
        )
        assert (clip.sex, row["sex"]) == (None, "unknown")
    assert len({clip.clip_id for clip in clips}) == len(clips) == len(rows) - 6 == 1257
    assert Counter(clip.native_label for clip in clips) == CORPORA["enterface05"].expected
    assert len({clip.speaker for clip in clips}) == 42
    for protocol, unit in (("emobox", "clip"), ("nkululeko", "speaker")):
        entry = CORPORA["enterface05"].folds[protocol]
        ids = {clip.clip_id if unit == "clip" else clip.speaker for clip in clips}
        assert entry.unit == unit
        assert {f"enterface05{'/' if unit == 'clip' else '_'}{m}" for m in entry.folds[1].test} <= ids


def test_published_folds():
    folds = CORPORA["enterface05"].folds
    assert {protocol: len(entry.folds[1].test) for protocol, entry in folds.items()} == {"emobox": 311, "nkululeko": 8}
    assert folds["nkululeko"].folds[1].test == ("5", "7", "8", "9", "41", "42", "43", "44")


def test_every_layout_gives_the_same_clips_and_the_long_takes_are_reported(tmp_path, touch):
    names = [
        "subject 1/anger/sentence 1/s1_an_1.avi",
        "subject 11/fear/sentence 2/s12_fe_2.avi",
        "subject 3/fear/sentence 5/s_3_fe_5.avi",
    ]
    takes = ["enterface/subject 6/anger/s6_an.avi", "enterface/subject 6/fear/s6_fe.avi"]
    litter = ["enterface/subject 1/anger/Thumbs.db", "__MACOSX/s1_an_2.avi", "enterface/subject 1/._s1_an_1.avi"]
    waves = ["enterface wave/s1_an_1.wav", "enterface wave/s12_fe_2.wav", "enterface wave/subject 3/s3_fe_5.wav"]
    found = scan(
        CORPORA["enterface05"], touch(tmp_path, *(f"enterface/{name}" for name in names), *takes, *litter, *waves)
    )
    assert {clip.clip_id for clip in found.clips} == {
        "enterface05/s1_an_1",
        "enterface05/s11_fe_2",
        "enterface05/s3_fe_5",
    }
    assert [clip.path.suffix for clip in found.clips] == [".wav"] * 3  # audio goes before video
    assert len(found.copies) == 3
    assert found.foreign == tuple(tmp_path / take for take in takes)
    assert f"2 audio files are not of this corpus, e.g. {takes[0]}" in " ".join(found.remarks())


@pytest.mark.parametrize("stem", ["s6_an", "s1_an_12", "1_an_1", "s1_anger_1", "s1-an-1", "s1_an_1_x"])
def test_other_names_are_foreign(stem):
    assert parse(Path(f"subject 1/anger/{stem}.avi")) is None


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("subject 1/s1_ne_1.avi", "emotion code 'ne'; expected one of an, di"),
        ("subject 45/s1_an_1.avi", "subject 45; expected 1 to 44"),
        ("s0_an_1.avi", "subject 0; expected 1 to 44"),
        ("subject 1/s1_an_6.avi", "sentence 6; expected 1 to 5"),
        ("subject 1/s1_an_0.avi", "sentence 0; expected 1 to 5"),
    ],
)
def test_an_unknown_code_is_refused_with_the_path(path, what):
    with pytest.raises(CorpusError, match=re.escape(f"{path}: unknown eNTERFACE'05 {what}")):
        parse(Path(path))
