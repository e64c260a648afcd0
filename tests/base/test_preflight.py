"""The check after an install, run in environments faked by stub packages and their metadata."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ser_hf.base import preflight

ROOT = Path(__file__).parents[2]
GOOD = {"torch": "2.14.1", "torchaudio": "2.11.0", "torchvision": "0.29.2", "timm": "1.0.31"}
NEEDS = ["torch<2.15,>=2.11", "torchaudio<2.12,>=2.11", "torchvision", "timm>=1", 'pytest; extra == "dev"']


def describe(folder, name, version, needs=()):
    """Metadata as an installer leaves it."""
    home = folder / f"{name}-{version}.dist-info"
    home.mkdir()
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {name}",
        f"Version: {version}",
        *(f"Requires-Dist: {line}" for line in needs),
    ]
    (home / "METADATA").write_text("\n".join(lines) + "\n")


def run(folder, versions, sources=None):
    """Runs the check where these libraries are installed; ``sources`` says what happens when one is imported."""
    describe(folder, "ser_hf", "0.1.0", NEEDS)
    for name, version in versions.items():
        describe(folder, name, version)
        (folder / f"{name}.py").write_text((sources or {}).get(name, ""))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    command = [sys.executable, "-m", "ser_hf.base.preflight"]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)


def test_libraries_that_load_together_pass(tmp_path):
    done = run(tmp_path, GOOD)
    assert (done.returncode, done.stderr) == (0, "")
    assert "torch 2.14.1, torchaudio 2.11.0, torchvision 0.29.2, timm 1.0.31 load together" in done.stdout


@pytest.mark.parametrize(
    ("versions", "sources", "words"),
    [
        (
            {"torch": "2.13.0+cpu"},
            {"torchaudio": "raise OSError('libc10_cuda.so: cannot open shared object file')"},
            ["torchaudio 2.11.0 does not load", "libc10_cuda.so", "torch 2.13.0+cpu is a build without CUDA"],
        ),
        (
            {},
            {"torchaudio": "raise RuntimeError('PyTorch has CUDA version 13.2\\nwhereas TorchAudio has 13.0')"},
            [
                "torchaudio 2.11.0 does not load",
                "torch 2.14.1 is built for another CUDA version than torchaudio 2.11.0",
            ],
        ),
        ({}, {"torchvision": "raise RuntimeError('operator torchvision::nms does not exist')"}, ["torchvision::nms"]),
        ({}, {"timm": "import torch.fx"}, ["timm 1.0.31 does not load", "does not fit torch 2.14.1"]),
        ({"torch": "2.15.0"}, {}, ["torch 2.15.0 (needs <2.15,>=2.11)"]),
        ({"torch": "2.10.0", "torchaudio": "2.10.0"}, {}, ["torch 2.10.0 (needs", "torchaudio 2.10.0 (needs"]),
    ],
)
def test_a_broken_environment_fails_with_the_reason_and_the_mend(tmp_path, versions, sources, words):
    done = run(tmp_path, GOOD | versions, sources)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("ser_hf cannot run in this environment: ")
    assert done.stderr.count("\n") == 1
    for word in [*words, "make clean && make quickstart"]:
        assert word in done.stderr


def test_a_missing_library_is_named(monkeypatch, capsys):
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: ["a-library-nobody-has>=3"])
    assert preflight.main() == 1
    assert "a-library-nobody-has none (needs >=3)" in capsys.readouterr().err


def test_a_package_that_is_not_installed_is_named(monkeypatch, capsys):
    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", absent)
    assert preflight.main() == 1
    assert "ser_hf is not installed here" in capsys.readouterr().err
