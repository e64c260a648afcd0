"""Tables of ``ser-hf embed`` that were damaged or changed, given to what reads Parquet: a result, or one line."""

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ser_hf.cli import main
from tests.tiny_transformers import save


@pytest.fixture(scope="module")
def whisper(tmp_path_factory) -> str:
    return str(save("whisper", tmp_path_factory.mktemp("whisper")))


@pytest.fixture(scope="module")
def table(whisper, tones_root, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("table") / "savee.parquet"
    assert main(["embed", whisper, "--corpora", "savee", "--data_root", str(tones_root), "--output", str(out)]) == 0
    return out


def changed(path: Path) -> dict[str, bytes]:
    """What may become of a table, by name."""
    whole, table, draw = path.read_bytes(), pq.read_table(path), random.Random(0)
    rows, at = len(table), table.column_names.index("embedding")

    def written(found: pa.Table) -> bytes:
        pq.write_table(found, sink := pa.BufferOutputStream())
        return sink.getvalue().to_pybytes()

    def flipped(first: int, last: int) -> bytes:
        data = bytearray(whole)
        for _ in range(6):
            data[draw.randrange(first, last)] ^= 1 << draw.randrange(8)
        return bytes(data)

    column = pa.FixedSizeListArray.from_arrays(pa.array(np.full(16 * rows, np.nan, np.float32)), 16)
    return {
        "whole": whole,
        "empty": b"",
        "cut": whole[: len(whole) // 2],
        "without its end": whole[:-9],
        "head alone": whole[:4],
        **{f"flipped head {i}": flipped(0, 400) for i in range(3)},
        **{f"flipped foot {i}": flipped(len(whole) - 900, len(whole)) for i in range(12)},
        "texts": written(table.set_column(at, "embedding", pa.array(["x"] * rows))),
        "NaN": written(table.set_column(at, "embedding", column)),
        "no embedding": written(table.drop_columns("embedding")),
        "embedding alone": written(table.select(["embedding"])),
        "no rows": written(table.slice(0, 0)),
        "no columns": written(table.select([])),
        "called audio": written(table.rename_columns(["audio" if n == "embedding" else n for n in table.column_names])),
        "another kind of file": b"clip_id,embedding\na,1\n",
    }


def refusal(words: list[str], capsys) -> str:
    capsys.readouterr()
    code = main(words)
    found = capsys.readouterr()
    assert code == 2, (words, found)
    assert "Traceback" not in found.err
    assert sum(line.startswith(f"ser-hf {words[0]}: ") for line in found.err.splitlines()) == 1
    return found.err


def test_predict_says_of_each_that_it_holds_no_recordings(table, tiny_run, tmp_path, capsys):
    for name, data in changed(table).items():
        path = tmp_path / "savee.parquet"
        path.write_bytes(data)
        for output in ([], ["--output", str(tmp_path / "out.csv")]):
            said = refusal(["predict", str(tiny_run.folder), str(path), "--device", "cpu", *output], capsys)
            assert "savee.parquet" in said, (name, said)
        assert not (tmp_path / "out.csv").exists()


def test_a_dataset_of_them_is_refused(table, whisper, tmp_path, capsys):
    for name, data in changed(table).items():
        path = tmp_path / "savee.parquet"
        path.write_bytes(data)
        said = refusal(["embed", whisper, str(path), "--output", str(tmp_path / "again.parquet")], capsys)
        assert "savee" in said, (name, said)
        assert not (tmp_path / "again.parquet").exists()


def test_a_table_is_written_over_whatever_lies_there(table, whisper, tones_root, tmp_path):
    path = tmp_path / "out.parquet"
    path.write_bytes(table.read_bytes()[:200])
    words = ["--corpora", "savee", "--data_root", str(tones_root)]
    assert main(["embed", whisper, *words, "--output", str(path)]) == 0
    assert pq.read_table(path).equals(pq.read_table(table))


def test_a_damaged_table_of_predict_with_embeddings_is_not_taken_for_a_done_one(table, tiny_run, tones_root, tmp_path):
    clip, out = str(next((tones_root / "savee").rglob("*.wav"))), tmp_path / "out.parquet"
    words = ["predict", str(tiny_run.folder), clip, "--embeddings", "--output", str(out), "--device", "cpu"]
    assert main(words) == 0
    whole = out.read_bytes()
    for data in (whole[:-9], whole[:40], b"", table.read_bytes()):
        out.write_bytes(data)
        assert main(words) == 2
        assert out.read_bytes() == data
    assert main([*words, "--overwrite"]) == 0
    assert out.read_bytes() == whole
