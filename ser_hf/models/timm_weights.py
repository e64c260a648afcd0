"""Pretrained weights of a timm model: timm's own, from the Hub, or a local safetensors file of the same form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import timm
import torch


def pretrained_state(
    name: str, in_chans: int, kwargs: dict[str, Any], weights: str | Path | None
) -> dict[str, torch.Tensor]:
    """Gives the tensors of a whole timm model.

    For one channel timm sums the first convolution's weights over the colours: a spectrogram in one channel gives what
    it would give repeated in three. The whole model is loaded strictly, classifier and all, so that weights which do
    not fit are noticed.

    Args:
        name: of the timm model.
        in_chans: channels of its input.
        kwargs: further arguments of its constructor.
        weights: a safetensors file of the whole model; None fetches timm's own from the Hub.

    Raises:
        ValueError: there are no such weights, they do not fit, or the file is a pickle or broken.
    """
    overlay = None
    if weights is not None:
        path = Path(weights)
        if path.suffix != ".safetensors":
            raise ValueError(f"{path}: expected a .safetensors file; pickled weights (.bin, .pth, .pt) can run code")
        if not path.is_file():
            raise ValueError(f"{path}: there is no such weights file")
        _check_safetensors(path)
        overlay = {"file": str(path)}
    elif not timm.is_model_pretrained(name):
        raise ValueError(f"timm has no pretrained weights for {name!r}; pass weights=FILE.safetensors")
    try:
        model = timm.create_model(name, pretrained=True, pretrained_cfg_overlay=overlay, in_chans=in_chans, **kwargs)
    except (RuntimeError, OSError) as error:
        raise ValueError(f"the pretrained weights of {name!r} cannot be loaded: {error}") from error
    return dict(model.state_dict())


def _check_safetensors(path: Path) -> None:
    """Refuses a file whose header does not describe its size: eight bytes of length, JSON, tensor data."""
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            start = file.read(8)
            if start == b"version ":
                raise ValueError("it is a Git-LFS pointer; run `git lfs pull` in its repository")
            length = int.from_bytes(start, "little")
            header = json.loads(file.read(min(length, size)))
        ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: not a whole safetensors file ({error})") from error
    expected = 8 + length + max(ends, default=0)
    if size != expected:
        raise ValueError(f"{path}: not a whole safetensors file (its header says {expected} bytes, it has {size})")
