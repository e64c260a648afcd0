"""Packages that import their names on first use give every one of them, whatever was imported before."""

import importlib
import subprocess
import sys

import pytest

LAZY = ["ser_hf.features", "ser_hf.embeddings", "ser_hf.inference", "ser_hf.training"]


@pytest.mark.parametrize("package", LAZY)
def test_every_name_is_there_and_no_module_stands_in_its_way(package):
    module = importlib.import_module(package)
    modules = set(module._HOMES.values())
    for home in modules:
        importlib.import_module(f"{package}.{home}")
    for name in module.__all__:
        assert type(getattr(module, name)).__name__ != "module", name
    assert not modules & set(module.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        module.nothing  # noqa: B018


def test_asking_a_checkpoint_loads_no_datasets():
    code = "import sys, ser_hf.inference.classifier; sys.exit(str({'datasets', 'timm', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stderr.strip() == "set()"
