"""bfloat16 where the hardware computes it, told by what the hardware says of itself."""

import pytest
import torch

from ser_hf.base.errors import RecipeError
from ser_hf.training.precision import use_bf16


@pytest.fixture
def machine(monkeypatch):
    """Pretends to be a machine: what its CPU can do, and what its GPU, if any, says of bfloat16."""

    def pretend(cpu: dict[str, bool], gpu: bool | None = None) -> None:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: cpu)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu is not None)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: gpu or including_emulation)

    return pretend


@pytest.mark.parametrize(
    ("cpu", "expected"),
    [
        ({}, False),
        ({"avx2": True, "avx512_f": True}, False),
        ({"avx512_bf16": False, "amx_bf16": False}, False),
        ({"avx512_bf16": True}, True),
        ({"avx512_bf16": False, "amx_bf16": True}, True),
    ],
)
def test_auto_asks_the_processor(machine, cpu, expected):
    machine(cpu)
    assert use_bf16("auto", use_cpu=False) is expected


@pytest.mark.parametrize("gpu", [True, False])
def test_auto_asks_the_gpu_first_and_emulation_does_not_count(machine, gpu):
    machine({"avx512_bf16": not gpu}, gpu)
    assert use_bf16("auto", use_cpu=False) is gpu
    assert use_bf16("auto", use_cpu=True) is not gpu


def test_a_word_of_command_is_followed(machine):
    machine({"avx512_bf16": True}, True)
    assert use_bf16("fp32", use_cpu=False) is False
    machine({})
    assert use_bf16("bf16", use_cpu=True) is True


def test_another_word_is_refused():
    with pytest.raises(RecipeError, match="precision 'float16': expected one of auto, bf16, fp32"):
        use_bf16("float16", use_cpu=True)
