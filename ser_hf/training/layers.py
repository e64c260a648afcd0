"""The layers of any model, in the order of its modules: what is frozen, and what learns at which rate."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.utils.parametrize import is_parametrized

Layer = tuple[nn.Module, ...]
"""Modules that hold parameters or running statistics themselves, and go together."""

_HEADS = ("classifier", "pooling", "projector")
"""Parts that are new to every task, by the names transformers and this package give them."""


def body_layers(model: nn.Module) -> list[Layer]:
    """The layers before the head, from the input up.

    A layer is a module with a weight matrix (convolution, linear, recurrent, embedding) and the normalisation after it.
    Normalisation at the start of the model or of a block belongs to the layer it feeds.
    """
    layers: list[list[nn.Module]] = []
    for block in body_blocks(model):
        first: list[nn.Module] = []
        started = False
        for module in block:
            if has_matrix(module):
                layers.append([*first, module])
                first, started = [], True
            else:
                (layers[-1] if started else first).append(module)
    return [tuple(layer) for layer in layers]


def body_blocks(model: nn.Module) -> list[Layer]:
    """The same in larger pieces: an entry of a list or chain of modules (residual or transformer block) is one."""
    named = [(_block_of(model, name), module) for name, module in _body(model)]
    wide = {block for block, module in named if has_matrix(module)}
    blocks: dict[str, list[nn.Module]] = {}
    first: list[nn.Module] = []
    for block, module in named:
        if block in wide:
            blocks.setdefault(block, first).append(module)
            first = []
        else:  # normalisation on its own follows the block before it
            (next(reversed(blocks.values())) if blocks else first).append(module)
    return [tuple(block) for block in blocks.values()]


def own_parameters(module: nn.Module) -> list[nn.Parameter]:
    """Those the module holds itself, under a weight normalisation too."""
    return list(module.parameters(recurse=is_parametrized(module)))


def has_matrix(module: nn.Module) -> bool:
    """Whether the module weighs its inputs, and does not only shift and scale them.

    WavLM's attention itself holds one number per head, in four dimensions; its matrices are in modules of their own.
    """
    simple = next(module.children(), None) is None or is_parametrized(module)
    own = [parameter.shape for parameter in own_parameters(module)]
    return any(len(shape) > 1 and (simple or sum(size > 1 for size in shape) > 1) for shape in own)


def has_statistics(module: nn.Module) -> bool:
    """Whether the module keeps running statistics of what it sees in training, as batch normalisation does."""
    return isinstance(module, _NormBase) and module.running_mean is not None


def _body(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Named modules that hold something, without those of the head; what the model itself holds is of the head."""
    heads = [name for name, _ in model.named_children() if name in _HEADS] or [list(model._modules)[-1]]
    inside: str | None = None
    for name, module in model.named_modules():
        if not name or name.split(".")[0] in heads or (inside and name.startswith(inside)):
            continue
        if own_parameters(module) or has_statistics(module):
            inside = f"{name}." if is_parametrized(module) else None
            yield name, module


def _block_of(model: nn.Module, name: str) -> str:
    """The name up to the first entry of a list or chain of modules; a module in none is a block of its own."""
    path = ""
    for part in name.split("."):
        parent = model.get_submodule(path)
        path = f"{path}.{part}".lstrip(".")
        if isinstance(parent, nn.ModuleList | nn.Sequential):
            return path
    return name
