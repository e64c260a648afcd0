"""SUBESCO names: sex and number are the speaker, and one name has a stray bracket."""

import re
from collections import Counter
from pathlib import Path

import pytest

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import CORPORA, scan
from ser_hf.corpora.subesco import parse
from ser_hf.records import Clip

NATIVE = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]


@pytest.mark.parametrize(
    ("path", "stem", "speaker", "sex", "native", "emotion", "sentence", "take"),
    [
        ("SUBESCO/F_01_OISHI_S_10_ANGRY_1.wav", "F_01_OISHI_S_10_ANGRY_1", "F01", "female", "angry", "angry", 10, 1),
        ("M_01_BASHIR_S_1_FEAR_5.flac", "M_01_BASHIR_S_1_FEAR_5", "M01", "male", "fear", "fearful", 1, 5),
        (
            "F_02_MONIKA_S_2_SURPRISE_3].wav",
            "F_02_MONIKA_S_2_SURPRISE_3",
            "F02",
            "female",
            "surprise",
            "surprised",
            2,
            3,
        ),
        ("SAD/m_10_evan_s_9_sad_2.WAV", "M_10_EVAN_S_9_SAD_2", "M10", "male", "sad", "sad", 9, 2),
    ],
)
def test_a_name_says_everything(path, stem, speaker, sex, native, emotion, sentence, take):
    assert parse(Path(path)) == Clip(
        path=Path(path),
        corpus="subesco",
        native_label=native,
        emotion=emotion,
        speaker=f"subesco_{speaker}",
        clip_id=f"subesco/{stem}",
        sex=sex,
        language="bn",
        sentence=f"subesco_{sentence}",
        repetition=take,
    )


@pytest.mark.real
def test_every_official_name(names_list):
    rows = names_list("subesco")
    clips = [parse(Path(row["path"])) for row in rows]
    for row, clip in zip(rows, clips, strict=True):
        assert clip is not None, row
        expected = (row["label"], f"subesco_{row['speaker']}", row["sex"])
        assert (clip.native_label, clip.speaker, clip.sex) == expected
    assert len({clip.clip_id for clip in clips}) == len(rows) == 7000
    assert Counter(clip.native_label for clip in clips) == CORPORA["subesco"].expected == dict.fromkeys(NATIVE, 1000)
    assert set(Counter(clip.speaker for clip in clips).values()) == {350}
    assert set(Counter(clip.sentence for clip in clips).values()) == {700}


def test_every_layout_gives_the_same_clips(tmp_path, touch):
    names = ["F_01_OISHI_S_10_ANGRY_1.wav", "F_02_MONIKA_S_2_SURPRISE_3].wav", "M_01_BASHIR_S_1_SAD_5.wav"]
    mended = ["flat/F_01_OISHI_S_10_ANGRY_1.mp3", "flat/F_02_MONIKA_S_2_SURPRISE_3.mp3"]
    litter = ["SUBESCO/._F_01_OISHI_S_10_ANGRY_1.wav", "__MACOSX/F_01_OISHI_S_10_ANGRY_2.wav", "hum.wav"]
    doubled = [f"SUBESCO/{folder}{name}" for folder in ("", "SUBESCO/") for name in names]
    found = scan(CORPORA["subesco"], touch(tmp_path, *doubled, *mended, *litter))
    assert sorted(clip.clip_id for clip in found.clips) == [
        "subesco/F_01_OISHI_S_10_ANGRY_1",
        "subesco/F_02_MONIKA_S_2_SURPRISE_3",
        "subesco/M_01_BASHIR_S_1_SAD_5",
    ]
    assert len(found.copies) == 5
    assert found.foreign == (tmp_path / "hum.wav",)


def test_published_folds_divide_the_twenty_speakers():
    folds = CORPORA["subesco"].folds
    speakers = {f"{sex}{number:02d}" for sex in "FM" for number in range(1, 11)}
    assert set(folds) == {"emobox", "nkululeko", "audeering", "serab"}
    assert sorted(s for fold in folds["emobox"].folds.values() for s in fold.test) == sorted(speakers)
    assert folds["audeering"].folds[1].test == ("F02", "F07", "M05", "M07")
    assert folds["audeering"].folds[1].validation == ("F01", "F06", "M03", "M10")
    members = [s for entry in folds.values() for fold in entry.folds.values() for s in fold.test + fold.validation]
    assert set(members) == speakers


@pytest.mark.parametrize(
    "stem",
    ["F_1_OISHI_S_10_ANGRY_1", "F_01_S_10_ANGRY_1", "X_01_OISHI_S_10_ANGRY_1", "F_01_OISHI_S_10_ANGRY", "F01_ANGRY_1"],
)
def test_other_names_are_foreign(stem):
    assert parse(Path(f"SUBESCO/{stem}.wav")) is None


@pytest.mark.parametrize(
    ("stem", "what"),
    [
        ("F_01_OISHI_S_10_CALM_1", "emotion 'calm'; expected one of angry, disgust"),
        ("F_11_OISHI_S_10_ANGRY_1", "speaker 11; expected 1 to 10"),
        ("F_00_OISHI_S_10_ANGRY_1", "speaker 0; expected 1 to 10"),
        ("F_01_OISHI_S_11_ANGRY_1", "sentence 11; expected 1 to 10"),
        ("F_01_OISHI_S_10_ANGRY_6", "take 6; expected 1 to 5"),
    ],
)
def test_an_unknown_code_is_refused_with_the_path(stem, what):
    with pytest.raises(CorpusError, match=re.escape(f"SUBESCO/{stem}.wav: unknown SUBESCO {what}")):
        parse(Path(f"SUBESCO/{stem}.wav"))
