"""Learning rates by layer, and the two ways to keep weights small.

``weight_decay`` is decoupled (Loshchilov & Hutter 2019, arXiv:1711.05101): AdamW shrinks every weight by its learning
rate times the decay, whatever its gradient. ``l2`` is the penalty of most papers on speech emotion: ``l2 * weight`` is
added to the gradient, which Adam then divides by its size, so that weights with large gradients shrink less. It is the
``weight_decay`` of ``torch.optim.Adam``, and half the number of Keras' ``regularizers.l2``, whose penalty is the square
without the half. Here neither touches biases and the gains and shifts of normalisation (Keras: ``kernel_regularizer``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from transformers import Trainer, TrainingArguments

from ser_hf.base.errors import RecipeError

from .arguments import OptimiserArguments
from .layers import body_blocks, own_parameters
from .recipe import Recipe

_ADAMW = ("adamw_torch", "adamw_torch_fused")
_OPTIMISERS = (*_ADAMW, "sgd", "rmsprop", "adagrad")
"""Those that take groups of parameters, by transformers' names; the decay of all but AdamW is that of the gradient."""
_STEERED = ("reduce_lr_on_plateau", "greedy")
"""Schedules that set the rate by the validation score."""


def parameter_groups(
    model: nn.Module, rate: float, *, decay: float = 1.0, head_rate: float | None = None, weight_decay: float = 0.0
) -> list[dict[str, Any]]:
    """Groups of the parameters that learn, from the head down.

    Args:
        model: of any family.
        rate: learning rate of the head, and of all where ``decay`` is 1.
        decay: every block below has this share of the rate of the one above it.
        head_rate: of the head instead.
        weight_decay: of weight matrices; vectors (biases, gains and shifts) have none.
    """
    blocks = [[p for module in block for p in own_parameters(module)] for block in body_blocks(model)]
    body = {parameter for block in blocks for parameter in block}
    head = [parameter for parameter in model.parameters() if parameter not in body]
    by_rate: dict[float, dict[nn.Parameter, None]] = {}
    for depth, parameters in enumerate([head, *reversed(blocks)]):
        own = head_rate if depth == 0 and head_rate is not None else rate * decay**depth
        by_rate.setdefault(own, {}).update(dict.fromkeys(p for p in parameters if p.requires_grad))
    groups = [
        {"params": [p for p in parameters if (p.ndim > 1) is wide], "lr": own, "weight_decay": weight_decay * wide}
        for own, parameters in by_rate.items()
        for wide in (True, False)
    ]
    return [group for group in groups if group["params"]]


def make_optimiser(model: nn.Module, *, args: TrainingArguments, settings: OptimiserArguments) -> torch.optim.Optimizer:
    """The optimiser of the training arguments, with its parameters in groups; Adam in place of AdamW for ``l2``."""
    kind, options = Trainer.get_optimizer_cls_and_kwargs(args)
    if settings.l2 and kind is torch.optim.AdamW:
        kind = torch.optim.Adam
    groups = parameter_groups(
        model,
        args.learning_rate,
        decay=settings.layer_decay,
        head_rate=settings.head_learning_rate,
        weight_decay=settings.l2 or args.weight_decay,
    )
    optimiser: torch.optim.Optimizer = kind(groups, **options)
    return optimiser


def needs_groups(settings: OptimiserArguments) -> bool:
    """Whether transformers' own optimiser, of one rate and decoupled decay, will not do."""
    return settings.layer_decay != 1 or settings.head_learning_rate is not None or settings.l2 > 0


def check_optimiser(recipe: Recipe) -> None:
    """Checks what can be checked without a model.

    Raises:
        RecipeError: a value out of its range, or two that exclude each other.
    """
    settings, args = recipe.optimiser, recipe.training
    for name in ("freeze_layers", "gradual_unfreezing", "l2"):
        value = getattr(settings, name)
        if not 0 <= value < math.inf:
            raise RecipeError(f"{name} is {value}; expected 0 (off) or more")
    for name in ("layer_decay", "learning_rate_decay"):
        value = getattr(settings, name)
        if not 0 < value <= 1:
            raise RecipeError(f"{name} is {value}; expected more than 0, up to 1 (off)")
    if settings.head_learning_rate is not None and not 0 < settings.head_learning_rate < math.inf:
        raise RecipeError(f"head_learning_rate is {settings.head_learning_rate}; expected more than 0")
    if settings.l2 and args.weight_decay and "weight_decay" in recipe.given:
        raise RecipeError(
            f"l2 is {settings.l2} and weight_decay is {args.weight_decay}: a penalty in the gradient and a decoupled "
            "decay; choose one of them"
        )
    optimiser, schedule = (str(getattr(v, "value", v)) for v in (args.optim, args.lr_scheduler_type))
    if needs_groups(settings) and optimiser not in _OPTIMISERS:
        raise RecipeError(
            f"layer_decay, head_learning_rate and l2 go with optim {_listed(_OPTIMISERS)}, not with {optimiser}"
        )
    if settings.learning_rate_decay != 1 and schedule in _STEERED:
        raise RecipeError(f"learning_rate_decay is by the epoch, and lr_scheduler_type {schedule} by the score; choose")


def _listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}"
