"""The user's own recordings: sub-folders or a table, and one clear message for each thing that can be wrong."""

import json
import os
import re
from pathlib import Path

import pytest

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import CORPORA, scan

FOLDER = CORPORA["folder"]


def clips(root: Path) -> list[tuple[str, str, str, str | None]]:
    return [(c.clip_id, c.native_label, c.emotion, c.speaker) for c in scan(FOLDER, root).clips]


def test_a_sub_folder_is_a_label(tmp_path, touch):
    touch(tmp_path, "Anger/x.wav", "happy/1.flac", "happy/2.MP3", "happy/._1.flac", "happy/notes.txt", "NEUTRAL/z.ogg")
    assert clips(tmp_path) == [
        ("folder/Anger/x.wav", "Anger", "angry", None),
        ("folder/NEUTRAL/z.ogg", "NEUTRAL", "neutral", None),
        ("folder/happy/1.flac", "happy", "happy", None),
        ("folder/happy/2.MP3", "happy", "happy", None),
    ]


def test_a_nested_folder_is_a_speaker(tmp_path, touch):
    touch(tmp_path, "sad/ann/1.wav", "sad/ann/session2/1.wav", "sad/bob/1.wav", "sad/2.wav")
    assert clips(tmp_path) == [
        ("folder/sad/2.wav", "sad", "sad", None),
        ("folder/sad/ann/1.wav", "sad", "sad", "folder_ann"),
        ("folder/sad/ann/session2/1.wav", "sad", "sad", "folder_ann"),
        ("folder/sad/bob/1.wav", "sad", "sad", "folder_bob"),
    ]


@pytest.mark.parametrize(
    ("word", "emotion"),
    [
        ("anger", "angry"),
        ("Joy", "happy"),
        ("HAPPINESS", "happy"),
        ("sadness", "sad"),
        ("fear", "fearful"),
        ("disgusted", "disgust"),
        ("surprise", "surprised"),
        ("calmness", "calm"),
        ("excitement", "excited"),
        ("neutrality", "neutral"),
        ("fearful", "fearful"),
    ],
)
def test_common_words_for_an_emotion(tmp_path, word, emotion, touch):
    touch(tmp_path, f"{word}/a.wav")
    assert clips(tmp_path) == [(f"folder/{word}/a.wav", word, emotion, None)]


def test_a_word_that_nobody_knows_is_a_label_as_it_is(tmp_path, touch):
    touch(tmp_path, "happy/a.wav", "Wut/b.wav")
    assert clips(tmp_path) == [
        ("folder/Wut/b.wav", "Wut", "Wut", None),
        ("folder/happy/a.wav", "happy", "happy", None),
    ]


def test_sub_folders_called_like_splits_are_partitions(tmp_path, touch):
    touch(tmp_path, "train/sad/ann/a.wav", "dev/sad/b.wav", "Test/happy/c.wav")
    (tmp_path / ".cache").mkdir()
    found = scan(FOLDER, tmp_path).clips
    assert [(c.clip_id, c.partition, c.speaker) for c in found] == [
        ("folder/Test/happy/c.wav", "test", None),
        ("folder/dev/sad/b.wav", "validation", None),
        ("folder/train/sad/ann/a.wav", "train", "folder_ann"),
    ]


def test_an_audiofolder_with_a_table_in_every_split(tmp_path, touch):
    touch(tmp_path, "train/a.wav", "test/a.wav")
    (tmp_path / "train/metadata.csv").write_text("file_name,label\na.wav,sad\n")
    (tmp_path / "test/metadata.jsonl").write_text('{"file_name": "a.wav", "label": "happy"}\n')
    found = scan(FOLDER, tmp_path).clips
    assert [(c.clip_id, c.emotion, c.partition) for c in found] == [
        ("folder/test/a.wav", "happy", "test"),
        ("folder/train/a.wav", "sad", "train"),
    ]


def test_a_table_in_the_root_goes_before_folders_called_like_splits(tmp_path, touch):
    touch(tmp_path, "train/a.wav")
    (tmp_path / "metadata.csv").write_text("file_name,label,split\ntrain/a.wav,sad,Development\n")
    assert [c.partition for c in scan(FOLDER, tmp_path).clips] == ["validation"]


def test_a_clip_outside_a_sub_folder_is_refused(tmp_path, touch):
    touch(tmp_path, "a.wav")
    with pytest.raises(
        CorpusError, match=re.escape(f"{tmp_path}/a.wav: lies outside a sub-folder; expected {tmp_path}/<")
    ):
        scan(FOLDER, tmp_path)


def test_an_empty_folder_says_what_is_expected(tmp_path):
    with pytest.raises(
        CorpusError, match=r"no clip found .* Expected audio files named like <emotion>/clip\.wav, or a t"
    ):
        scan(FOLDER, tmp_path)


def test_a_name_that_is_not_utf8_is_still_a_clip(tmp_path, touch):
    touch(tmp_path, os.fsdecode(b"sad/\xe9.wav"))
    assert clips(tmp_path) == [("folder/sad/\\udce9.wav", "sad", "sad", None)]


