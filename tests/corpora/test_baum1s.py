"""BAUM-1: the labels are in a workbook or its CSV export, whose words are misspelt and at times contradict the code."""

import re
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import CORPORA, scan
from ser_hf.corpora.baum1s import read_spontaneous
from ser_hf.records import Clip

SPONTANEOUS, ACTED = CORPORA["baum1s"], CORPORA["baum1a"]
WORDS_1S = [
    ("1", "Anger", "angry"),
    ("2", "Boredom", "bored"),
    ("3", "Bothered", "bothered"),
    ("4", "Concentrating", "concentrating"),
    ("5", "Contempt", "contempt"),
    ("6", "Disgust", "disgust"),
    ("7", "Fear", "fearful"),
    ("8", "Happiness", "happy"),
    ("9", "Neutral", "neutral"),
    ("10", "Sadness", "sad"),
    ("11", "Surprise", "surprised"),
    ("12", "Thinking", "thinking"),
    ("13", "Unsure", "unsure"),
]
WORDS_1A = [
    ("1", "Anger", "angry"),
    ("2", "Boredom", "bored"),
    ("3", "Disgust", "disgust"),
    ("4", "Fear", "fearful"),
    ("5", "Happiness", "happy"),
    ("6", "Interest", "interested"),
    ("7", "Sadness", "sad"),
    ("8", "Surprise", "surprised"),
    ("9", "Unsure", "unsure"),
]
HEAD = ["No", "Subject", "Clip", "Clip Name", "Emotion", "Emotion Code"]
Rows = list[list[str]]


def row(name: str, word: str, code: str) -> list[str]:
    return ["17", name[3:4], name[-3:], name, word, code]


