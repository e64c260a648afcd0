"""Low-rank adapters: trained in place of the encoder's weights, and merged into them before a model is saved.

Hu et al. (2022). LoRA: Low-Rank Adaptation of Large Language Models, arXiv 2106.09685.
"""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedModel

from ser_hf.base.errors import RecipeError
from ser_hf.base.optional import require

from .families import Family
from .settings import TransformerSettings


def add_lora(model: PreTrainedModel, family: Family, settings: TransformerSettings) -> None:
    """Puts adapters into the encoder and freezes all else of it; the classifier stays as it is.

    They are put into the model itself rather than around it, so that the trainer's checkpoints, the choice of the best
    one and resuming are those of any other model.

    Raises:
        SerHfError: peft is not installed.
        RecipeError: the encoder has no layers of the names that are adapted.
    """
    peft: Any = require("peft", "lora")
    config = peft.LoraConfig(
        r=settings.lora_rank,
        lora_alpha=settings.lora_alpha or 2 * settings.lora_rank,
        lora_dropout=settings.lora_dropout,
        target_modules=list(family.adapted),
    )
    try:
        peft.inject_adapter_in_model(config, getattr(model, family.encoder))
    except ValueError as error:
        raise RecipeError(f"LoRA does not fit {settings.pretrained}: {error}") from error


def merge_lora(model: PreTrainedModel) -> PreTrainedModel:
    """Adds the adapters to the weights beside them and takes them out: a stock model again, with the same scores.

    A model without adapters is left as it is.
    """
    adapted = [(name, m) for name, m in model.named_modules() if hasattr(m, "lora_A") and hasattr(m, "merge")]
    for name, layer in adapted:
        layer.merge()
        model.set_submodule(name, layer.get_base_layer())
    return model
