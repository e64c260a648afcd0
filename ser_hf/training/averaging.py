"""One checkpoint from several: the average of their weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel, SequenceFeatureExtractor

from ser_hf.base.errors import CheckpointError

from .calibrating import TEMPERATURE, fold_temperature
from .checkpoint import load_checkpoint

_APART = ("_name_or_path", "transformers_version", "dtype", "torch_dtype", TEMPERATURE)
"""What a configuration says of how it was written, and the temperature, which is in the weights."""


def average_checkpoints(
    sources: Sequence[str | Path], shares: Sequence[float]
) -> tuple[PreTrainedModel, SequenceFeatureExtractor]:
    """Averages the weights of networks of one architecture, a "model soup".

    Good of fine-tunings of one pretrained checkpoint, which lie in one valley of the loss; the average of networks that
    began at different random weights knows nothing. Wortsman et al., ICML 2022, arXiv 2203.05482. The running means and
    variances of batch normalisation are averaged as the weights are, and not computed anew; counters are the first's.
    Dropout may differ: it acts in training alone. Heads are averaged as they were saved, each with its temperature in
    it; the average has none of its own.

    Args:
        sources: run folders; one is in memory at a time, beside the sum in float64.
        shares: how much each counts, positive.

    Returns:
        The network in evaluation mode, on the CPU, and the feature extractor of all.

    Raises:
        CheckpointError: one cannot be loaded, is no network, or differs from the first in its classes, its settings,
            its weights' names or shapes, or its feature extractor.
    """
    total: dict[str, torch.Tensor] = {}
    first, extractor = _network(sources[0])
    for source, share in zip(sources, shares, strict=True):
        model, hears = (first, extractor) if source is sources[0] else _network(source)
        _check(str(sources[0]), _said(first, extractor), str(source), _said(model, hears))
        for name, tensor in model.state_dict().items():
            if not tensor.is_floating_point():
                total.setdefault(name, tensor)
            elif name in total:
                total[name] += tensor.double() * (share / sum(shares))
            else:
                total[name] = tensor.double() * (share / sum(shares))
    first.load_state_dict(total)
    fold_temperature(first, 1.0)
    return first, extractor


def _network(source: str | Path) -> tuple[PreTrainedModel, SequenceFeatureExtractor]:
    model, extractor = load_checkpoint(source, "cpu")
    if not isinstance(model, PreTrainedModel):
        raise CheckpointError(f"{source} is {model.kind}; only the weights of networks are averaged")
    return model, extractor


def _said(model: PreTrainedModel, extractor: SequenceFeatureExtractor) -> dict[str, Any]:
    """Everything that must be the same, by names for people."""
    config = {k: v for k, v in model.config.to_dict().items() if k not in _APART and "drop" not in k}
    kind = config.pop("model_type")
    shapes = {f"the shape of {name}": tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    return {"model_type": kind, **config, **shapes, "the feature extractor": extractor.to_json_string()}


def _check(first: str, wanted: dict[str, Any], source: str, found: dict[str, Any]) -> None:
    for key in dict.fromkeys((*wanted, *found)):
        if wanted.get(key) != found.get(key):
            told = "" if key == "the feature extractor" else f" ({found.get(key)} and {wanted.get(key)})"
            raise CheckpointError(
                f"{source} differs from {first} in {key}{told}; weights are averaged of one architecture with the same "
                "classes and features; --by probabilities takes any"
            )
