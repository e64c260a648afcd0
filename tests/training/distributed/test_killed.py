"""A process that is killed ends the others at once, with one message, and leaves a checkpoint to go on from."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ser_hf.reporting import load_results

ROOT = Path(__file__).parents[3]


def processes_of(launcher: int) -> dict[int, int]:
    """The processes that a launcher started, by their rank."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            told = dict(w.split("=", 1) for w in (path / "environ").read_text().split("\0") if "=" in w)
        except OSError:
            continue
        if parent == launcher and "RANK" in told:
            found[int(told["RANK"])] = int(path.name)
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found in /proc")
@pytest.mark.parametrize("killed", [0, 1])
@pytest.mark.parametrize("ours", [True, False], ids=["ser-hf launch", "accelerate launch"])
def test_a_killed_process(tiny_recipe, tmp_path, command, killed, ours):
    words = ["train", str(tiny_recipe), "--output_dir", str(tmp_path / "run"), "--per_device_train_batch_size", "8"]
    longer = [*words, "--num_train_epochs", "3000", "--save_steps", "7", "--eval_steps", "7"]
    line = command(2, "-m", "ser_hf.cli", *longer)
    if ours:
        line = [*line[:2], "ser_hf.cli", "launch", *line[3 : -len(longer) - 2], *longer]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    with (tmp_path / "err").open("w") as err:
        launcher = subprocess.Popen(line, stderr=err, stdout=subprocess.DEVNULL, env=environment)
        checkpoints = tmp_path / "run" / "checkpoints"
        deadline = time.monotonic() + 180
        while not list(checkpoints.glob("checkpoint-*")):
            assert launcher.poll() is None, (tmp_path / "err").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.2)
        others = processes_of(launcher.pid)
        os.kill(others[killed], signal.SIGKILL)
        start = time.monotonic()
        code = launcher.wait(timeout=60)
        sys.stdout.write(f"ended after {time.monotonic() - start:.1f} s with code {code}\n")
    said = (tmp_path / "err").read_text()
    told = [row for row in said.splitlines() if row.startswith("ser-hf ")]
    assert code == (137 if ours else 1)
    assert len(told) == 1, said
    assert "--resume_from_checkpoint last" in told[0]
    assert (
        "[rank" not in said.replace("reducer.cpp", "") or "Traceback" not in said.split("torch/distributed/elastic")[0]
    )
    if ours:
        assert f"process {killed} was killed by SIGKILL" in told[0]
        assert "Traceback" not in said
    assert all(not Path(f"/proc/{pid}").exists() for pid in others.values())
    newest = max(int(path.name.split("-")[1]) for path in checkpoints.glob("checkpoint-*"))
    epochs = str(newest // 5 + 2)
    often = ["--num_train_epochs", epochs, "--save_steps", "7", "--eval_steps", "7"]
    again = [sys.executable, "-m", "ser_hf.cli", *words, *often, "--resume_from_checkpoint", "last"]
    done = subprocess.run(again, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"going on from {checkpoints}/checkpoint-" in done.stderr
    assert (
        "going on with 16 clips a step, as the run began: 1 process, 8 at most at once, 2 times a step" in done.stderr
    )
    assert load_results(tmp_path / "run")["training"]["processes"] == 1
