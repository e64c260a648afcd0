"""Where a number comes from."""

import datetime
import importlib.metadata
import platform
import subprocess
from pathlib import Path

import pytest

import ser_hf
from ser_hf.base import provenance


def test_versions_are_those_installed():
    found = provenance.versions()
    assert found["ser_hf"] == ser_hf.__version__
    assert found["python"] == platform.python_version()
    for name in ("torch", "transformers", "datasets", "timm", "soxr"):
        assert found[name] == importlib.metadata.version(name)


def test_a_package_that_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setattr(provenance, "_PACKAGES", ("torch", "no-such-package"))
    assert set(provenance.versions()) - {"commit"} == {"python", "torch"}


def test_the_commit_is_that_of_the_checkout_with_a_plus_where_it_was_changed(monkeypatch, tmp_path):
    def git(*words: str) -> str:
        command = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@example.org", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    module = tmp_path / "package" / "base" / "provenance.py"
    module.parent.mkdir(parents=True)
    module.write_text("x = 1\n")
    monkeypatch.setattr(provenance, "__file__", str(module))
    assert "commit" not in provenance.versions()
    git("init")
    assert "commit" not in provenance.versions(), "there is no commit yet"
    git("add", ".")
    git("commit", "-m", "first")
    head = git("rev-parse", "--short", "HEAD")
    assert provenance.versions()["commit"] == head
    (tmp_path / "notes.txt").write_text("beside the package\n")
    assert provenance.versions()["commit"] == head
    module.write_text("x = 2\n")
    assert provenance.versions()["commit"] == f"{head}+"


def test_the_time_is_in_utc():
    then = datetime.datetime.fromisoformat(provenance.now())
    assert then.utcoffset() == datetime.timedelta(0)
    assert abs((datetime.datetime.now(datetime.UTC) - then).total_seconds()) < 60


@pytest.mark.parametrize("readable", [True, False])
def test_the_hardware_has_a_name_and_a_number_of_cores(monkeypatch, readable):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    if not readable:
        monkeypatch.setattr(Path, "read_text", lambda *_, **__: (_ for _ in ()).throw(OSError("no such file")))
    name, _, cores = provenance.hardware().rpartition(", ")
    assert name
    assert int(cores.removesuffix(" cores")) >= 1


def test_a_gpu_is_named(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda: "Some GPU")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert provenance.hardware() == "Some GPU, 2 visible"
