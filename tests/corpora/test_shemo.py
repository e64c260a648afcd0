"""ShEMO names: F is a sex in the first place and fear in the fourth."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import CORPORA, scan
from ser_hf.corpora.shemo import parse
from ser_hf.records import Clip

LABELS = {"anger": 1042, "fear": 32, "happiness": 203, "neutral": 1160, "sadness": 362, "surprise": 201}


@pytest.mark.parametrize(
    ("path", "stem", "sex", "native", "emotion"),
    [
        ("female/F01A01.wav", "F01A01", "female", "anger", "angry"),
        ("female/F31F02.wav", "F31F02", "female", "fear", "fearful"),
        ("male/M56H100.wav", "M56H100", "male", "happiness", "happy"),
        ("M36N02.mp3", "M36N02", "male", "neutral", "neutral"),
        ("female/m36s02.WAV", "M36S02", "male", "sadness", "sad"),
        ("modified/F05W03.flac", "F05W03", "female", "surprise", "surprised"),
    ],
)
def test_a_name_says_everything(path, stem, sex, native, emotion):
    assert parse(Path(path)) == Clip(
        path=Path(path),
        corpus="shemo",
        native_label=native,
        emotion=emotion,
        speaker=f"shemo_{stem[:3]}",
        clip_id=f"shemo/{stem}",
        sex=sex,
        language="fa",
    )


def clips_of(table: Path) -> list[Clip]:
    """The clips of a list of names; each has the emotion, speaker and sex of its row."""
    with table.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    clips = [parse(Path(row["path"])) for row in rows]
    for row, clip in zip(rows, clips, strict=True):
        assert clip is not None, row
        assert (clip.emotion, clip.speaker, clip.sex) == (row["label"], f"shemo_{row['speaker']}", row["sex"])
    return clips


@pytest.mark.real
def test_every_official_name(shared_corpora):
    clips = clips_of(shared_corpora / "names/shemo.tsv")
    assert len({clip.clip_id for clip in clips}) == len(clips) == 3000
    assert Counter(clip.native_label for clip in clips) == CORPORA["shemo"].expected == LABELS
    assert Counter(speaker[6] for speaker in {clip.speaker for clip in clips}) == {"F": 31, "M": 56}
    folds = CORPORA["shemo"].folds
    assert {f"shemo/{m}" for m in folds["emobox"].folds[1].test} <= {clip.clip_id for clip in clips}
    assert {f"shemo_{m}" for m in folds["nkululeko"].folds[1].test} <= {clip.speaker for clip in clips}


@pytest.mark.real
def test_the_modified_edition_is_a_part_of_the_official_one(shared_corpora):
    official, modified = (
        {clip.clip_id: clip for clip in clips_of(shared_corpora / f"names/{name}.tsv")}
        for name in ("shemo", "shemo_modified")
    )
    assert len(modified) == 2838
    assert modified.items() <= official.items()
    assert {f"shemo/{m}" for m in CORPORA["shemo"].folds["emobox"].folds[1].test} <= set(modified)


def test_published_folds():
    folds = CORPORA["shemo"].folds
    sizes = {protocol: (entry.unit, len(entry.folds[1].test)) for protocol, entry in folds.items()}
    assert sizes == {"emobox": ("clip", 707), "nkululeko": ("speaker", 4)}
    assert folds["nkululeko"].folds[1].test == ("M12", "M25", "F07", "F24")


def test_every_layout_gives_the_same_clips(tmp_path, touch):
    names = ["female/F01A01.wav", "male/M36S02.wav"]
    litter = ["female/._F01A01.wav", "__MACOSX/F01A02.wav", "male/.DS_Store", "male/beep.wav", "shemo.json"]
    copies = [*(f"shemo/{name}" for name in names), "flat/m36s02.flac"]
    found = scan(CORPORA["shemo"], touch(tmp_path, *names, *copies, *litter))
    assert [clip.clip_id for clip in found.clips] == ["shemo/F01A01", "shemo/M36S02"]
    assert [clip.sentence for clip in found.clips] == [None, None]
    assert len(found.copies) == 3
    assert found.foreign == (tmp_path / "male/beep.wav",)


def test_transcripts_beside_the_recordings_are_read(tmp_path, touch):
    touch(tmp_path, "female/F01A01.wav", "female/F01A02.wav", "female/F01A03.wav")
    touch(tmp_path, "transcript/final text/F01A02.ort", "transcript/final script/F01A03.tra")
    (tmp_path / "transcript/final text/F01A01.ort").write_text("\ufeffخوبم، ممنونم\n", encoding="utf-8")
    assert [clip.sentence for clip in scan(CORPORA["shemo"], tmp_path).clips] == ["خوبم، ممنونم", None, None]


def test_a_transcript_that_is_not_utf8_is_refused_with_its_line(tmp_path, touch):
    touch(tmp_path, "F01A01.wav", "F01A01.ort")
    (tmp_path / "F01A01.ort").write_bytes("سلام\n".encode() + b"\xd3\xe1\xc7\xe3")
    with pytest.raises(
        CorpusError, match=re.escape(f"{tmp_path / 'F01A01.ort'}, line 2: expected a transcript in UTF-8")
    ):
        scan(CORPORA["shemo"], tmp_path)


@pytest.mark.parametrize("stem", ["X01A01", "F1A01", "F01A1", "F01A0001", "F01AA01", "F01_A01", "F01A01 copy"])
def test_other_names_are_foreign(stem):
    assert parse(Path(f"female/{stem}.wav")) is None


@pytest.mark.parametrize(
    ("stem", "what"),
    [
        ("F01D01", "emotion code 'D'; expected one of A, F, H, N, S, W"),
        ("F32A01", "speaker F32; expected F01 to F31"),
        ("M57A01", "speaker M57; expected M01 to M56"),
        ("M00A01", "speaker M00; expected M01 to M56"),
    ],
)
def test_an_unknown_code_is_refused_with_the_path(stem, what):
    with pytest.raises(CorpusError, match=re.escape(f"male/{stem}.wav: unknown ShEMO {what}")):
        parse(Path(f"male/{stem}.wav"))
