"""CaFE names; the folders are not read, as their accents are often garbled."""

import re
from collections import Counter
from pathlib import Path

import pytest

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import CORPORA, scan
from ser_hf.corpora.cafe import parse
from ser_hf.records import Clip

LABELS = {
    "c": "colère",
    "d": "dégoût",
    "j": "joie",
    "n": "neutre",
    "p": "peur",
    "s": "surprise",
    "t": "tristesse",
}
HORSE, BEARS = "Un cheval fou dans mon jardin", "Six ours aimants domestiqués"


@pytest.mark.parametrize(
    ("path", "stem", "native", "emotion", "sex", "age", "intensity", "sentence"),
    [
        ("CaFE_48k/Colère/Faible/01-C-1-1.wav", "01-C-1-1", "colère", "angry", "male", 46, "mild", HORSE),
        (
            "CaFE/CaFE_48k/D\u201ago\u2013t/Fort/02-D-2-1.wav",
            "02-D-2-1",
            "dégoût",
            "disgust",
            "female",
            64,
            "strong",
            HORSE,
        ),
        ("Neutre/12-N-1-6.wav", "12-N-1-6", "neutre", "neutral", "female", 37, None, BEARS),
        ("Joie/Fort/07-J-2-6.aiff", "07-J-2-6", "joie", "happy", "male", 15, "strong", BEARS),
        ("09-p-1-1.AIF", "09-P-1-1", "peur", "fearful", "male", 42, "mild", HORSE),
        ("Joie/10-S-1-1.wav", "10-S-1-1", "surprise", "surprised", "female", 20, "mild", HORSE),
        ("11-T-2-1.flac", "11-T-2-1", "tristesse", "sad", "male", 35, "strong", HORSE),
    ],
)
def test_a_name_says_everything(path, stem, native, emotion, sex, age, intensity, sentence):
    assert parse(Path(path)) == Clip(
        path=Path(path),
        corpus="cafe",
        native_label=native,
        emotion=emotion,
        speaker=f"cafe_{stem[:2]}",
        clip_id=f"cafe/{stem}",
        sex=sex,
        age=age,
        language="fr-CA",
        sentence=sentence,
        intensity=intensity,
    )


@pytest.mark.real
def test_every_official_name(names_list):
    rows = names_list("cafe")
    clips = [parse(Path(row["path"])) for row in rows]
    for row, clip in zip(rows, clips, strict=True):
        assert clip is not None, row
        expected = (LABELS[row["label"]], f"cafe_{row['speaker']}", row["sex"])
        assert (clip.native_label, clip.speaker, clip.sex) == expected
        folder = {"mild": "Faible", "strong": "Fort"}.get(clip.intensity, "Neutre")
        assert Path(row["path"]).parent.name == folder
    assert len({clip.clip_id for clip in clips}) == len(rows) == 936
    assert Counter(clip.native_label for clip in clips) == CORPORA["cafe"].expected


def test_every_layout_gives_the_same_clips(tmp_path, touch):
    names = ["Colère/Faible/01-C-1-1.wav", "Neutre/02-N-1-3.wav", "Peur/Fort/12-P-2-6.wav"]
    garbled = ["CaFE/CaFE_48k/ColŠre/Faible/01-C-1-1.wav", "192k/02-N-1-3.aiff", "flat/12-p-2-6.flac"]
    litter = ["CaFE_48k/Colère/._01-C-1-1.wav", "__MACOSX/01-C-1-2.wav", "readme.wav", "Readme.txt"]
    found = scan(CORPORA["cafe"], touch(tmp_path, *(f"CaFE_48k/{name}" for name in names), *garbled, *litter))
    assert sorted(clip.clip_id for clip in found.clips) == ["cafe/01-C-1-1", "cafe/02-N-1-3", "cafe/12-P-2-6"]
    assert len(found.copies) == 3
    assert found.foreign == (tmp_path / "readme.wav",)


def test_published_folds_divide_the_twelve_actors():
    folds = CORPORA["cafe"].folds
    assert set(folds) == {"emobox", "nkululeko", "serab"}
    tested = [actor for fold in folds["emobox"].folds.values() for actor in fold.test]
    assert sorted(tested) == [f"{actor:02d}" for actor in range(1, 13)]
    assert folds["emobox"].folds[1].test == ("01", "07", "08", "10")
    assert folds["nkululeko"].folds[1].test == ("11", "12")
    assert folds["serab"].folds[1].test == ("01", "04", "06")
    assert folds["serab"].folds[1].validation == ("08", "10")


@pytest.mark.parametrize("stem", ["1-C-1-1", "01-C-1", "01-C-1-1-1", "01-CC-1-1", "01_C_1_1", "03-01-05-01-01-01-01"])
def test_other_names_are_foreign(stem):
    assert parse(Path(f"Colère/Faible/{stem}.wav")) is None


@pytest.mark.parametrize(
    ("stem", "what"),
    [
        ("01-X-1-1", "emotion code 'X'; expected one of C, D, J, N, P, S, T"),
        ("00-C-1-1", "actor 0; expected 1 to 12"),
        ("13-C-1-1", "actor 13; expected 1 to 12"),
        ("01-C-0-1", "intensity 0; expected 1 to 2"),
        ("01-C-3-1", "intensity 3; expected 1 to 2"),
        ("01-N-2-1", "intensity 2; expected 1 to 1"),
        ("01-C-1-0", "sentence 0; expected 1 to 6"),
        ("01-C-1-7", "sentence 7; expected 1 to 6"),
    ],
)
def test_an_unknown_code_is_refused_with_the_path(stem, what):
    with pytest.raises(CorpusError, match=re.escape(f"Fort/{stem}.wav: unknown CaFE {what}")):
        parse(Path(f"Fort/{stem}.wav"))
