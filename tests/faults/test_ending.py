"""SIGTERM to a study and to ``accelerate launch``: runs save a checkpoint, nothing stays, and the way on is said."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
CONFIG = Path(__file__).parents[2] / "recipes" / "accelerate" / "cpu.yaml"
STUDY = """
title: One
about: One network.
rows:
  network: {recipe: RECIPE}
"""
PATIENCE = 240


def ended(command: list[str], folder: Path) -> tuple[int, str]:
    """Starts a training, asks it to end when its first checkpoint is there; gives its exit code and what it said."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    until = time.monotonic() + PATIENCE
    while not any(folder.rglob("checkpoint-*/trainer_state.json")):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=PATIENCE)
    return process.returncode, said


def litter(folder: Path) -> list[Path]:
    return list(folder.rglob(".*"))


def last_step(folder: Path) -> int:
    return max(int(path.name.partition("-")[2]) for path in folder.rglob("checkpoint-*"))


def test_a_study_ends_with_a_checkpoint_of_the_run_and_goes_on_from_it(tiny_recipe, tmp_path):
    study, out = tmp_path / "one.yaml", tmp_path / "study"
    study.write_text(STUDY.replace("RECIPE", str(tiny_recipe)), encoding="utf-8")
    command = [sys.executable, "-m", "ser_hf.cli", "study", str(study), "--output", str(out)]
    code, said = ended([*command, "--num_train_epochs", "60"], out)
    assert code == 128 + signal.SIGTERM
    assert said.splitlines()[-1] == "ser-hf study: ended by SIGTERM; the same command goes on where it stopped"
    (log,) = out.rglob("log.txt")
    saved = last_step(out)
    assert log.read_text().splitlines()[-1].startswith(f"ended by SIGTERM; checkpoint-{saved} is saved")
    assert not litter(out)
    again = subprocess.run([*command, "--num_train_epochs", "60"], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert f"checkpoint-{saved}" in log.read_text().split("going on from")[-1]


def test_two_processes_end_with_one_checkpoint_of_the_same_step(tiny_recipe, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(CONFIG), "--num_processes", "2"]
    words = ["--main_process_port", port, "-m", "ser_hf.cli", "train", str(tiny_recipe)]
    folder = tmp_path / "run"
    code, said = ended([*launch, *words, "--output_dir", str(folder), "--num_train_epochs", "300"], folder)
    assert code != 0
    saved = last_step(folder)
    assert said.count(f"ser-hf train: ended by SIGTERM; checkpoint-{saved} is saved: go on by the same command") == 1
    assert (folder / f"checkpoints/checkpoint-{saved}/loss_so_far.json").is_file()
    assert not litter(folder)
