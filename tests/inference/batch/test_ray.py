"""The same rows on Ray: a program of recipes/, on a Ray of this machine."""

import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ser_hf.inference.batch import Options, predict_many

pytest.importorskip("ray")
pytest.importorskip("ray.data")


def test_ray_gives_the_rows_of_the_command(tiny_onnx, calls, tmp_path, root):
    files = sorted((calls / "0").iterdir())
    table = pa.table(
        {"audio": [{"bytes": p.read_bytes(), "path": p.name} for p in files] + [{"bytes": b"x", "path": "x"}]}
    )
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=6)
    words = [str(calls), "gone.wav", str(tmp_path / "in.parquet")]
    program = [sys.executable, str(root / "recipes" / "cluster" / "predict.py")]
    options = ["--model", str(tiny_onnx), "--output", "scores", "--vad", "rule"]
    env = {**os.environ, "PYTHONPATH": str(root), "RAY_DATA_DISABLE_PROGRESS_BARS": "1", "OMP_NUM_THREADS": "1"}
    command = [*program, *words, *options]
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path, timeout=150)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "scores: 82 clips; 2 of 82 could not be used, see column error"
    found = pq.read_table(tmp_path / "scores").sort_by("id")
    options = Options(vad="rule")
    predict_many(
        [calls, tmp_path / "gone.wav", words[2]], tmp_path / "out.parquet", tiny_onnx, workers=0, options=options
    )
    expected = pq.read_table(tmp_path / "out.parquet").sort_by("id")
    assert found.schema.names == expected.schema.names
    for name in expected.schema.names:
        if name.startswith(("p_", "confidence")):
            assert found[name].to_pylist() == pytest.approx(expected[name].to_pylist(), abs=1e-5)
        else:
            assert found[name].to_pylist() == expected[name].to_pylist()
    files = sorted((tmp_path / "scores").glob("*.parquet"))
    kept = pq.read_table(files[0])
    pq.write_table(kept.slice(0, 5), files[0])
    (tmp_path / "scores" / "half.parquet").write_bytes(files[0].read_bytes()[:-40])  # what a kill leaves
    for told in ("scores: 82 clips; 2 of 82 could not be used", "scores: 82 clips"):  # and then there is nothing to do
        again = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path, timeout=150)
        assert again.returncode == 0, again.stderr[-3000:]
        assert again.stdout.splitlines()[-1].startswith(told)
        resumed = pq.read_table(tmp_path / "scores").sort_by("id")
        assert resumed["id"].to_pylist() == found["id"].to_pylist()
    other = [*command, "--vad", "auto"]
    done = subprocess.run(other, capture_output=True, text=True, env=env, cwd=tmp_path, timeout=150)
    assert done.returncode == 2
    assert "was begun by another command" in done.stderr
    (tmp_path / "scores" / ".predict.json").unlink()
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path, timeout=150)
    assert "holds something else; name a new folder" in done.stderr
