"""FSDP on processors, for test_parted.py: accelerate offers it on GPUs alone, and torch's own works on both.

``accelerate launch --num_processes 2 tests/training/distributed/parted.py FOLDER`` trains the runs ``whole`` and
``broken`` of steps.py, goes on with the second, and a transformer, and writes FOLDER/parted0.json and so on.
"""

import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import torch
import yaml

RECIPE = Path(__file__).parents[3] / "recipes" / "accelerate" / "fsdp.yaml"
for key, value in yaml.safe_load(RECIPE.read_text())["fsdp_config"].items():
    os.environ[key.upper()] = str(value).lower() if isinstance(value, bool) else str(value)
os.environ["ACCELERATE_USE_FSDP"] = "true"

import accelerate.state  # noqa: E402
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin  # noqa: E402

begin = accelerate.state.AcceleratorState.__init__


def parted(self: Any, *args: Any, fsdp_plugin: Any = None, **given: Any) -> None:
    """What accelerate says of several GPUs."""
    begin(self, *args, fsdp_plugin=fsdp_plugin, **given)
    if self.distributed_type == DistributedType.MULTI_CPU:
        self.distributed_type = DistributedType.FSDP
        self.fsdp_plugin = fsdp_plugin or FullyShardedDataParallelPlugin()


accelerate.state.AcceleratorState.__init__ = parted
sys.path.insert(0, str(Path(__file__).parent))

import steps  # noqa: E402

from ser_hf.training import with_whole_weights  # noqa: E402


def train(trainer: Any, start: str | None = None) -> dict[str, Any]:
    """The losses, and the weights of the whole model in the main process."""
    model = trainer.model
    make = partial(type(model), model.config)
    found = steps.train(trainer, start)
    whole = with_whole_weights(trainer, model, make)
    sizes = sum(p.to_local().numel() if hasattr(p, "to_local") else p.numel() for p in model.parameters())
    main = trainer.accelerator.is_main_process
    weights = torch.cat([p.detach().double().flatten() for p in whole.parameters()]).tolist() if main else []
    return {"losses": found["losses"], "weights": weights, "numbers_here": sizes}


def main() -> None:
    """Runs in every process."""
    folder = Path(sys.argv[1])
    state = accelerate.state.PartialState(cpu=True)
    found = {"stock": train(steps.stock_trainer(folder / "stock", state.num_processes))}
    found["whole"] = train(steps.trainer_of(folder / "whole", 44, steps.RESUMED, state.num_processes)[0])
    trainer, _ = steps.trainer_of(folder / "broken", 44, steps.RESUMED, state.num_processes)
    trainer.add_callback(steps.Kill())
    steps.train(trainer)
    words = [*steps.RESUMED, "--resume_from_checkpoint", "last"]
    found["resumed"] = train(*steps.trainer_of(folder / "broken", 44, words, state.num_processes, 8))
    (folder / f"parted{state.process_index}.json").write_text(json.dumps(found))
    state.wait_for_everyone()
    state.destroy_process_group()


if __name__ == "__main__":
    main()
