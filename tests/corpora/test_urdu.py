"""URDU names; SM1 and SF1 are two people."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import CORPORA, scan
from ser_hf.corpora.urdu import parse
from ser_hf.records import Clip

LABELS = {"A": "angry", "H": "happy", "N": "neutral", "S": "sad"}


@pytest.mark.parametrize(
    ("path", "stem", "speaker", "sex", "native"),
    [
        ("Angry/SM1_F10_A010.wav", "SM1_F10_A010", "SM1", "male", "angry"),
        ("URDU-Dataset-master/Happy/SF1_F11_H011.wav", "SF1_F11_H011", "SF1", "female", "happy"),
        ("Sad/SM25_F7_N07.wav", "SM25_F7_N07", "SM25", "male", "neutral"),
        ("sf11_f1_s03.MP3", "SF11_F1_S03", "SF11", "female", "sad"),
    ],
)
def test_a_name_says_everything(path, stem, speaker, sex, native):
    assert parse(Path(path)) == Clip(
        path=Path(path),
        corpus="urdu",
        native_label=native,
        emotion=native,
        speaker=f"urdu_{speaker}",
        clip_id=f"urdu/{stem}",
        sex=sex,
        language="ur",
    )


def official(shared_corpora: Path) -> list[dict[str, str]]:
    with (shared_corpora / "names/urdu.tsv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


@pytest.mark.real
def test_every_official_name(shared_corpora):
    rows = official(shared_corpora)
    clips = [parse(Path(row["path"])) for row in rows]
    for row, clip in zip(rows, clips, strict=True):
        assert clip is not None, row
        expected = (LABELS[row["label"]], f"urdu_{row['speaker']}", row["sex"])
        assert (clip.native_label, clip.speaker, clip.sex) == expected
        assert Path(row["path"]).parts[0].lower() == clip.native_label
    assert len({clip.clip_id for clip in clips}) == len(rows) == 400
    assert (
        Counter(clip.native_label for clip in clips) == CORPORA["urdu"].expected == dict.fromkeys(LABELS.values(), 100)
    )
    assert len({clip.speaker for clip in clips}) == 29


@pytest.mark.real
def test_published_folds_name_official_clips(shared_corpora):
    names = {Path(row["path"]).stem for row in official(shared_corpora)}
    folds = CORPORA["urdu"].folds
    assert {protocol: (entry.unit, len(entry.folds[1].test)) for protocol, entry in folds.items()} == {
        "emobox": ("clip", 100),
        "nkululeko": ("clip", 80),
    }
    assert all(set(entry.folds[1].test) <= names for entry in folds.values())


def test_every_layout_gives_the_same_clips(tmp_path, touch):
    names = ["Angry/SM1_F10_A010.wav", "Sad/SF1_F2_S02.wav"]
    litter = ["Angry/._SM1_F10_A010.wav", "__MACOSX/SM1_F11_A011.wav", "Angry/.DS_Store", "Angry/jingle.wav"]
    copies = [*(f"URDU-Dataset-master/{name}" for name in names), "flat/SF1_F2_S02.flac"]
    found = scan(CORPORA["urdu"], touch(tmp_path, *names, *copies, *litter))
    assert [clip.clip_id for clip in found.clips] == ["urdu/SM1_F10_A010", "urdu/SF1_F2_S02"]
    assert len(found.copies) == 3
    assert found.foreign == (tmp_path / "Angry/jingle.wav",)


@pytest.mark.parametrize(
    "stem", ["SX1_F10_A010", "SM1_A010", "SM1_F10_A", "SM1_F10_AA010", "M1_F10_A010", "S_M1_F10_A1"]
)
def test_other_names_are_foreign(stem):
    assert parse(Path(f"Angry/{stem}.wav")) is None


def test_an_unknown_emotion_is_refused_with_the_path():
    message = "Angry/SM1_F10_F010.wav: unknown URDU emotion code 'F'; expected one of A, H, N, S"
    with pytest.raises(CorpusError, match=re.escape(message)):
        parse(Path("Angry/SM1_F10_F010.wav"))
