"""Losses in training beside cross-entropy."""

from __future__ import annotations

import math
from functools import partial

import torch
from torch.nn import functional as F
from transformers import PreTrainedModel

from ser_hf.base.errors import RecipeError, unknown
from ser_hf.models import SpectrogramClassifier

from .arguments import LossArguments

LOSSES = ("cross_entropy", "focal")
SOFT_LABELS = ("none", "votes")
_LEAST = 1e-6


def focal_loss(logits: torch.Tensor, labels: torch.Tensor, gamma: float) -> torch.Tensor:
    """Cross-entropy in which a class counts less, the surer the model is of it: ``-y (1 - p)^gamma log p``.

    Lin et al. (2017). Focal Loss for Dense Object Detection, doi 10.1109/ICCV.2017.324. It is linear in the labels: of
    a mixed clip it is the mixture of the losses, and class weights in soft labels are the paper's alpha.

    Args:
        logits: ``(B, C)``.
        labels: class ids ``(B,)``, or soft labels ``(B, C)``, whose rows may sum to more or less than 1.
        gamma: 0 or more; 0 is cross-entropy.

    Returns:
        The mean over the batch.
    """
    if labels.ndim == 1:
        labels = F.one_hot(labels, logits.shape[-1]).to(logits.dtype)
    log_p = logits.log_softmax(dim=-1)
    doubt = (-log_p.expm1()).clamp_min(_LEAST)  # at 0 a power below 1 has no finite slope
    return -(labels * doubt**gamma * log_p).sum(dim=-1).mean()


def check_loss(settings: LossArguments, given: frozenset[str]) -> None:
    """Checks the settings of the loss.

    Raises:
        RecipeError: an unknown name, ``focal_gamma`` out of its range or without its loss.
    """
    if settings.loss not in LOSSES:
        raise RecipeError(unknown("loss", settings.loss, LOSSES))
    if settings.soft_labels not in SOFT_LABELS:
        raise RecipeError(unknown("soft_labels", settings.soft_labels, SOFT_LABELS))
    if not 0 <= settings.focal_gamma < math.inf:
        raise RecipeError(f"focal_gamma is {settings.focal_gamma}; expected 0 (cross-entropy) or more")
    if "focal_gamma" in given and settings.loss != "focal":
        raise RecipeError(f"focal_gamma is {settings.focal_gamma}, and loss is {settings.loss}; add `loss: focal`")


def set_loss(model: PreTrainedModel, settings: LossArguments) -> None:
    """Tells the model which loss to compute in training; the validation's stays cross-entropy.

    The model, and not the trainer's ``compute_loss_func``, computes it, for the reasons given at
    `ser_hf.training.soft_labels.weighted`: the trainer averages a model's loss over accumulated batches and processes.

    Raises:
        RecipeError: the model computes a loss of its own.
    """
    if settings.loss == "cross_entropy":
        return
    if not isinstance(model, SpectrogramClassifier):
        raise RecipeError(
            f"loss: {settings.loss} is for ser_hf's own models; {model.config.model_type} has its own loss"
        )
    model.loss_function = partial(focal_loss, gamma=settings.focal_gamma)
