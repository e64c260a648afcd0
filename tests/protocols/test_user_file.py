"""The user's own split: a table in any of three forms, clips named by id or by path, and nothing lost silently."""

import csv
import json
import re
from pathlib import Path

import pytest

from ser_hf.base.errors import SplitError
from ser_hf.protocols import PROTOCOLS, Columns, Indices, SplitOptions

CLIPS = [f"savee/{speaker}/{letter}{i:02d}" for speaker in ("DC", "JE") for letter in "ah" for i in range(1, 6)]
SIDE = {clip: ("test" if "/JE/" in clip else "dev" if clip.endswith("5") else "train") for clip in CLIPS}


def columns(clips: list[str] = CLIPS) -> Columns:
    table = {"clip_id": clips, "corpus": [c.split("/")[0] for c in clips], "label": [i % 2 for i in range(len(clips))]}
    return Columns.from_table(table | {"speaker": [f"{c.split('/')[0]}_{c.split('/')[-2]}" for c in clips]})


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        return path
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writeheader()
        writer.writerows(rows)
    return path


def listed(**change: str | None) -> list[dict[str, str]]:
    """The rows of the whole list; None takes a clip out."""
    sides = {**SIDE, **{clip.replace("__", "/"): side for clip, side in change.items()}}
    return [{"clip_id": clip, "split": side} for clip, side in sides.items() if side is not None]


def assign(path: Path | None, rows: Columns | None = None, **given) -> Indices:
    rule, rows = PROTOCOLS["file"], rows or columns()
    return rule.assign(rows, rule.resolve(rows, SplitOptions(split_file=path, **given)))


def sides(indices: Indices, rows: Columns | None = None) -> dict[str, set[str]]:
    clips = (rows or columns()).clip_ids
    return {name: set(clips[found]) for name, found in indices.items()}


EXPECTED = {
    name: {clip for clip, side in SIDE.items() if side == word}
    for name, word in (("train", "train"), ("validation", "dev"), ("test", "test"))
}


@pytest.mark.parametrize("name", ["split.csv", "split.tsv", "split.jsonl", "SPLIT.CSV"])
def test_the_split_is_that_of_the_file(tmp_path, name):
    assert sides(assign(write(tmp_path / name, listed()))) == EXPECTED


@pytest.mark.parametrize("delimiter", list(",;\t|"))
def test_the_delimiter_and_the_case_of_the_columns_are_found(tmp_path, delimiter):
    path = write(tmp_path / "split.csv", listed())
    path.write_text(path.read_text().replace("clip_id,split", "Clip ID,Split").replace(",", delimiter))
    assert sides(assign(path)) == EXPECTED


@pytest.mark.parametrize("word", ["dev", "validation", "valid", "val", "Development", " DEV "])
def test_the_validation_has_many_names(tmp_path, word):
    rows = [row | {"split": row["split"].replace("dev", word)} for row in listed()]
    assert sides(assign(write(tmp_path / "split.csv", rows))) == EXPECTED


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    path = write(tmp_path / "split.csv", listed())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert sides(assign(path)) == EXPECTED


@pytest.mark.parametrize("column", ["path", "file", "file_name"])
@pytest.mark.parametrize(
    "form", ["AudioData/{0}/{1}.wav", "{0}/{1}", "ALL/{0}_{1}.wav", "{0}{1}.flac", r"D:\x\{0}\{1}.WAV"]
)
def test_clips_may_be_named_by_their_path_in_any_layout(tmp_path, column, form):
    rows = [{column: form.format(*clip.split("/")[1:]), "split": side} for clip, side in SIDE.items()]
    assert sides(assign(write(tmp_path / "split.csv", rows))) == EXPECTED


def test_names_are_read_as_their_corpus_spells_them(tmp_path):
    clips = [f"tess/{speaker}_{word}_pleasant_surprise" for speaker in ("OAF", "YAF") for word in ("back", "bite")]
    rows = columns([*clips, *(f"folder/angry/my clip {i}.wav" for i in range(3))])
    names = ["x/OAF_back_ps.wav", "OA_bite_pleasant_surprised.wav", "yaf_back_PS.wav", "YAF_bite_ps.aiff"]
    names += ["angry/my clip 0.wav", "my clip 1.wav", "data/folder/angry/my clip 2.wav"]
    words = ["train", "dev", "test", "test", "train", "dev", "test"]
    table = [{"path": name, "split": word} for name, word in zip(names, words, strict=True)]
    found = assign(write(tmp_path / "split.csv", table), rows)
    assert [found[name].tolist() for name in ("train", "validation", "test")] == [[0, 4], [1, 5], [2, 3, 6]]