def workbook(path: Path, rows: Rows) -> Path:
    """A workbook as Excel writes it: texts and numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook()
    book.active.title = "sheet1"
    for cells in rows:
        book.active.append([int(cell) if cell.isdigit() else cell for cell in cells])
    book.save(path)
    return path


def export(path: Path, rows: Rows, delimiter: str = ",") -> Path:
    path.write_text("\ufeff" + "".join(delimiter.join(cells) + "\n" for cells in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("corpus", "words", "folder", "table"),
    [
        (SPONTANEOUS, WORDS_1S, "BAUM1s_MP4 - All", "Annotations_BAUM1s.xlsx"),
        (ACTED, WORDS_1A, "BAUM1a_MP4_all", "Annotations_BAUM1a.xlsx"),
    ],
    ids=["spontaneous", "acted"],
)
def test_every_label_by_way_of_the_official_workbook(corpus, words, folder, table, tmp_path, touch):
    names = [f"S001_{int(code):03d}" for code, _, _ in words]
    workbook(tmp_path / table, [HEAD, *(row(n, w, c) for n, (c, w, _) in zip(names, words, strict=True))])
    touch(tmp_path, *(f"{folder}/s001/{name}.mp4" for name in names))
    found = scan(corpus, tmp_path)
    assert [clip.path.stem for clip in found.clips] == names
    assert [(clip.native_label, clip.emotion) for clip in found.clips] == [(w.lower(), e) for _, w, e in words]
    assert found.clips[0] == Clip(
        path=tmp_path / f"{folder}/s001/S001_001.mp4",
        corpus=corpus.name,
        native_label="anger",
        emotion="angry",
        speaker="baum1s_S001",  # a person is one person in both parts
        clip_id=f"{corpus.name}/S001_001",
        sex="male",
        language="tr",
    )


@pytest.mark.parametrize(
    ("word", "code", "native", "emotion"),
    [
        ("Contepmt", "5", "contempt", "contempt"),
        ("sadness", "10", "sadness", "sad"),
        ("HAPPINESS", "8", "happiness", "happy"),
        ("?", "9", "neutral", "neutral"),
        ("Neutral", "", "neutral", "neutral"),
        ("", "7", "fear", "fearful"),
        ("Happiness", "9", "neutral", "undecided"),
    ],
)
@pytest.mark.parametrize("form", ["xlsx", "csv", "semicolons", "tsv"])
def test_the_code_decides_and_a_contradiction_is_undecided(form, word, code, native, emotion, tmp_path, touch):
    rows = [HEAD, row("S015_007", word, code)]
    if form == "xlsx":
        workbook(tmp_path / "Annotations_BAUM1s.xlsx", rows)
    else:
        name = f"Annotations_BAUM1s.{'tsv' if form == 'tsv' else 'csv'}"
        export(tmp_path / name, rows, {"csv": ",", "semicolons": ";", "tsv": "\t"}[form])
    (clip,) = scan(SPONTANEOUS, touch(tmp_path, "s015/S015_007.wav")).clips
    assert (clip.native_label, clip.emotion) == (native, emotion)


def test_two_rows_of_a_clip_that_differ_are_undecided(tmp_path, touch):
    rows = [row("S015_007", "Happiness", "8"), row("S015_008", "Fear", "7")]
    export(tmp_path / "Annotations_BAUM1s.csv", [*rows, rows[1], row("S015_007", "Neutral", "9")])
    clips = scan(SPONTANEOUS, touch(tmp_path, "S015_007.wav", "S015_008.wav")).clips
    assert [(clip.native_label, clip.emotion) for clip in clips] == [("happiness", "undecided"), ("fear", "fearful")]


def test_both_parts_in_one_folder_are_told_apart_by_their_tables(tmp_path, touch):
    workbook(tmp_path / "Annotations_BAUM1s.xlsx", [HEAD, row("S003_011", "Anger", "1")])
    workbook(tmp_path / "Annotations_BAUM1a_fixed.xlsx", [HEAD, row("S003_001", "Anger", "1")])
    touch(tmp_path, "BAUM1s_MP4 - All/s003/S003_011.mp4", "BAUM1a_MP4_all/s003/S003_001.mp4", "S003_099.mp4")
    for corpus, name in ((SPONTANEOUS, "S003_011"), (ACTED, "S003_001")):
        found = scan(corpus, tmp_path)
        assert [clip.path.stem for clip in found.clips] == [name]
        assert len(found.foreign) == 2


def test_extracted_sound_goes_before_the_video(tmp_path, touch):
    workbook(tmp_path / "x/Annotations_BAUM1s.xlsx", [HEAD, row("S003_011", "Anger", "1")])
    touch(tmp_path, "s003/S003_011.mp4", "s003/s003_011.WAV", "s003/._S003_011.mp4", "~$Annotations_BAUM1s.xlsx")
    found = scan(SPONTANEOUS, tmp_path)
    assert [clip.path.name for clip in found.clips] == ["s003_011.WAV"]
    assert (len(found.copies), found.foreign) == (1, ())


def test_the_users_export_goes_before_the_workbook(tmp_path, touch):
    workbook(tmp_path / "Annotations_BAUM1s.xlsx", [HEAD, row("S003_011", "Anger", "1")])
    export(tmp_path / "Annotations_BAUM1s.csv", [HEAD, row("S003_011", "Fear", "7")])
    (clip,) = scan(SPONTANEOUS, touch(tmp_path, "S003_011.wav")).clips
    assert clip.native_label == "fear"


@pytest.mark.parametrize(
    ("subject", "sex"), [("S001", "male"), ("S024", "male"), ("S010", "female"), ("S028", "female"), ("S031", None)]
)
def test_sex_where_it_is_known(subject, sex, tmp_path, touch):
    export(tmp_path / "Annotations_BAUM1s.csv", [row(f"{subject}_001", "Fear", "7")])
    (clip,) = scan(SPONTANEOUS, touch(tmp_path, f"{subject}_001.wav")).clips
    assert (clip.speaker, clip.sex) == (f"baum1s_{subject}", sex)


@pytest.mark.parametrize(
    ("corpus", "table"), [(SPONTANEOUS, "Annotations_BAUM1s.xlsx"), (ACTED, "Annotations_BAUM1a.xlsx")]
)
def test_without_the_table_it_says_what_was_looked_for(corpus, table, tmp_path, touch):
    touch(tmp_path, "S001_001.mp4", "notes.csv")
    message = f"corpus {corpus.name!r}: no label table; looked for {table} (or .csv) below {tmp_path}. Ask the authors"
    with pytest.raises(CorpusError, match=re.escape(message)):
        scan(corpus, tmp_path)


@pytest.mark.parametrize(
    ("word", "code", "message"),
    [
        ("Anger", "14", "label 'anger', code 14; expected a code from 1 to 13: anger, boredom"),
        ("Anger", "0", "label 'anger', code 0; expected a code"),
        ("xyz", "", "label 'xyz', code None; expected a code"),
        ("", "", "label '', code None; expected a code"),
    ],
)
def test_a_row_without_a_known_label_names_file_and_line(word, code, message, tmp_path, touch):
    touch(tmp_path, "S001_001.wav")
    rows = [HEAD, row("S001_001", word, code)]
    path = workbook(tmp_path / "Annotations_BAUM1s.xlsx", rows)
    with pytest.raises(CorpusError, match=re.escape(f"{path}, sheet1 row 2: {message}")):
        scan(SPONTANEOUS, tmp_path)
    path = export(tmp_path / "Annotations_BAUM1s.csv", rows)
    with pytest.raises(CorpusError, match=re.escape(f"{path}, line 2: {message}")):
        scan(SPONTANEOUS, tmp_path)


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"a,b\n\xff\xfe", b'"' + b"a" * 200_000])
def test_what_is_no_table_is_refused_with_its_path(content, tmp_path, touch):
    touch(tmp_path, "S001_001.wav")
    for name in ("Annotations_BAUM1s.xlsx", "Annotations_BAUM1s.csv"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CorpusError, match=re.escape(str(tmp_path / name))):
            scan(SPONTANEOUS, tmp_path)


ANY_NAME = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1)


@given(ANY_NAME | st.from_regex(r"S0[0-9]{2}_[0-9]{3}", fullmatch=True))
def test_no_name_breaks_the_parser(tmp_path_factory, stem):
    root = tmp_path_factory.mktemp("any")
    export(root / "Annotations_BAUM1s.csv", [row("S001_001", "Fear", "7")])
    clip = read_spontaneous(root)(Path(f"{stem}.wav"))
    assert clip is None or clip.clip_id == "baum1s/S001_001"
