"""What words name: every kind of source, in a stable order, each file once."""

import json
import os

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ser_hf.base.errors import SerHfError
from ser_hf.inference.batch import is_source, sources_of


def paths(*words):
    return [item.path for item in sources_of(list(words)).items()]


def test_a_folder_is_walked_in_order_and_litter_is_passed_over(calls):
    found = paths(str(calls))
    assert found == sorted(found)
    assert len(found) == 60
    assert [item.id for item in sources_of([calls]).items()] == found


def test_a_pattern_takes_its_audio_files_sorted(calls, tmp_path, monkeypatch):
    assert paths(f"{calls}/1/*.wav") == sorted(str(p) for p in (calls / "1").iterdir())
    assert len(paths(f"{calls}/**/*.wav")) == len(paths(f"{calls}/**")) == 60
    with pytest.raises(SerHfError, match=r"matches no audio file"):
        paths(f"{calls}/*.flac")


def test_a_file_is_taken_once_however_often_it_is_named(calls):
    one = str(calls / "1" / "clip01.wav")
    assert paths(one, one, f"{calls}/1/../1/clip01.wav") == [one]
    everything = paths(one, f"{calls}/1/*", str(calls), str(calls / "2"))
    assert len(everything) == len(set(everything)) == 60
    assert everything[0] == one


def test_a_table_gives_every_row_with_its_part_and_its_id(calls, tmp_path):
    name = os.path.relpath(calls / "0" / "clip00.wav", tmp_path)
    rows = [f"{name};;", f"{name};0,1;0,2", f"{name};0,2;0,1", "gone.wav;;", f"{name.replace('/', chr(92))};0,1;"]
    table = tmp_path / "calls.csv"
    table.write_text("Datei;start;end\n".replace("Datei", "file") + "\n".join(rows) + "\n", encoding="utf-8")
    found = [*sources_of([table]).items()]
    assert [item.id for item in found] == [f"{table}#{line}" for line in range(2, 7)]
    assert [(item.start, item.end) for item in found] == [
        (None, None),
        (0.1, 0.2),
        (None, None),
        (None, None),
        (0.1, None),
    ]
    assert [item.error is None for item in found] == [True, True, False, False, True]
    assert "ends at 0.1 s and starts at 0.2" in found[2].error
    assert "line 5: no file" in found[3].error
    (tmp_path / "calls.jsonl").write_text(json.dumps({"path": name, "clip_id": "a"}) + "\n")
    (item,) = sources_of([tmp_path / "calls.jsonl"]).items()
    assert item.id == "a"


def test_a_workbook(calls, tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["path", "end"])
    book.active.append([str(calls / "0" / "clip00.wav"), 0.1])
    book.save(tmp_path / "calls.xlsx")
    (item,) = sources_of([tmp_path / "calls.xlsx"]).items()
    assert (item.path, item.start, item.end) == (str(calls / "0" / "clip00.wav"), None, 0.1)


def held(calls):
    return [path.read_bytes() for path in sorted((calls / "0").iterdir())]


def test_parquet_gives_bytes_and_reads_none_of_what_nobody_hears(calls, tmp_path):
    data = held(calls)
    table = pa.table(
        {"audio": [{"bytes": d, "path": f"{i}.wav"} for i, d in enumerate(data)], "label": [0] * len(data)}
    )
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=8)
    pq.write_table(table.slice(0, 3), tmp_path / "b.parquet")
    found = [*sources_of([tmp_path]).items()]
    assert [item.data for item in found] == data + data[:3]
    assert found[1].id == f"{tmp_path}/a.parquet#1"
    light = [*sources_of([tmp_path]).items(lambda first, last: first >= 16)]
    assert [item.data is None for item in light] == [True] * 16 + [False] * (len(data) + 3 - 16)
    assert [item.key for item in light] == [item.key for item in found]
    assert sources_of([tmp_path]).count() == len(data) + 3


@pytest.mark.parametrize("column", ["audio", "bytes", "sound"])
def test_parquet_with_plain_bytes(calls, tmp_path, column):
    pq.write_table(pa.table({column: held(calls), "id": [f"x{i}" for i in range(20)]}), tmp_path / "a.parquet")
    found = [*sources_of([tmp_path / "a.parquet"]).items()]
    assert [item.data for item in found] == held(calls)
    assert [item.id for item in found] == [f"x{i}" for i in range(20)]


