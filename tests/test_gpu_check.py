"""The program for GPU machines: its steps are commands that exist, and one that fails does not end the others."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ser_hf.benchmarks import TASKS
from ser_hf.cli import make_parser

PROGRAM = Path(__file__).with_name("gpu_check.py")


@pytest.fixture
def check():
    spec = importlib.util.spec_from_file_location("gpu_check", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    sys.modules["gpu_check"] = module  # dataclasses look there
    spec.loader.exec_module(module)
    yield module
    del sys.modules["gpu_check"]


@pytest.fixture
def a_gpu(tmp_path, monkeypatch):
    """A nvidia-smi that tells of one."""
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'NVIDIA Test, 1.2, 1 MiB'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


def test_every_step_is_a_command_of_the_package(check):
    for step in check.steps():
        if step.words[:2] == ("-m", "ser_hf.cli"):
            args = make_parser().parse_args(step.words[2:])
            assert args.command != "bench" or args.task in TASKS
        else:
            assert step.words[:3] == ("-m", "pytest", "-m")
    assert sum(step.limit for step in check.steps()) <= check.BUDGET
    assert set(check.GOALS) <= {step.name for step in check.steps()}


def test_the_steps_are_shown_without_a_gpu(check, capsys):
    assert check.main(["--dry_run"]) == 0
    shown = capsys.readouterr().out
    assert all(step.name in shown for step in check.steps())


def test_no_gpu_is_one_line(tmp_path):
    nothing = {"PATH": str(tmp_path)}
    done = subprocess.run([sys.executable, PROGRAM], env=nothing, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("gpu_check: nvidia-smi shows no GPU")
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_one_that_fails_and_one_that_hangs_do_not_end_the_others(check, a_gpu, tmp_path, monkeypatch, capsys):
    row = {"name": check.FROM_HOST, "clips_per_second": 123_456.0, "ratio": 9.0}
    write = f"import json; json.dump({{'rows': [{row!r}]}}, open('features.json', 'w'))"
    found = [
        check.Step("tests", 9, ("-c", "print('3 passed, 1 failed'); raise SystemExit(3)")),
        check.Step("train_whisper", 1, ("-c", "import time; time.sleep(60)")),
        check.Step("features", 9, ("-c", write)),
    ]
    monkeypatch.setattr(check, "steps", lambda: found)
    assert check.main(["--output", str(tmp_path / "out")]) == 1
    told = (tmp_path / "out" / "summary.md").read_text()
    assert told in capsys.readouterr().out
    assert "GPU: NVIDIA Test, 1.2, 1 MiB" in told
    assert "| tests | failed with exit code 3 after" in told
    assert "3 passed, 1 failed" in told
    assert "| train_whisper | stopped after 1 s |" in told
    assert "123,456 clips/s, 9.00 x (goal 100,000: met)" in told


def test_a_goal_that_is_missed_is_said(check, tmp_path):
    rows = [{"name": check.UNAUGMENTED, "clips_per_second": 10.0, "ratio": 0.9}]
    (tmp_path / "train_whisper.json").write_text(json.dumps({"rows": rows}))
    (step,) = [step for step in check.steps() if step.name == "train_whisper"]
    assert [text for _, text in check.figures(step, tmp_path)] == ["10 clips/s, 0.90 x (goal 0.95: missed)"]


def test_wheels_that_do_not_install_are_one_line(check, a_gpu, tmp_path, monkeypatch, capsys):
    def missing(*_):
        raise subprocess.CalledProcessError(1, "pip")

    monkeypatch.setattr(check, "install", missing)
    assert check.main(["--wheels", str(tmp_path), "--output", str(tmp_path / "out")]) == 2
    assert "does not install here" in capsys.readouterr().err
