"""The programs that open strangers' files, for a few of them; all by ``-m slow``."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def opened(program: str, *words: str, root: Path) -> str:
    """What a program says that must find nothing wrong."""
    paths = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, str(HERE / program), "--cases", str(root.parent / "shared/cases")]
    command = command if program == "recordings.py" else command[:2]
    done = subprocess.run([*command, *words], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths})
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return done.stdout


def test_a_few_recordings(root):
    pytest.importorskip("av")
    assert "0 of 200 went wrong" in opened("recordings.py", "--count", "200", "--by_command", "0", root=root)


@pytest.mark.slow
def test_recordings(root):
    pytest.importorskip("av")
    assert "0 of 20000 went wrong" in opened("recordings.py", root=root)


@pytest.mark.slow
def test_documents(root):
    pytest.importorskip("onnx")
    assert "0 of 5000 went wrong" in opened("documents.py", root=root)


@pytest.mark.slow
def test_few_documents(root):
    """Those that are read without PyTorch's and ONNX's loading."""
    only = ["recipe", "study", "label scheme", "table csv", "table xlsx", "manifest", "split.json"]
    found = opened("documents.py", "--count", "140", "--light", "--only", *only, root=root)
    assert "0 of 140 went wrong" in found
