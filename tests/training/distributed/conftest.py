"""Programs that several processes run."""

import importlib.util
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def steps() -> ModuleType:
    """steps.py as a module."""
    spec = importlib.util.spec_from_file_location("steps", HERE / "steps.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def command() -> Callable[..., list[str]]:
    """A function that gives the command by which a number of processes run a program."""

    def words(processes: int, *program: str, config: str = "cpu") -> list[str]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        launch = [sys.executable, "-m", "accelerate.commands.launch", "--num_processes", str(processes)]
        launch += ["--config_file", str(ROOT / "recipes" / "accelerate" / f"{config}.yaml")]
        return [*launch, "--main_process_port", port, *program]

    return words


@pytest.fixture(scope="session")
def launch(command) -> Callable[..., subprocess.CompletedProcess]:
    """A function that runs a program of this folder in a number of processes."""

    def run(processes: int, program: str, *words: str, config: str = "cpu") -> subprocess.CompletedProcess:
        line = command(processes, str(HERE / program), *words, config=config)
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(line, capture_output=True, text=True, env=environment, timeout=300)
        assert done.returncode == 0, done.stderr[-3000:]
        return done

    return run