def test_a_file_without_validation_has_one_carved(tmp_path):
    rows = [row | {"split": row["split"].replace("dev", "train")} for row in listed()]
    found = assign(write(tmp_path / "split.csv", rows), validation_size=0.2)
    assert sides(found)["test"] == EXPECTED["test"]
    assert [len(found[name]) for name in ("train", "validation")] == [8, 2]


def test_clips_that_are_not_listed_are_refused_or_left_out(tmp_path):
    path = write(tmp_path / "split.csv", listed(savee__DC__a01=None, savee__JE__h02=None))
    with pytest.raises(
        SplitError, match=r"does not list 2 of 20 clips: savee/DC/a01, savee/JE/h02; list them, or leave "
    ):
        assign(path)
    gone = {"savee/DC/a01", "savee/JE/h02"}
    assert sides(assign(path, drop_unlisted=True)) == {name: clips - gone for name, clips in EXPECTED.items()}


@pytest.mark.parametrize("drop", [True, False])
def test_clips_that_are_not_in_the_data_are_refused_and_counted(tmp_path, drop):
    path = write(tmp_path / "split.csv", listed(savee__KL__a01="test", savee__DC__x01="train"))
    expected = (
        r"lists 2 clips that are not in the data: savee/KL/a01 \(line 22\), savee/DC/x01 \(line 23\)\. Write clip i"
    )
    with pytest.raises(SplitError, match=expected):
        assign(path, drop_unlisted=drop)


def test_a_clip_of_an_absent_speaker_is_not_taken_for_anothers(tmp_path):
    path = write(tmp_path / "split.csv", [{"path": "KL/a01.wav", "split": "train"}])
    with pytest.raises(SplitError, match=r"1 clips that are not in the data: KL/a01\.wav"):
        assign(path, columns([clip for clip in CLIPS if "/DC/" in clip]), drop_unlisted=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "clip_id,split\nsavee/DC/a01,train\nsavee/DC/a01,test\n",
            "names savee/DC/a01 twice, in lines 2 and 3; keep one",
        ),
        (
            "path,split\na01.wav,train\n",
            "line 2: 'a01.wav' fits 2 clips (savee/DC/a01, savee/JE/a01); give their clip_id",
        ),
        ("clip_id,split\nsavee/DC/a01,trian\n", "line 2: unknown split 'trian'; did you mean 'train' or 'training'?"),
        (
            "clip_id,split\nsavee/DC/a01,\n",
            "line 2: needs a clip_id (or path) and a split, each in a column of that na",
        ),
        (
            "clip,split\nsavee/DC/a01,train\n",
            "line 2: needs a clip_id (or path) and a split, each in a column of that ",
        ),
        ("clip_id,split\n", "split.csv lists no clip"),
        ("", "split.csv lists no clip"),
        ("clip_id,split\nsavee/DC/a01,tr\x81ain\n", "not readable as CSV: "),
    ],
)
def test_a_broken_table_is_refused_with_its_line(tmp_path, content, message):
    path = tmp_path / "split.csv"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(SplitError, match=re.escape(message)):
        assign(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("split.jsonl", '{"clip_id": "savee/DC/a01"', "not readable as JSONL"),
        (
            "split.jsonl",
            '["savee/DC/a01", "train"]',
            "line 1: expected an object, found ['sa",
        ),
        ("split.txt", "", "expected a table ending in .csv, .tsv, .jsonl"),
        (".", "", "expected a table ending in"),
    ],
)
def test_other_forms_are_refused(tmp_path, name, content, message):
    path = tmp_path / name
    if name != ".":
        path.write_text(content)
    with pytest.raises(SplitError, match=re.escape(message)):
        assign(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(SplitError, match=re.escape(f"split file {tmp_path / 'no.csv'}: No such file")):
        assign(tmp_path / "no.csv")
    with pytest.raises(SplitError, match="protocol 'file' needs --split_file FILE"):
        assign(None)


def test_the_home_folder_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / "split.csv", listed())
    assert sides(assign("~/split.csv")) == EXPECTED
