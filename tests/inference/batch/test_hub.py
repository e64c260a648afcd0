"""A dataset of the Hub is heard as it arrives, from a small Hub on the loopback address."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import datasets
import pyarrow.parquet as pq

UPLOAD = """
import sys
from huggingface_hub import HfApi
api = HfApi()
api.create_repo("tester/calls", repo_type="dataset")
for split in ("train", "test"):
    name = f"data/{split}-00000-of-00001.parquet"
    api.upload_file(path_or_fileobj=f"{split}.parquet", path_in_repo=name, repo_id="tester/calls", repo_type="dataset")
"""


def _hub_server():
    spec = importlib.util.spec_from_file_location("hub_server", Path(__file__).parents[2] / "hub_server.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_a_dataset_of_the_hub_is_heard_row_by_row(tiny_onnx, calls, tmp_path, root):
    files = sorted(str(p) for p in (calls / "0").iterdir())
    rows = datasets.Dataset.from_dict({"audio": [{"bytes": Path(f).read_bytes(), "path": f[-10:]} for f in files]})
    rows = rows.cast_column("audio", datasets.Audio(16_000, decode=False))
    rows.select(range(12)).to_parquet(tmp_path / "train.parquet")
    rows.select(range(12, 20)).to_parquet(tmp_path / "test.parquet")
    server = _hub_server()
    with server.HubServer() as hub:
        env = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
        env |= {"HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(tmp_path / "home")}
        env |= {"HF_TOKEN": server.TOKEN, "NO_PROXY": "127.0.0.1", "PYTHONPATH": str(root)}
        subprocess.run([sys.executable, "-c", UPLOAD], env=env, cwd=tmp_path, check=True, capture_output=True)
        words = [str(tiny_onnx), "hf://tester/calls", "--output", "out.parquet", "--vad", "rule", "--workers", "1"]
        command = [sys.executable, "-m", "ser_hf.cli", "predict", *words]
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=200)
        gone = [*command[:5], "hf://tester/gone", "--output", "gone.csv"]
        refused = subprocess.run(gone, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    ids = pq.read_table(tmp_path / "out.parquet")["id"].to_pylist()
    assert sorted(ids) == sorted([f"train/{i}" for i in range(12)] + [f"test/{i}" for i in range(8)])
    assert pq.read_table(tmp_path / "out.parquet")["error"].null_count == 20
    assert refused.returncode == 2
    assert refused.stderr.strip().splitlines()[-1].startswith("ser-hf predict: hf://tester/gone cannot be loaded")
    assert not [path for path in tmp_path.iterdir() if "gone" in path.name]
