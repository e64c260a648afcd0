"""Corpora of one's own under any name: segments, spellings of columns, and what a YAML file beside a table says."""

import re
from pathlib import Path

import openpyxl
import pytest

from ser_hf.base.errors import CorpusError, SerHfError
from ser_hf.corpora import Reading, mistaken_for, own_corpus, scan


@pytest.fixture
def read(tmp_path, touch):
    """A function that writes a table beside files ``a.wav`` to ``d.wav`` and gives the clips."""
    touch(tmp_path, *(f"{name}.wav" for name in "abcd"))

    def read(text: str, reading: Reading | None = None, skip_bad: bool = False, name: str = "calls.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return scan(own_corpus("calls", path, reading), path, skip_bad)

    return read


def test_the_name_is_that_of_ids_and_speakers(read):
    (clip,) = read("Wav;Emotion;SPK;Gender;Split;Age;Text\na.wav;Joy;7;F;dev;31;hello\n").clips
    assert (clip.corpus, clip.clip_id, clip.speaker, clip.emotion) == ("calls", "calls/a.wav", "calls_7", "happy")
    assert (clip.sex, clip.partition, clip.age, clip.sentence) == ("female", "validation", 31, "hello")


def test_parts_of_a_file_are_clips_of_their_own(read):
    found = read(
        "file,start,end,label\na.wav,1.5,2.25,sad\na.wav,0,1.5,happy\nb.wav,,,sad\nc.wav,2,,sad\nd.wav,0,1,sad\n"
    )
    assert [(c.clip_id, c.start, c.end) for c in found.clips] == [
        ("calls/a.wav#t=0,1.5", 0.0, 1.5),
        ("calls/a.wav#t=1.5,2.25", 1.5, 2.25),
        ("calls/b.wav", None, None),
        ("calls/c.wav#t=2", 2.0, None),
        ("calls/d.wav#t=0,1", 0.0, 1.0),
    ]
    assert {c.source for c in found.clips} == {None}


def test_parts_that_overlap_under_one_label_name_the_first_of_them(read):
    found = read("file,start,end,label\na.wav,0,2,sad\na.wav,1,3,sad\na.wav,2.5,4,sad\na.wav,4,5,happy\n")
    assert [c.source for c in found.clips] == [None, "calls/a.wav#t=0,2", "calls/a.wav#t=0,2", None]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            "a.wav,0,2,sad\na.wav,1,3,happy\n",
            "overlap under two labels: 0 s to 2 s 'sad' and 1 s to 3 s 'happy'",
        ),
        ("a.wav,0,9,sad\na.wav,1,2,sad\na.wav,3,4,Wut\n", "under two labels: 0 s to 9 s 'sad' and 3 s to 4 s 'Wut'"),
        ("a.wav,,,sad\na.wav,1,3,happy\n", "overlap under two labels: the whole file 'sad' and 1 s to 3 s 'happy'"),
        ("a.wav,,,sad\na.wav,,,happy\n", "it is there twice, as the whole file 'sad' and the whole file 'happy'"),
        ("a.wav,1,,sad\na.wav,5,6,happy\n", "two labels: 1 s to the end 'sad' and 5 s to 6 s 'happy'"),
    ],
)
def test_one_moment_has_one_label(read, rows, message):
    with pytest.raises(CorpusError, match=re.escape(message)):
        read(f"file,start,end,label\n{rows}")
    found = read(f"file,start,end,label\n{rows}b.wav,0,1,sad\n", skip_bad=True)
    assert [c.clip_id for c in found.clips] == ["calls/b.wav#t=0,1"]
    assert len(found.refused) == rows.count("\n")
    assert all(message in line for line in found.refused)


def test_two_columns_that_disagree_are_told_and_one_can_be_named(read):
    text = "file,label,emotion\na.wav,1,happy\n"
    with pytest.raises(CorpusError, match=r"label '1' and emotion 'happy' could each be the label.*--label_column"):
        read(text)
    assert read(text, Reading(label_column="Emotion")).clips[0].emotion == "happy"


