"""Pretrained weights of a timm model: timm's own, from the Hub, or a local safetensors file of the same form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
        ValueError: there are no such weights, they do not fit, they are NaN or infinite, or the file is a pickle or
            broken.
    """
    import timm
    from safetensors import SafetensorError

    overlay, shapes = None, {}
    if weights is not None:
        path = Path(weights)
        if path.suffix != ".safetensors":
            raise ValueError(f"{path}: expected a .safetensors file; pickled weights (.bin, .pth, .pt) can run code")
        if not path.is_file():
            raise ValueError(f"{path}: there is no such weights file")
        shapes = _shapes(path)
        overlay = {"file": str(path)}
    elif not timm.is_model_pretrained(name):
        raise ValueError(f"timm has no pretrained weights for {name!r}; pass weights=FILE.safetensors")
    try:
        model = timm.create_model(name, pretrained=True, pretrained_cfg_overlay=overlay, in_chans=in_chans, **kwargs)
    except (RuntimeError, OSError, SafetensorError) as error:
        why = _misfit(shapes, name, kwargs) if shapes else ""
        told = f"{weights} is not of this model: {why}; give its own file, or the backbone that this one is of"
        said = told if why else f"{weights}: " * bool(shapes) + " ".join(str(error).split())
        raise ValueError(f"the pretrained weights of {name!r} cannot be loaded: {said}") from error
    state = dict(model.state_dict())
    broken = [key for key, tensor in state.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise ValueError(
            f"{weights if shapes else f'the weights for {name!r}'}: {len(broken)} of {len(state)} tensors hold NaN or "
            f"infinity, e.g. {broken[0]!r}; fetch or copy it again"
        )
    return state


def _misfit(found: dict[str, tuple[int, ...]], name: str, kwargs: dict[str, Any]) -> str:
    """What a file lacks, or has in another shape, of a timm model; nothing if all is there."""
    import timm

    state = timm.create_model(name, pretrained=False, **kwargs).state_dict()
    wanted = {key: tuple(tensor.shape) for key, tensor in state.items() if not key.endswith("num_batches_tracked")}
    lacking = [key for key in wanted if key not in found]
    if lacking:
        return f"it lacks {len(lacking)} of {len(wanted)} tensors, e.g. {lacking[0]!r}"
    other = next((key for key, shape in wanted.items() if found[key] != shape), None)
    return f"its {other!r} is {found[other]}, expected {wanted[other]}" if other else ""


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of a safetensors file: eight bytes of length, JSON, tensor data.

    Raises:
        ValueError: the header does not describe the file's size.
    """
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            start = file.read(8)
            if start == b"version ":
                raise ValueError("it is a Git-LFS pointer; run `git lfs pull` in its repository")
            length = int.from_bytes(start, "little")
            header = json.loads(file.read(min(length, size)))
        tensors = {name: tensor for name, tensor in header.items() if name != "__metadata__"}
        ends = [tensor["data_offsets"][1] for tensor in tensors.values()]
        shapes = {name: tuple(tensor["shape"]) for name, tensor in tensors.items()}
        for name, tensor in tensors.items():
            if tensor["shape"] and not tensor["dtype"].startswith(("F", "BF")):
                raise ValueError(f"{name!r} is of type {tensor['dtype']}, expected floating-point numbers")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path}: not a whole safetensors file ({error})") from error
    expected = 8 + length + max(ends, default=0)
    if size != expected:
        raise ValueError(f"{path}: not a whole safetensors file (its header says {expected} bytes, it has {size})")
    return shapes
