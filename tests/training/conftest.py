"""What a run leaves to go on from, made by hand."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file


@pytest.fixture
def whole_checkpoint() -> Callable[[Path, int], Path]:
    """A function that writes the checkpoint of a step into a run folder, whole as far as names and forms go."""
    return _whole_checkpoint


def _whole_checkpoint(run: Path, step: int) -> Path:
    path = run / "checkpoints" / f"checkpoint-{step}"
    path.mkdir(parents=True)
    save_file({"x": torch.zeros(1)}, path / "model.safetensors")
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth"):
        torch.save({}, path / name)
    (path / "trainer_state.json").write_text("{}")
    return path
