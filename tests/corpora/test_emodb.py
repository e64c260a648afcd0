"""EMO-DB names: the takes of the first release, not those added later, and no laryngograms."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import CORPORA, scan
from ser_hf.corpora.emodb import parse
from ser_hf.labels import SCHEMES
from ser_hf.records import Clip

OFFICIAL = {"anger": 127, "boredom": 81, "neutral": 79, "happiness": 71, "fear": 69, "sadness": 62, "disgust": 46}
AGES = dict(
    zip(
        ("03", "08", "09", "10", "11", "12", "13", "14", "15", "16"),
        (31, 34, 21, 32, 26, 30, 32, 35, 25, 31),
        strict=True,
    )
)
MEN = {"03", "10", "11", "12", "15"}
LAPPEN, TUETEN = "Der Lappen liegt auf dem Eisschrank.", "Was sind denn das für Tüten, die da unter dem Tisch stehen?"


@pytest.mark.parametrize(
    ("path", "take", "native", "emotion", "sentence", "repetition"),
    [
        ("wav/03a01Fa.wav", "03a01Fa", "happiness", "happy", LAPPEN, 1),
        ("berlin-database-of-emotional-speech-emodb/wav/03a01Nc.wav", "03a01Nc", "neutral", "neutral", LAPPEN, 3),
        ("wav_corpus/03a01Wa.flac", "03a01Wa", "anger", "angry", LAPPEN, 1),
        ("Angry/03b01Lb.wav", "03b01Lb", "boredom", "bored", TUETEN, 2),
        ("audio/08b01Aaxx.wav", "08b01Aa", "fear", "fearful", TUETEN, 1),
        ("09A01EA.WAV", "09a01Ea", "disgust", "disgust", LAPPEN, 1),
        ("emodb/wav/03b01Td.mp3", "03b01Td", "sadness", "sad", TUETEN, 4),
    ],
)
def test_every_layout(path, take, native, emotion, sentence, repetition):
    assert parse(Path(path)) == Clip(
        path=Path(path),
        corpus="emodb",
        native_label=native,
        emotion=emotion,
        speaker=f"emodb_{take[:2]}",
        clip_id=f"emodb/{take}",
        sex="male" if take[:2] in MEN else "female",
        language="de",
        sentence=sentence,
        repetition=repetition,
        age=AGES[take[:2]],
    )


@pytest.fixture(scope="module")
def rows(shared_corpora):
    with (shared_corpora / "names/emodb.tsv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


@pytest.mark.real
def test_every_official_name(rows):
    clips = [parse(Path(row["path"])) for row in rows]
    for row, clip in zip(rows, clips, strict=True):
        assert clip is not None, row
        assert (clip.native_label, clip.speaker, clip.sex) == (row["label"], f"emodb_{row['speaker']}", row["sex"])
        assert clip.age == AGES[row["speaker"]]
    assert {clip.clip_id for clip in clips} == {f"emodb/{Path(row['path']).stem}" for row in rows}
    assert len(rows) == 535
    assert Counter(clip.native_label for clip in clips) == OFFICIAL == CORPORA["emodb"].expected
    assert len({clip.sentence for clip in clips}) == 10


@pytest.mark.real
def test_every_name_the_grammar_allows_is_official_or_left_out(rows):
    official = {Path(row["path"]).stem for row in rows}
    texts = ("a01", "a02", "a04", "a05", "a07", "b01", "b02", "b03", "b09", "b10")
    names = [f"{s}{t}{e}{v}" for s in AGES for t in texts for e in "WLEAFTN" for v in "abcdefgh"]
    assert {name for name in names if parse(Path(f"wav/{name}.wav")) is not None} == official


def test_boredom_is_kept_as_such_and_no_built_in_scheme_has_it():
    assert CORPORA["emodb"].emotions["boredom"] == "bored"
    assert {scheme.class_of("bored") for scheme in SCHEMES.values()} == {None}


def test_the_second_version_gives_the_first_without_laryngograms(tmp_path):
    for name in (
        "wav/03a01Fa.wav",
        "wav/03a01Fb.wav",
        "laryngo/03a01Fa.wav",
        "Laryngo/03a01Nc.wav",
        "audio/03a01Ncxx.wav",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"longer" if "aryngo" in name else b"")
    found = scan(CORPORA["emodb"], tmp_path)
    assert [clip.path.relative_to(tmp_path).as_posix() for clip in found.clips] == [
        "audio/03a01Ncxx.wav",
        "wav/03a01Fa.wav",
    ]
    assert (len(found.foreign), found.copies) == (3, ())


def test_the_corpus_twice_with_litter(tmp_path):
    for name in (
        "wav/03a01Fa.wav",
        "wav/wav/03a01Fa.wav",
        "wav/._03a01Nc.wav",
        "__MACOSX/03a01Nc.wav",
        "erkennung.txt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = scan(CORPORA["emodb"], tmp_path)
    assert [clip.clip_id for clip in found.clips] == ["emodb/03a01Fa"]
    assert found.copies == ((tmp_path / "wav/03a01Fa.wav", tmp_path / "wav/wav/03a01Fa.wav"),)


@pytest.mark.parametrize("stem", ["3a01Fa", "03c01Fa", "03a1Fa", "03a01F", "03a01Fax", "03a01Fa_2", "03a01Fa "])
def test_other_names_are_foreign(stem):
    assert parse(Path(f"wav/{stem}.wav")) is None


@pytest.mark.parametrize(
    ("stem", "what"), [("04a01Fa", "speaker '04'"), ("03a03Fa", "text 'a03'"), ("03a01Xa", "emotion 'X'")]
)
def test_an_unknown_code_is_refused_with_the_path(stem, what):
    with pytest.raises(CorpusError, match=re.escape(f"wav/{stem}.wav: unknown EMO-DB {what}")):
        parse(Path(f"wav/{stem}.wav"))


def outcome(parse, path: Path) -> Clip | str | None:
    try:
        return parse(path)
    except CorpusError as error:
        return str(error)


@pytest.mark.real
def test_the_published_folds(rows):
    folds = CORPORA["emodb"].folds
    emobox = folds["emobox"]
    tested = [clip for fold in emobox.folds.values() for clip in fold.test]
    assert emobox.unit == "clip"
    assert [len(fold.test) for fold in emobox.folds.values()] == [107] * 5
    assert sorted(tested) == sorted(Path(row["path"]).stem for row in rows)
    for name in ("autrainer", "audeering", "serab"):
        (fold,) = folds[name].folds.values()
        assert folds[name].unit == "speaker"
        assert set(fold.test) | set(fold.validation) < set(AGES)
        assert not set(fold.test) & set(fold.validation)
    assert folds["autrainer"].folds[1].test == ("15", "16")