def test_parquet_with_paths_and_parts(calls, tmp_path):
    names = ["0/clip00.wav", "1/clip01.wav", None]
    pq.write_table(pa.table({"path": names, "start": [0.1, None, None]}), calls / "paths.parquet")
    try:
        found = [*sources_of([calls / "paths.parquet"]).items()]
    finally:
        (calls / "paths.parquet").unlink()
    assert [item.path for item in found] == [str(calls / names[0]), str(calls / names[1]), ""]
    assert [item.start for item in found] == [0.1, None, None]
    assert "path is empty" in found[2].error


def test_parquet_that_cannot_be(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(SerHfError, match=r"a\.parquet is not readable as Parquet"):
        paths(str(tmp_path / "a.parquet"))
    pq.write_table(pa.table({"x": [1]}), tmp_path / "b.parquet")
    with pytest.raises(SerHfError, match="no column with recordings or paths; columns found: x"):
        paths(str(tmp_path / "b.parquet"))


def test_a_saved_dataset_is_streamed(calls, tmp_path):
    files = sorted(str(p) for p in (calls / "0").iterdir())
    rows = datasets.Dataset.from_dict({"audio": files, "n": [*range(20)]}).cast_column("audio", datasets.Audio())
    datasets.DatasetDict({"train": rows.select(range(12)), "test": rows.select(range(12, 20))}).save_to_disk(
        tmp_path / "d"
    )
    found = [*sources_of([tmp_path / "d"]).items()]
    assert [item.data for item in found] == held(calls)
    assert [item.id for item in found][11:13] == ["train/11", "test/0"]
    assert sources_of([tmp_path / "d"]).count() == 20
    light = [*sources_of([tmp_path / "d"]).items(lambda first, last: False)]
    assert [item.key for item in light] == [item.key for item in found]
    assert not any(item.data for item in light)


def test_a_word_that_names_nothing_is_refused_before_anything_is_read(tmp_path):
    (tmp_path / "empty").mkdir()
    for word, said in {
        str(tmp_path / "empty"): "holds no recording",
        "gone": "gone is no file, folder, pattern or table here",
        "gone.csv": "no table gone.csv",
        "gone.parquet": "no table gone.parquet",
    }.items():
        with pytest.raises(SerHfError, match=said):
            sources_of([word])
    assert paths("gone.wav") == ["gone.wav"], "a file that is not there is one row, with its error"


def test_folders_of_recordings_are_told_from_runs(calls, tiny_run, tmp_path):
    assert is_source(str(calls))
    assert not is_source(str(tiny_run.folder))
    assert not is_source(str(tmp_path))
    pq.write_table(pa.table({"path": np.array(["a.wav"])}), tmp_path / "a.parquet")
    assert is_source(str(tmp_path))


def test_names_of_any_kind_go_through(tone, tmp_path):
    names = ["ein Name.wav", "zweite\nZeile.wav", "äöü.wav", "quote'\".wav", "hash#t=1.wav", "emoji😀.wav"]
    for name in names:
        tone(tmp_path / name, 200, 0.2)
    bad = os.fsencode(tmp_path) + b"/latin-\xe4.wav"
    with open(bad, "wb") as file:
        file.write((tmp_path / names[0]).read_bytes())
    found = [*sources_of([tmp_path]).items()]
    assert sorted(item.id for item in found if "latin" not in item.id) == sorted(str(tmp_path / name) for name in names)
    (latin,) = (item for item in found if "latin" in item.id)
    assert latin.id.endswith("latin-\\udce4.wav")
    assert os.path.exists(latin.path)


def test_a_film_is_a_recording_where_it_is_named(tmp_path):
    for name in ("a.mp4", "b.MOV", "c.txt"):
        (tmp_path / name).write_bytes(b"")
    assert is_source(str(tmp_path / "a.mp4"))
    assert not is_source(str(tmp_path / "c.txt"))
    found = [item.shown for item in sources_of([str(tmp_path / "*")]).items()]
    assert [name[-5:] for name in found] == ["a.mp4", "b.MOV"]
