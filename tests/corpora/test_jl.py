"""JL names: ten emotions by their names in the files, the sex not by a search for "male", transcripts beside clips."""

import re
from collections import Counter
from pathlib import Path

import pytest

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import CORPORA, scan
from ser_hf.corpora.jl import parse
from ser_hf.labels import get_scheme
from ser_hf.records import Clip

PRIMARY = ["angry", "excited", "happy", "neutral", "sad"]
SECONDARY = ["anxious", "apologetic", "assertive", "concerned", "encouraging"]
RAW = "Raw JL corpus (unchecked and unannotated)/JL(wav+txt)"


@pytest.mark.parametrize(
    ("path", "speaker", "sex", "native", "sentence", "repetition"),
    [
        (f"{RAW}/male1_angry_10a_1.wav", "male1", "male", "angry", "primary 10", 1),
        (f"archive/{RAW}/female1_sad_9a_2.wav", "female1", "female", "sad", "primary 9", 2),
        (f"{RAW.lower()}/female2_neutral_1b_1.wav", "female2", "female", "neutral", "primary 1", 3),
        ("JL_corpus/male2_happy_15b_2.wav", "male2", "male", "happy", "primary 15", 4),
        ("male2_excited_2a_1.flac", "male2", "male", "excited", "primary 2", 1),
        ("FEMALE1_Anxious_3A_1.WAV", "female1", "female", "anxious", "secondary 3", 1),
        ("male1_apologetic_4b_1.mp3", "male1", "male", "apologetic", "secondary 4", 3),
        ("male1_assertive_5b_1.wav", "male1", "male", "assertive", "secondary 5", 3),
        ("female1/male1_concerned_6b_1.wav", "male1", "male", "concerned", "secondary 6", 3),
        ("sad/male1_encouraging_7b_1.wav", "male1", "male", "encouraging", "secondary 7", 3),
    ],
)
def test_every_layout(path, speaker, sex, native, sentence, repetition):
    assert parse(Path(path)) == Clip(
        path=Path(path),
        corpus="jl",
        native_label=native,
        emotion=native,
        speaker=f"jl_{speaker}",
        clip_id=f"jl/{Path(path).stem.lower()}",
        sex=sex,
        language="en",
        sentence=sentence,
        repetition=repetition,
    )


@pytest.mark.real
def test_every_official_name(names_list):
    rows = names_list("jl")
    clips = [parse(Path(row["path"])) for row in rows]
    for row, clip in zip(rows, clips, strict=True):
        assert clip is not None, row
        assert (clip.native_label, clip.speaker, clip.sex) == (row["label"], f"jl_{row['speaker']}", row["sex"])
    assert len({clip.clip_id for clip in clips}) == 2400
    assert Counter(clip.native_label for clip in clips) == CORPORA["jl"].expected
    assert CORPORA["jl"].expected == dict.fromkeys([*PRIMARY, *SECONDARY], 240)
    assert set(Counter((c.speaker, c.emotion, c.sentence) for c in clips).values()) == {4}
    assert len({(c.speaker, c.emotion, c.sentence, c.repetition) for c in clips}) == 2400


def test_the_secondary_emotions_are_in_no_built_in_scheme():
    four = get_scheme("4class")
    assert [four.class_of(CORPORA["jl"].emotions[name]) for name in SECONDARY] == [None] * 5
    assert four.class_of(CORPORA["jl"].emotions["excited"]) == "happy"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"Tom beats that farmer", "Tom beats that farmer"),
        (b"\xef\xbb\xbf  Tom beats\r\n that\tfarmer \r\n", "Tom beats that farmer"),
        ("Māori".encode(), "Māori"),
        (b"caf\xe9", "café"),
        (b" \n", "primary 3"),
    ],
)
def test_the_transcript_beside_a_clip_is_its_sentence(tmp_path, data, sentence):
    (tmp_path / "male1_sad_3a_1.txt").write_bytes(data)
    assert parse(tmp_path / "male1_sad_3a_1.wav").sentence == sentence


def test_the_partial_copy_in_the_same_upload_is_counted_once(tmp_path):
    stems = [f"{s}_{e}_1a_1" for s in ("female1", "male1") for e in ("sad", "angry")]
    for folder, part in ((RAW, stems), (RAW.lower(), stems[:2]), ("__MACOSX", stems)):
        for stem in part:
            path = tmp_path / folder / f"{stem}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            path.with_suffix(".txt").write_text("Tom beats that farmer", encoding="utf-8")
    (tmp_path / RAW / "._male1_sad_1a_1.wav").touch()
    (tmp_path / "noise.wav").touch()
    found = scan(CORPORA["jl"], tmp_path)
    assert sorted(clip.clip_id for clip in found.clips) == sorted(f"jl/{stem}" for stem in stems)
    assert {clip.sentence for clip in found.clips} == {"Tom beats that farmer"}
    assert (len(found.copies), found.foreign) == (2, (tmp_path / "noise.wav",))


@pytest.mark.parametrize(
    "stem",
    ["male1_sad_3_1", "male1_sad_3c_1", "male1_sad_3a_3", "child1_sad_3a_1", "male1-sad-3a-1", "male1_sad_3a_1 (1)"],
)
def test_other_names_are_foreign(stem):
    assert parse(Path(f"{stem}.wav")) is None


@pytest.mark.parametrize(
    ("stem", "what"),
    [
        ("male3_sad_3a_1", "speaker male3; expected male1 or male2"),
        ("female0_sad_3a_1", "speaker female0; expected female1 or female2"),
        ("male1_pensive_3a_1", "emotion 'pensive'"),
        ("male1_sad_16a_1", "sentence 16; expected 1 to 15"),
        ("male1_sad_0a_1", "sentence 0; expected 1 to 15"),
    ],
)
def test_an_unknown_code_is_refused_with_the_path(stem, what):
    path = Path(f"JL_corpus/{stem}.wav")
    with pytest.raises(CorpusError, match=re.escape(f"{path}: unknown JL {what}")):
        parse(path)


def outcome(parse, path: Path) -> Clip | str | None:
    try:
        return parse(path)
    except CorpusError as error:
        return str(error)


def test_the_published_folds():
    folds = CORPORA["jl"].folds
    assert {n: fold.test for n, fold in folds["emobox"].folds.items()} == {
        1: ("male2",),
        2: ("female1",),
        3: ("male1",),
        4: ("female2",),
    }
    assert [fold.test for fold in folds["nkululeko"].folds.values()] == [("male2",)]
