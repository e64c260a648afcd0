"""The same bits from the same seed: kernels that add up in one order, and a clear word where there is none."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ser_hf.base.errors import SerHfError

_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
_WORKSPACES = (":4096:8", ":16:8")
"""The sizes with which cuBLAS promises the same bits."""
_LACKING = re.compile(r"(\S+) does not have a deterministic implementation")


@contextmanager
def deterministic(wanted: bool = True, instead: str = "train on a CPU (--use_cpu true)") -> Iterator[None]:
    """Has PyTorch take kernels that give the same bits every time, and puts everything back afterwards.

    It asks for ``torch.use_deterministic_algorithms``, cuDNN without its search for the fastest kernel, and cuBLAS with
    a workspace of its own. The same seed on the same machine, with the same versions and as many threads and processes,
    then gives the same weights to the bit; other GPUs, versions or numbers of processes round otherwise. A CPU does so
    anyway but for a few operations.

    Args:
        wanted: False changes nothing.
        instead: what may be done where an operation has no such kernel, for the message.

    Raises:
        SerHfError: an operation has no such kernel on this device; the message names it.
    """
    if not wanted:
        yield
        return
    before = os.environ.get(_WORKSPACE)
    cudnn = torch.backends.cudnn
    flags = cudnn.deterministic, cudnn.benchmark
    was, warned = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        if before not in _WORKSPACES:
            os.environ[_WORKSPACE] = _WORKSPACES[0]
        cudnn.deterministic, cudnn.benchmark = True, False
        torch.use_deterministic_algorithms(True, warn_only=False)
        yield
    except RuntimeError as error:
        if (found := _lacking(error)) is None:
            raise
        raise SerHfError(f"deterministic: {found}; leave out deterministic, or {instead}") from error
    finally:
        torch.use_deterministic_algorithms(was, warn_only=warned)
        cudnn.deterministic, cudnn.benchmark = flags
        if before is None:
            os.environ.pop(_WORKSPACE, None)
        else:
            os.environ[_WORKSPACE] = before


def _lacking(error: RuntimeError) -> str | None:
    """What an error of PyTorch says that has no deterministic kernel; None if it says something else."""
    named = _LACKING.search(str(error))
    if named:
        return f"the operation {named[1]} has no deterministic kernel on this device"
    if _WORKSPACE in str(error):
        return f"cuBLAS was at work before it was told; start the program with {_WORKSPACE}={_WORKSPACES[0]}"
    return None
