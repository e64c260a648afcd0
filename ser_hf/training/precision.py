"""Which precision the hardware at hand computes fast."""

from __future__ import annotations

import torch

from ser_hf.base.errors import RecipeError
from ser_hf.base.precision import has_bf16

PRECISIONS = ("auto", "bf16", "fp32")


def use_bf16(precision: str, *, use_cpu: bool) -> bool:
    """Whether to train under bfloat16 autocast.

    Args:
        precision: ``bf16``, ``fp32``, or ``auto``: bfloat16 on a GPU that has it and on a CPU with AVX512-BF16 or AMX,
            where ResNet34 trains 2.6 times faster than in float32; elsewhere a CPU only imitates it, slowly.
        use_cpu: stay on the CPU although there is a GPU.

    Raises:
        RecipeError: another word.
    """
    if precision not in PRECISIONS:
        raise RecipeError(f"precision {precision!r}: expected one of {', '.join(PRECISIONS)}")
    if precision != "auto":
        return precision == "bf16"
    return has_bf16(torch.device("cuda" if torch.cuda.is_available() and not use_cpu else "cpu"))
