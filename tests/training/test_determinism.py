"""The same seed gives the same bytes, and PyTorch is left as it was."""

import os

import pytest
import torch

from ser_hf.base.errors import SerHfError
from ser_hf.training import deterministic

WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"


def state() -> tuple:
    cudnn = torch.backends.cudnn
    enabled, warned = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    return enabled, warned, cudnn.deterministic, cudnn.benchmark, os.environ.get(WORKSPACE)


@pytest.mark.parametrize("before", [None, ":16:8", "else"])
def test_everything_is_set_and_put_back(monkeypatch, before):
    monkeypatch.delenv(WORKSPACE, raising=False) if before is None else monkeypatch.setenv(WORKSPACE, before)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    was = state()
    with deterministic(False):
        assert state() == was
    with deterministic():
        assert state() == (True, False, True, False, ":16:8" if before == ":16:8" else ":4096:8")
    assert state() == was
    with pytest.raises(KeyError), deterministic():
        raise KeyError
    assert state() == was


def test_an_operation_without_such_a_kernel_is_named():
    where = torch.tensor([0, 1])
    with (
        pytest.raises(SerHfError, match=r"deterministic: the operation put_ has no deterministic kernel") as caught,
        deterministic(),
    ):
        torch.zeros(4).put_(where, torch.ones(2))
    assert "\n" not in str(caught.value)
    torch.zeros(4).put_(where, torch.ones(2))


def test_other_errors_go_through():
    with pytest.raises(RuntimeError, match="size"), deterministic():
        torch.zeros(2) + torch.zeros(3)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_seed_gives_the_same_bytes_whatever_the_workers(tiny_recipe, tiny_run, tmp_path, threads):
    from ser_hf.flows.train import train
    from ser_hf.training import load_recipe

    before, files = torch.get_num_threads(), []
    torch.set_num_threads(threads)
    try:
        for workers in (0, 0, 1, 2):
            folder = tmp_path / str(len(files))
            words = ["--output_dir", str(folder), "--deterministic", "true", "--dataloader_num_workers", str(workers)]
            results = train(load_recipe(tiny_recipe, words))
            assert results["training"]["deterministic"] is True
            files.append((folder / "model.safetensors").read_bytes())
    finally:
        torch.set_num_threads(before)
    assert len(set(files)) == 1
    assert not torch.are_deterministic_algorithms_enabled()