ROWS = [
    {"path": "one.wav", "label": "Happy", "speaker": "ann", "sex": "Female", "language": "de", "sentence": "Hallo"},
    {"path": "sub/two.wav", "label": "fear", "speaker": "7", "sex": "male", "language": "", "sentence": ""},
    {"path": "sub/three.wav", "label": "sad", "speaker": "", "sex": "", "language": "", "sentence": ""},
]


def table(kind: str, rows: list[dict[str, str]], columns: dict[str, str] | None = None) -> str:
    """The rows as text; ``columns`` gives columns another name."""
    named = [{(columns or {}).get(key, key): value for key, value in row.items()} for row in rows]
    if kind == "jsonl":
        return "".join(json.dumps(row) + "\n" for row in named)
    between = {"csv": ",", "tsv": "\t"}[kind]
    return "".join(between.join(line) + "\r\n" for line in [named[0].keys(), *(row.values() for row in named)])


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("columns", [{}, {"path": "file", "label": "emotion"}, {"path": "file_name"}], ids=str)
def test_a_table(tmp_path, kind, mark, columns, touch):
    touch(tmp_path, "one.wav", "sub/two.wav", "sub/three.wav", "not_listed.wav")
    path = tmp_path / f"metadata.{kind}"
    path.write_text(mark + table(kind, ROWS, columns), "utf-8", newline="")
    assert scan(FOLDER, path).clips == scan(FOLDER, tmp_path).clips
    assert clips(tmp_path) == [
        ("folder/one.wav", "Happy", "happy", "folder_ann"),
        ("folder/sub/three.wav", "sad", "sad", None),
        ("folder/sub/two.wav", "fear", "fearful", "folder_7"),
    ]
    one, three, two = scan(FOLDER, tmp_path).clips
    assert (one.path, one.sex, one.language, one.sentence) == (tmp_path / "one.wav", "female", "de", "Hallo")
    assert (two.sex, two.language, two.sentence) == ("male", None, None)
    assert three.sex is None


def test_a_table_of_another_name_may_lie_anywhere(tmp_path, touch):
    touch(tmp_path, "clips/a.wav")
    (tmp_path / "mine.csv").write_text("path,label\nclips/a.wav,calm\n")
    assert clips(tmp_path / "mine.csv") == [("folder/clips/a.wav", "calm", "calm", None)]


def test_an_absolute_path_in_a_table(tmp_path, touch):
    touch(tmp_path, "clips/a.wav", "tables/t.csv")
    (tmp_path / "tables/t.csv").write_text(f"path,label\n{tmp_path}/clips/a.wav,calm\n")
    assert [clip.path for clip in scan(FOLDER, tmp_path / "tables/t.csv").clips] == [tmp_path / "clips/a.wav"]


def test_a_clip_listed_twice_is_counted_once(tmp_path, touch):
    touch(tmp_path, "a.wav")
    (tmp_path / "metadata.csv").write_text("path,label\na.wav,sad\na.wav,sad\n")
    found = scan(FOLDER, tmp_path)
    assert (len(found.clips), len(found.copies)) == (1, 1)