def test_any_column_can_be_named(read):
    columns = {"audio_column": "A", "label_column": "B", "speaker_column": "C", "split_column": "Part of"}
    (clip,) = read("a;b;c;part  of;d\na.wav;sad;x;Test;z\n", Reading(**columns)).clips
    assert (clip.emotion, clip.speaker, clip.partition) == ("sad", "calls_x", "test")
    with pytest.raises(CorpusError, match=r"no column 'A' \(audio_column\); columns found: file, label"):
        read("file,label\na.wav,sad\n", Reading(audio_column="A"))


def test_rows_without_a_speaker_are_told(read, caplog):
    found = read("file,label,speaker\na.wav,sad,NaN\nb.wav,sad,\nc.wav,sad,x\n")
    assert [c.speaker for c in found.clips] == [None, None, "calls_x"]
    assert "2 of 3 rows say no speaker; protocols that hold out speakers refuse them" in caplog.text


def test_columns_that_nothing_is_read_from_are_told(read, caplog):
    read("file,label,emotion.confidence,Duration\na.wav,sad,1,2\n")
    assert "calls.csv: columns not used: emotion.confidence, duration" in caplog.text


def test_labels_are_mapped_before_they_are_understood(read):
    found = read("file,label\na.wav,W\nb.wav,T\nc.wav,Wut\n", Reading(labels={"W": "anger", "T": "Trauer"}))
    assert [(c.native_label, c.emotion) for c in found.clips] == [("W", "angry"), ("T", "Trauer"), ("Wut", "Wut")]


def test_a_file_whose_extension_is_left_out_is_found(read):
    assert [c.path.name for c in read("file_id,emotion\na,sad\nb,happy\n").clips] == ["a.wav", "b.wav"]


def test_a_workbook(tmp_path, touch):
    touch(tmp_path, "a.wav", "b.wav")
    book = openpyxl.Workbook()
    for row in [
        ["Filename", "Emotion", "Speaker", "start", "end"],
        [],
        ["a.wav", "Anger", 7, 0.5, 1],
        ["b.wav", "sad", 8],
    ]:
        book.active.append(row)
    book.create_sheet("more").append(["x"])
    book.save(tmp_path / "calls.xlsx")
    found = scan(own_corpus("calls", tmp_path / "calls.xlsx"), tmp_path / "calls.xlsx")
    assert [(c.clip_id, c.emotion, c.speaker, c.start, c.end) for c in found.clips] == [
        ("calls/a.wav#t=0.5,1", "angry", "calls_7", 0.5, 1.0),
        ("calls/b.wav", "sad", "calls_8", None, None),
    ]


def test_two_spellings_of_a_path_are_one_clip_and_no_folder_of_the_machine_is_in_its_id(tmp_path, touch):
    touch(tmp_path, "data/x/a.wav", "data/y/b.wav", "tables/calls.csv", "tables/c.wav")
    table = tmp_path / "tables/calls.csv"
    table.write_text(f"path,label\n../data/x/a.wav,sad\n{tmp_path}/data/./x/a.wav,sad\n../data/y/b.wav,sad\n")
    found = scan(own_corpus("calls", table), table)
    assert [c.clip_id for c in found.clips] == ["calls/x/a.wav", "calls/y/b.wav"]
    assert len(found.copies) == 1
    table.write_text(f"path,label\n{tmp_path}/data/x/a.wav,sad\nc.wav,sad\n")
    assert [c.clip_id for c in scan(own_corpus("calls", table), table).clips] == ["calls/../a.wav", "calls/c.wav"]


YAML = """
labels: {W: anger, 1: sad}
label_column: Code
title: Calls of a shop
licence: CC BY 4.0
redistributable: true
language: de
"""


