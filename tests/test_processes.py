"""Two processes under ``accelerate launch`` train and evaluate to one set of files."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ser_hf.reporting import load_results
from ser_hf.training import read_split

CONFIG = Path(__file__).parents[1] / "recipes" / "accelerate" / "cpu.yaml"


@pytest.fixture(scope="module")
def shared_run(tiny_recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("processes") / "run"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(CONFIG), "--num_processes", "2"]
    command = [*launch, "--main_process_port", port, "-m", "ser_hf.cli", "train", str(tiny_recipe)]
    words = ["--output_dir", str(folder), "--per_device_train_batch_size", "8", "--num_train_epochs", "2"]
    done = subprocess.run([*command, *words], capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, done


def test_one_set_of_files_is_written_by_the_main_process(shared_run, tiny_run):
    folder, done = shared_run
    assert {path.name for path in folder.iterdir()} == {path.name for path in tiny_run.folder.iterdir()}
    assert not [path for path in folder.rglob(".*") if path.is_file()], "temporary files were left"
    assert done.stdout.count(f"report: {folder}/report.html") == 1
    assert len(list(folder.rglob("results.json"))) == 1


def test_both_processes_took_part_and_the_test_is_whole(shared_run, tiny_run):
    folder, _ = shared_run
    results, alone = load_results(folder), load_results(tiny_run.folder)
    assert results["training"]["processes"] == 2
    assert results["data"]["splits"] == alone["data"]["splits"]
    assert results["test"]["n_clips"] == results["data"]["splits"]["test"]["clips"]
    clips = pq.read_table(folder / "predictions.parquet")["clip_id"].to_pylist()
    assert clips == read_split(folder)["test"]["clips"] == read_split(tiny_run.folder)["test"]["clips"]
    assert len(clips) == len(set(clips))


def test_an_epoch_is_shared_out(shared_run):
    folder, _ = shared_run
    last = max((folder / "checkpoints").iterdir(), key=lambda path: int(path.name.split("-")[1]))
    state = json.loads((last / "trainer_state.json").read_text())
    clips = load_results(folder)["data"]["splits"]["train"]["clips"]
    assert state["global_step"] == 2 * -(-clips // 16), "each process should see half of the clips of an epoch"
    assert [entry["epoch"] for entry in load_results(folder)["training"]["history"]] == [1.0, 2.0]