def test_empty_lines_are_passed_over(tmp_path, touch):
    touch(tmp_path, "a.wav")
    (tmp_path / "metadata.jsonl").write_text('\n{"path": "a.wav", "label": "sad"}\n\n')
    assert len(clips(tmp_path)) == 1


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (
            "csv",
            "file,words\na.wav,sad\n",
            r"no column with the label \(label, emotion, class \.\.\.\); columns found: file, words\. Name",
        ),
        (
            "csv",
            "label,speaker\nsad,1\n",
            r"no column with the path \(path, file, file_name \.\.\.\); columns",
        ),
        ("csv", "path,label\na.wav,\n", "line 2: the label is empty; fill it in"),
        ("csv", "path,label\na.wav,NaN\n", "line 2: the label is empty; fill it in"),
        ("csv", "path,label\na.wav\n", "line 2: the label is empty; fill it in"),
        ("csv", "path,label\n,sad\n", "line 2: the path is empty; give the file"),
        ("csv", "path,label\na.wav,sad,x\n", "line 2: 3 cells under 2 column names; quote a cell that holds the delim"),
        (
            "csv",
            "path,label\na.wav,sad\ngone.wav,sad\n",
            r"line 3: no file .*gone\.wav; paths are relative to the folder",
        ),
        ("csv", "path,label,sex\na.wav,sad,fem\n", "line 2: unknown sex 'fem'; expected female, male or nothing"),
        ("csv", "path,label,arousal\na.wav,sad,high\n", "line 2: arousal is 'high'; expected a number"),
        ("csv", "path,label,Label \na.wav,sad,sad\n", "the column 'label' is there twice; keep one"),
        (
            "csv",
            "path,label,emotion\na.wav,0,sad\n",
            "line 2: label '0' and emotion 'sad' could each be the label; keep",
        ),
        ("csv", "path,start,end,label\na.wav,1,1,sad\n", "line 2: the segment ends at 1 s and starts at 1 s"),
        ("csv", "path,start,end,label\na.wav,-1,1,sad\n", "line 2: start is '-1'; expected a time of 0 s or later"),
        ("csv", "path,start,label\na.wav,soon,sad\n", "line 2: start is 'soon'; expected seconds, such as 1.5, or a t"),
        ("csv", "path,label\n", "no clip found"),
        ("csv", "", "no clip found"),
        ("csv", b"path,label\na.wav,sad\x81\n", "not readable as CSV: "),
        ("jsonl", '{"path": "a.wav", "label": "sad"\n', "not readable as JSONL: "),
        ("jsonl", '{"path": ' + "[" * 100_000, "not readable as JSONL: "),
        ("jsonl", '{"path": "a.wav"}\n', "no column with the label"),
        ("jsonl", '{"path": "a.wav", "label": null}\n', "line 1: the label is empty"),
        ("jsonl", '["a.wav", "sad"]\n', r"line 1: expected an object, found \['a.wav', 'sad'\]"),
        ("jsonl", '{"path": "a.wav", "label": "sad"}\n7\n', "line 2: expected an object"),
    ],
)
def test_a_broken_table_is_refused_with_file_and_row(tmp_path, kind, text, message, touch):
    touch(tmp_path, "a.wav")
    path = tmp_path / f"metadata.{kind}"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CorpusError, match=message) as caught:
        scan(FOLDER, tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_a_file_that_is_no_table_is_refused(tmp_path, touch):
    touch(tmp_path, "list.txt")
    with pytest.raises(CorpusError, match=r"list\.txt: expected a folder or a table ending in \.csv, \.tsv, \.jsonl"):
        scan(FOLDER, tmp_path / "list.txt")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", list(",;\t|"))
def test_delimiter_encoding_and_case_of_the_columns_are_found(tmp_path, caplog, encoding, delimiter, touch):
    touch(tmp_path, "sub/ä.wav")
    lines = [("File Name", "EMOTION", "Spk", "Gender", "Lang"), (r"sub\ä.wav", "Angry", "Jörg", "M", "de")]
    text = "".join(delimiter.join(line) + "\r\n" for line in lines)
    (tmp_path / "metadata.csv").write_bytes(text.encode(encoding))
    (clip,) = scan(FOLDER, tmp_path).clips
    assert (clip.path, clip.clip_id) == (tmp_path / "sub/ä.wav", "folder/sub/ä.wav")
    assert (clip.emotion, clip.speaker, clip.sex, clip.language) == ("angry", "folder_Jörg", "male", "de")
    assert ("Windows-1252" in caplog.text) == (encoding == "cp1252")


def test_columns_that_are_not_used_are_named(tmp_path, caplog, touch):
    touch(tmp_path, "a.wav", "b.wav")
    (tmp_path / "metadata.csv").write_text("path,label,mic,take\na.wav,sad,x,1\nb.wav,sad,y,2\n")
    assert len(clips(tmp_path)) == 2
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path / 'metadata.csv'}: columns not used: mic, take"
    ]


@pytest.mark.real
@pytest.mark.parametrize("name", ["semicolons", "backslashes", "capital_headers_bom_crlf", "gender_column"])
def test_tables_as_people_bring_them(shared_data, name):
    found = scan(FOLDER, shared_data.parent / "cases" / "tables" / f"{name}.csv").clips
    ravdess = [CORPORA["ravdess"].parse(clip.path) for clip in found]
    assert len(found) == 6
    assert [clip.emotion for clip in found] == [clip.emotion for clip in ravdess]
    if name == "backslashes":
        assert {clip.speaker for clip in found} == {None}
    else:
        assert [clip.speaker[-2:] for clip in found] == [clip.speaker[-2:] for clip in ravdess]
    if name == "gender_column":
        assert [clip.sex for clip in found] == [clip.sex for clip in ravdess]


def test_on_request_rows_that_say_too_little_are_left_out_and_told(tmp_path, touch):
    touch(tmp_path, "happy/a.wav", "angr/b.wav", "c.wav")
    found = scan(FOLDER, tmp_path, skip_bad=True)
    assert [clip.clip_id for clip in found.clips] == ["folder/angr/b.wav", "folder/happy/a.wav"]
    assert [line.split(":")[0] for line in found.refused] == ["c.wav"]
    (tmp_path / "metadata.csv").write_text("path,label\nhappy/a.wav,joy\nangr/b.wav,\n")
    found = scan(FOLDER, tmp_path, skip_bad=True)
    assert [clip.clip_id for clip in found.clips] == ["folder/happy/a.wav"]
    assert "line 3: the label is empty" in found.refused[0]
    assert {why: [p.name for p in paths] for why, paths in found.strays.items()} == {
        "not in the table": ["c.wav"],
        "too little is known of it": ["b.wav"],
    }