def test_what_the_yaml_beside_a_table_says(tmp_path, read):
    (tmp_path / "calls.yaml").write_text(YAML)
    found = read("file,code,label\na.wav,W,x\nb.wav,1,y\nc.wav,2,z\n", Reading(labels={"1": "bored"}))
    assert [c.emotion for c in found.clips] == ["angry", "bored", "2"]
    corpus = found.corpus
    assert (corpus.title, corpus.licence, corpus.redistributable, corpus.language) == (
        *("Calls of a shop", "CC BY 4.0", True, "de"),
    )


def test_a_folder_has_a_metadata_yaml(tmp_path, touch):
    touch(tmp_path, "W/a.wav", "T/b.wav")
    (tmp_path / "metadata.yaml").write_text("labels: {W: anger, T: sadness}\n")
    assert [c.emotion for c in scan(own_corpus("calls", tmp_path), tmp_path).clips] == ["sad", "angry"]


def test_without_a_word_of_it_the_licence_is_unknown():
    corpus = own_corpus("calls")
    assert (corpus.licence, corpus.redistributable, corpus.own) == ("unknown", False, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label: x", "unknown key 'label'; did you mean 'labels'"),
        ("labels: [a]", "labels is .*; expected pairs `label: word`"),
        ("redistributable: yes please", "redistributable is 'yes please'; expected true or false"),
        ("redistributable: true", "redistributable is true, and no licence is named"),
        ("- a", "expected the keys labels, "),
        ("labels: {a: b", "not readable YAML"),
        ("labels: {a: b}\nlabels: {c: d}", "given twice"),
    ],
)
def test_a_broken_yaml_is_refused(tmp_path, text, message):
    (tmp_path / "calls.yaml").write_text(text)
    with pytest.raises(SerHfError, match=message) as caught:
        own_corpus("calls", tmp_path / "calls.csv")
    assert f"{tmp_path}/calls.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "other"), [("ravdes", "ravdess"), ("TES", "tess"), ("savee", None), ("podcasts", None)]
)
def test_a_name_too_close_to_a_registered_one(name, other):
    assert mistaken_for(name) == other


@pytest.mark.real
@pytest.mark.parametrize(
    ("table", "labels", "clips", "seconds"),
    [
        ("semicolons", {}, 6, None),
        ("capital_headers_bom_crlf", {}, 6, None),
        ("backslashes", {}, 6, None),
        ("gender_column", {}, 6, None),
        ("segments", {}, 12, 1.2),
        ("own_words", {"stressed": "angry", "relaxed": "sad"}, 6, None),
        ("codes", {"W": "angry", "T": "sad"}, 6, None),
        ("class_ids", {"0": "angry", "1": "sad"}, 6, None),
    ],
)
def test_tables_as_people_keep_them(shared_data, tmp_path, table, labels, clips, seconds):
    """Each clip has the label, speaker and length that the name of its RAVDESS file, and the file itself, say."""
    from ser_hf.audio import decode
    from ser_hf.corpora import CORPORA
    from ser_hf.data import load_corpus

    path = shared_data.parent / "cases/tables" / f"{table}.csv"
    loaded = load_corpus([table], data_dirs={table: path}, cache_dir=tmp_path, reading=Reading(labels=labels))
    assert len(loaded.dataset) == clips
    has_speakers = "peaker" in path.read_text(encoding="utf-8-sig").split("\n")[0]
    for row in loaded.dataset:
        file = shared_data / "ravdess" / Path(row["clip_id"].partition("#")[0]).relative_to(table)
        truth = CORPORA["ravdess"].parse(file)
        assert truth is not None
        number = truth.speaker.removeprefix("ravdess_")
        assert row["speaker"] == (f"{table}_{number}" if has_speakers else None)
        assert row["emotion"] in ({"neutral", truth.emotion} if seconds else {truth.emotion})
        assert row["sex"] == (truth.sex if table == "gender_column" else None)
        samples, rate = decode(file)
        assert row["duration"] == pytest.approx(seconds or len(samples) / rate, abs=1e-4)
