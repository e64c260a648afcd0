"""The program for jobs of Hugging Face: from a recipe to a repository on the Hub."""

import os
import re
import subprocess
import sys
import tomllib

import pytest
from huggingface_hub.cli._uv_script_header import _PEP_723_REGEX

SCRIPT = "recipes/cluster/hf_job.py"


@pytest.fixture
def job(hub, hub_environment, root, tmp_path):
    def run(*words, **environment):
        settings = {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_loopback", **environment}
        command = [sys.executable, root / SCRIPT, *words, "--work", str(tmp_path / "job")]
        more = {"cwd": tmp_path, "capture_output": True, "text": True, "timeout": 300}
        return subprocess.run(command, env=hub_environment(**settings), **more)

    return run


def test_a_recipe_is_trained_and_sent(hub, job, tiny_recipe, tones_root):
    done = job(str(tiny_recipe), "--repo", "tester/tiny", "--data_root", str(tones_root), "--max_steps", "2")
    assert done.returncode == 0, done.stderr
    assert {"config.json", "model.safetensors", "README.md", "results.json"} <= set(hub.files("tester/tiny"))
    assert hub.repos["tester/tiny"].private
    assert len(hub.commits("tester/tiny")) == 1
    assert done.stdout.splitlines()[-1] == f"{hub.url}/tester/tiny"


def test_a_token_that_may_not_write_is_told_before_the_training(hub, job, tiny_recipe, tones_root, tmp_path):
    done = job(str(tiny_recipe), "--repo", "other/tiny", "--data_root", str(tones_root))
    assert done.returncode == 2
    assert re.search("^hf_job: other/tiny cannot be made: HTTP 403, ", done.stderr, re.MULTILINE)
    assert not (tmp_path / "job").exists()
    assert hub.repos == {}


def test_uv_reads_what_it_needs(root):
    text = (root / SCRIPT).read_text(encoding="utf-8")
    (found,) = [match for match in _PEP_723_REGEX.finditer(text) if match["type"] == "script"]
    lines = found["content"].splitlines(keepends=True)
    header = tomllib.loads("".join(line.removeprefix("#").removeprefix(" ") for line in lines))
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert header == {"requires-python": project["requires-python"], "dependencies": ["ser_hf"]}


def test_its_help_needs_nothing(root, tmp_path):
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-S", root / SCRIPT, "--help"]
    said = subprocess.run(command, cwd=tmp_path, env=bare, capture_output=True, text=True, check=True).stdout
    assert "--repo USER/NAME" in said
