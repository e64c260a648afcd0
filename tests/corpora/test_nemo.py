"""nEMO names, and the table of texts that may lie beside them."""

import re
from collections import Counter
from pathlib import Path

import pytest

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import CORPORA, scan
from ser_hf.corpora.nemo import parse
from ser_hf.records import Clip

HEADER = "file_id\temotion\traw_text\tnormalized_text\tspeaker_id\tgender\tage\n"
ROW = "EB0_anger_1.wav\tanger\tLubię czytać przed snem.\tlubię czytać przed snem\t        EB0\tfemale\t27\n"


@pytest.mark.parametrize(
    ("path", "stem", "native", "emotion", "sex", "age"),
    [
        ("samples/EB0_anger_1.wav", "EB0_anger_1", "anger", "angry", "female", 27),
        ("nEMO-main/samples/WR0_surprised_64.wav", "WR0_surprised_64", "surprised", "surprised", "male", 23),
        ("TP0_fear_90.flac", "TP0_fear_90", "fear", "fearful", "male", 26),
        ("kd0_Happiness_7.WAV", "KD0_happiness_7", "happiness", "happy", "female", 28),
        ("samples/MP0_neutral_12.wav", "MP0_neutral_12", "neutral", "neutral", "male", 24),
        ("samples/MK0_sadness_12.wav", "MK0_sadness_12", "sadness", "sad", "female", 23),
    ],
)
def test_a_name_says_everything(path, stem, native, emotion, sex, age):
    assert parse(Path(path)) == Clip(
        path=Path(path),
        corpus="nemo",
        native_label=native,
        emotion=emotion,
        speaker=f"nemo_{stem[:3]}",
        clip_id=f"nemo/{stem}",
        sex=sex,
        age=age,
        language="pl",
        sentence=f"nemo_{stem.split('_')[2]}",
    )


@pytest.mark.real
def test_every_official_name(names_list):
    rows = names_list("nemo")
    clips = [parse(Path(row["path"])) for row in rows]
    for row, clip in zip(rows, clips, strict=True):
        assert clip is not None, row
        expected = (row["label"], f"nemo_{row['speaker']}", row["sex"])
        assert (clip.native_label, clip.speaker, clip.sex) == expected
    assert len({clip.clip_id for clip in clips}) == len(rows) == 4481
    assert Counter(clip.native_label for clip in clips) == CORPORA["nemo"].expected
    assert len({clip.sentence for clip in clips}) == 90


def test_the_published_fold_names_known_speakers():
    assert set(CORPORA["nemo"].folds) == {"nkululeko"}
    entry = CORPORA["nemo"].folds["nkululeko"]
    assert (entry.unit, entry.folds[1].test, entry.folds[1].validation) == ("speaker", ("EB0", "IC0"), ("MK0",))


def test_every_layout_gives_the_same_clips(tmp_path, touch):
    names = ["samples/EB0_anger_1.wav", "samples/WR0_fear_2.wav"]
    litter = ["samples/._EB0_anger_1.wav", "__MACOSX/EB0_anger_2.wav", "samples/.DS_Store", "samples/test.wav"]
    copies = [*(f"nEMO-main/{name}" for name in names), "flat/WR0_fear_2.mp3"]
    found = scan(CORPORA["nemo"], touch(tmp_path, *names, *copies, *litter))
    assert sorted(clip.clip_id for clip in found.clips) == ["nemo/EB0_anger_1", "nemo/WR0_fear_2"]
    assert len(found.copies) == 3
    assert found.foreign == (tmp_path / "samples/test.wav",)


@pytest.mark.parametrize("start", ["", "\ufeff"], ids=["plain", "byte order mark"])
def test_texts_come_from_the_table(tmp_path, start, touch):
    touch(tmp_path, "nEMO-main/samples/EB0_anger_1.wav", "nEMO-main/samples/WR0_anger_1.wav")
    (tmp_path / "nEMO-main/data.tsv").write_text(start + HEADER + ROW, encoding="utf-8")
    (tmp_path / "other.tsv").write_text("not the table", encoding="utf-8")
    clips = scan(CORPORA["nemo"], tmp_path).clips
    assert [clip.sentence for clip in clips] == ["Lubię czytać przed snem.", "nemo_1"]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"file\ttext\na.wav\tb\n", "line 2: expected the columns file_id and raw_text to be filled"),
        ((HEADER + ROW + "EB0_anger_2.wav\tanger\n").encode(), "line 3: expected the columns file_id and raw_text"),
        ((HEADER + ROW).encode() + b"EB0_anger_2.wav\tanger\t\xb1\n", "not readable as TSV in UTF-8"),
    ],
    ids=["columns", "short row", "not UTF-8"],
)
def test_a_malformed_table_is_refused_with_its_line(tmp_path, content, what, touch):
    touch(tmp_path, "samples/EB0_anger_1.wav")
    (tmp_path / "data.tsv").write_bytes(content)
    with pytest.raises(CorpusError, match=rf"^{re.escape(str(tmp_path / 'data.tsv'))}, line \d+: ") as caught:
        scan(CORPORA["nemo"], tmp_path)
    assert what in str(caught.value)


@pytest.mark.parametrize("stem", ["EB_anger_1", "EB0_anger", "EB0_anger_1a", "EB0-anger-1", "EBX0_anger_1", "EB0_4_1"])
def test_other_names_are_foreign(stem):
    assert parse(Path(f"samples/{stem}.wav")) is None


@pytest.mark.parametrize(
    ("stem", "what"),
    [
        ("EB0_disgust_1", "emotion 'disgust'; expected one of anger, fear"),
        ("XX0_anger_1", "speaker 'XX0'; expected one of EB0, IC0"),
        ("EB1_anger_1", "speaker 'EB1'; expected one of EB0, IC0"),
    ],
)
def test_an_unknown_code_is_refused_with_the_path(stem, what):
    with pytest.raises(CorpusError, match=re.escape(f"samples/{stem}.wav: unknown nEMO {what}")):
        parse(Path(f"samples/{stem}.wav"))
