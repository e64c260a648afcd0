"""A small model as an ONNX file, which starts in a second, and a folder of short clips."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_hf.inference import export_onnx

RATE = 16_000


@pytest.fixture(scope="session")
def tiny_onnx(tiny_run, tmp_path_factory) -> Path:
    return export_onnx(tiny_run.folder, tmp_path_factory.mktemp("batch_model") / "tiny.onnx")


@pytest.fixture(scope="session")
def calls(tmp_path_factory) -> Path:
    """Sixty clips of 0.2 to 0.6 s in three folders, each of its own pitch; only to be read."""
    root = tmp_path_factory.mktemp("calls")
    for i in range(60):
        write_tone(root / f"{i % 3}" / f"clip{i:02d}.wav", 120 + 10 * i, 0.2 + 0.1 * (i % 5))
    return root


def write_tone(path: Path, hertz: float, seconds: float, rate: int = RATE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(int(seconds * rate)) / rate
    noise = np.random.default_rng(int(hertz)).normal(0, 0.01, len(time))
    soundfile.write(path, 0.4 * np.sin(2 * np.pi * hertz * time) + noise, rate)
    return path


@pytest.fixture(scope="session")
def tone() -> Callable[..., Path]:
    """A function that writes a tone of so many Hz and seconds."""
    return write_tone


@pytest.fixture(scope="session")
def start(root) -> Callable[..., "subprocess.Popen[str]"]:
    """A function that starts ``ser-hf predict`` with these words in a process of its own."""

    def begin(*words: object, **env: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "ser_hf.cli", "predict", *map(str, words)]
        paths = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
        known = {**os.environ, "PYTHONPATH": paths, **env}
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=known)

    return begin
