"""EMOVO names, lower case as released: emotion, speaker and sentence."""

import re
from collections import Counter
from pathlib import Path

import pytest

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import CORPORA, scan
from ser_hf.corpora.emovo import parse
from ser_hf.records import Clip

LABELS = {
    "neu": "neutrale",
    "dis": "disgusto",
    "gio": "gioia",
    "pau": "paura",
    "rab": "rabbia",
    "sor": "sorpresa",
    "tri": "tristezza",
}


@pytest.mark.parametrize(
    ("path", "stem", "native", "emotion", "sex", "age", "sentence"),
    [
        ("EMOVO/f1/dis-f1-b1.wav", "dis-f1-b1", "disgusto", "disgust", "female", 28, "Gli operai si alzano presto"),
        ("Dataset/f2/gio-f2-n1.wav", "gio-f2-n1", "gioia", "happy", "female", 23, "La casa forte vuole col pane"),
        ("rab-m1-d1.flac", "rab-m1-d1", "rabbia", "angry", "male", 30, "Sabato sera cosa farà?"),
        (
            "M2/PAU-M2-L4.WAV",
            "pau-m2-l4",
            "paura",
            "fearful",
            "male",
            27,
            "Vorrei il numero telefonico del Signor Piatti",
        ),
        ("m1/sor-m3-b3.wav", "sor-m3-b3", "sorpresa", "surprised", "male", 30, "La cascata fa molto rumore"),
        ("f3/tri-f3-d2.wav", "tri-f3-d2", "tristezza", "sad", "female", 25, "Porti con te quella cosa?"),
        ("f3/neu-f3-b2.wav", "neu-f3-b2", "neutrale", "neutral", "female", 25, "I vigili sono muniti di pistola"),
    ],
)
def test_a_name_says_everything(path, stem, native, emotion, sex, age, sentence):
    assert parse(Path(path)) == Clip(
        path=Path(path),
        corpus="emovo",
        native_label=native,
        emotion=emotion,
        speaker=f"emovo_{stem[4:6]}",
        clip_id=f"emovo/{stem}",
        sex=sex,
        age=age,
        language="it",
        sentence=sentence,
    )


@pytest.mark.real
def test_every_official_name(names_list):
    rows = names_list("emovo")
    clips = [parse(Path(row["path"])) for row in rows]
    for row, clip in zip(rows, clips, strict=True):
        assert clip is not None, row
        expected = (LABELS[row["label"]], f"emovo_{row['speaker']}", row["sex"])
        assert (clip.native_label, clip.speaker, clip.sex) == expected
    assert len({clip.clip_id for clip in clips}) == len(rows) == 588
    assert (
        Counter(clip.native_label for clip in clips) == CORPORA["emovo"].expected == dict.fromkeys(LABELS.values(), 84)
    )
    assert set(Counter(clip.sentence for clip in clips).values()) == {42}


def test_every_layout_gives_the_same_clips(tmp_path, touch):
    stems = ["dis-f1-b1", "gio-m2-l3", "neu-f3-n5"]
    nested = [f"EMOVO/{stem[4:6]}/{stem}.wav" for stem in stems]
    litter = [
        "EMOVO/f1/._dis-f1-b1.wav",
        "__MACOSX/f1/rab-f1-b1.wav",
        ".DS_Store",
        "Documents/EMOVO.pdf",
        "EMOVO/noise.wav",
    ]
    found = scan(CORPORA["emovo"], touch(tmp_path, *nested, *(f"flat/{stem}.flac" for stem in stems), *litter))
    assert sorted(clip.clip_id for clip in found.clips) == [f"emovo/{stem}" for stem in stems]
    assert len(found.copies) == 3
    assert found.foreign == (tmp_path / "EMOVO/noise.wav",)


def test_emobox_leaves_one_speaker_out():
    folds = CORPORA["emovo"].folds
    assert set(folds) == {"emobox", "nkululeko"}
    assert [fold.test for fold in folds["emobox"].folds.values()] == [
        ("f2",),
        ("m3",),
        ("m2",),
        ("f3",),
        ("f1",),
        ("m1",),
    ]
    assert {(entry.unit, fold.validation) for entry in folds.values() for fold in entry.folds.values()} == {
        ("speaker", ())
    }
    assert folds["nkululeko"].folds[1].test == ("f3",)


@pytest.mark.parametrize(
    "stem", ["dis-f1", "disf1b1", "dis-f1-b1-2", "disg-f1-b1", "dis_f1_b1", "03-01-05-01-01-01-01"]
)
def test_other_names_are_foreign(stem):
    assert parse(Path(f"f1/{stem}.wav")) is None


@pytest.mark.parametrize(
    ("stem", "what"),
    [
        ("cal-f1-b1", "emotion code 'cal'; expected one of neu, dis"),
        ("dis-f4-b1", "speaker code 'f4'; expected one of f1, f2"),
        ("dis-x1-b1", "speaker code 'x1'; expected one of f1, f2"),
        ("dis-f1-b4", "sentence code 'b4'; expected one of b1, b2"),
        ("dis-f1-l5", "sentence code 'l5'; expected one of b1, b2"),
    ],
)
def test_an_unknown_code_is_refused_with_the_path(stem, what):
    with pytest.raises(CorpusError, match=re.escape(f"f1/{stem}.wav: unknown EMOVO {what}")):
        parse(Path(f"f1/{stem}.wav"))
