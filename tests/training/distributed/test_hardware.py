"""Accelerate's configurations in recipes/accelerate: read by its own loader, and started up to the processes."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import yaml
from accelerate.commands import launch
from accelerate.utils import FullyShardedDataParallelPlugin

HARDWARE = Path(__file__).parents[3] / "recipes" / "accelerate"
NAMES = sorted(path.stem for path in HARDWARE.glob("*.yaml"))
DEEPSPEED = importlib.util.find_spec("deepspeed") is not None


def started(name: str, monkeypatch, *words: str) -> SimpleNamespace:
    """What the launcher would start: words and environment."""
    found = SimpleNamespace()
    for key in [key for key in os.environ if key.startswith(("ACCELERATE_", "FSDP_"))]:
        monkeypatch.delenv(key)  # an Accelerator of another test leaves some behind

    def run(args):
        found.args, found.environment = args, dict(os.environ)

    class Process:
        returncode = 0

        def __init__(self, command, env):
            found.command, found.environment = command, env

        def wait(self):
            pass

    monkeypatch.setattr("torch.distributed.run.run", run)
    monkeypatch.setattr(launch.subprocess, "Popen", Process)
    if name == "deepspeed" and not DEEPSPEED:
        monkeypatch.setattr(launch, "is_deepspeed_available", lambda: True)
        runner = ModuleType("deepspeed.launcher.runner")
        runner.DEEPSPEED_ENVIRONMENT_NAME = ".deepspeed_env"
        for part in ("deepspeed", "deepspeed.launcher"):
            monkeypatch.setitem(sys.modules, part, ModuleType(part))
        monkeypatch.setitem(sys.modules, "deepspeed.launcher.runner", runner)
    told = ["--config_file", str(HARDWARE / f"{name}.yaml"), *words, "-m", "ser_hf.cli", "train", "resnet34"]
    launch.launch_command(launch.launch_command_parser().parse_args(told))
    return found


def test_there_is_one_for_every_hardware():
    assert NAMES == ["cpu", "deepspeed", "fsdp", "one_gpu", "several_gpus", "several_nodes"]


@pytest.mark.parametrize("name", NAMES)
def test_each_is_started_dry(name, monkeypatch):
    found = started(name, monkeypatch)
    expected = yaml.safe_load((HARDWARE / f"{name}.yaml").read_text())
    assert found.environment["ACCELERATE_MIXED_PRECISION"] == "no", "the recipe decides"
    if name == "one_gpu":
        assert found.command[-4:] == ["-m", "ser_hf.cli", "train", "resnet34"]
        assert found.environment["ACCELERATE_USE_CPU"] == "False"
        return
    assert (found.args.module, found.args.training_script) == (True, "ser_hf.cli")
    each = expected["num_processes"] // expected["num_machines"]
    assert int(found.args.nproc_per_node) == each
    assert found.environment.get("ACCELERATE_USE_FSDP", "false") == str(name == "fsdp").lower()
    assert found.environment.get("ACCELERATE_USE_DEEPSPEED", "false") == str(name == "deepspeed").lower()


def test_several_nodes_take_their_number_and_the_first_ones_address(monkeypatch):
    words = ["--machine_rank", "1", "--main_process_ip", "10.1.2.3", "--num_machines", "3", "--num_processes", "24"]
    found = started("several_nodes", monkeypatch, *words)
    args = found.args
    assert (int(args.node_rank), int(args.nnodes), int(args.nproc_per_node)) == (1, 3, 8)
    assert (args.rdzv_backend, args.rdzv_endpoint) == ("static", "10.1.2.3:29500")


def test_accelerate_makes_its_plugin_of_fsdp(monkeypatch):
    found = started("fsdp", monkeypatch)
    for key, value in found.environment.items():
        if key.startswith(("FSDP", "ACCELERATE")):
            monkeypatch.setenv(key, value)
    plugin = FullyShardedDataParallelPlugin()
    assert plugin.fsdp_version == 2
    assert "FULL" in str(plugin.state_dict_type)
    assert plugin.reshard_after_forward is True


@pytest.mark.skipif(not DEEPSPEED, reason="deepspeed is not installed")
def test_accelerate_makes_its_plugin_of_deepspeed(monkeypatch):
    from accelerate.utils import DeepSpeedPlugin

    found = started("deepspeed", monkeypatch)
    for key, value in found.environment.items():
        if key.startswith("ACCELERATE"):
            monkeypatch.setenv(key, value)
    plugin = DeepSpeedPlugin()
    assert plugin.zero_stage == 2
    assert plugin.deepspeed_config["gradient_accumulation_steps"] == "auto"


@pytest.mark.slow
def test_two_machines_find_each_other(tmp_path, command, corpora_root):
    """Both on this one, and on processors: what is left of several_nodes.yaml is how machines meet."""
    config = yaml.safe_load((HARDWARE / "several_nodes.yaml").read_text()) | {"use_cpu": True}
    path = tmp_path / "nodes.yaml"
    path.write_text(yaml.safe_dump(config))
    line = command(2, str(Path(__file__).with_name("steps.py")), str(tmp_path), "all", str(corpora_root))
    line[line.index("--config_file") + 1] = str(path)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(HARDWARE.parents[1])}
    machines = [
        subprocess.Popen([*line[:3], "--machine_rank", str(rank), *line[3:]], env=environment) for rank in range(2)
    ]
    assert [machine.wait(timeout=300) for machine in machines] == [0, 0]
    assert (tmp_path / "all0.json").exists()
    assert (tmp_path / "all1.json").exists()
