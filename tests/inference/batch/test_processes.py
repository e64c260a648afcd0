"""Two processes under ``accelerate launch`` hear every clip once, and write one file."""

import os
import socket
import subprocess
import sys

import pyarrow.parquet as pq

from ser_hf.inference.batch import Options, predict_many


def test_two_processes_hear_each_clip_once(tiny_onnx, calls, tmp_path, root):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    config = root / "recipes" / "accelerate" / "cpu.yaml"
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(config), "--num_processes", "2"]
    words = ["-m", "ser_hf.cli", "predict", str(tiny_onnx), str(calls), "gone.wav", "--output", "out.parquet"]
    options = ["--shard_size", "5", "--vad", "rule", "--workers", "1", "--quiet"]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(root)}
    command = [*launch, "--main_process_port", port, *words, *options]
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("out.parquet"))
    assert "61 clips" in line
    assert "were there already" not in line
    assert "1 of 61 could not be used" in line
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]
    alone = tmp_path / "alone.parquet"
    predict_many([calls, "gone.wav"], alone, tiny_onnx, workers=1, options=Options(shard_size=5, vad="rule"))
    shared, single = pq.read_table(tmp_path / "out.parquet"), pq.read_table(alone)
    assert len(set(shared["id"].to_pylist())) == 61
    assert shared.equals(single)
