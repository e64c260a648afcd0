"""Labels as shares of classes: smoothed, weighted, and the loss of them for models that take class ids alone."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from ser_hf.base.errors import RecipeError

from .ser_trainer import SerTrainer
from .weighted_sampling import WeightedTrainer


def check_smoothing(share: float) -> None:
    """Refuses a label smoothing that is no share.

    Raises:
        RecipeError: it is not 0 or more and below 1.
    """
    if not 0 <= share < 1:
        raise RecipeError(f"label_smoothing_factor is {share}; expected 0 or more and below 1")


def soft_labels(ids: torch.Tensor, num_classes: int, smoothing: float = 0.0) -> torch.Tensor:
    """Class ids ``(B,)`` as shares ``(B, C)`` that sum to 1, ``smoothing`` of each spread over all classes."""
    return smoothed(F.one_hot(ids, num_classes).float(), smoothing)


def smoothed(labels: torch.Tensor, share: float) -> torch.Tensor:
    """Spreads a share of every soft label ``(B, C)`` over all classes."""
    return labels * (1 - share) + share / labels.shape[-1]


def weighted(labels: torch.Tensor, weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Puts class weights into soft labels: the model's own cross-entropy of them is the weighted mean.

    For labels of one class each it is that of ``torch.nn.functional.cross_entropy(..., weight=weights)``. The labels,
    and not the trainer's ``compute_loss_func``, carry the weights: the loss of the validation stays what it is, and
    transformers neither averages a custom loss over accumulated batches nor leaves it unscaled under several processes.

    Args:
        labels: ``(B, C)``.
        weights: ``(C,)``, 0 or more.

    Returns:
        The labels, and what the batch weighs: `SerTrainer` weighs it against the other batches of its step.
    """
    scaled = labels * weights
    weight = scaled.sum().clamp_min(1e-12)
    return scaled * (len(labels) / weight), weight


class SoftLabelTrainer(SerTrainer):
    """A trainer for stock models: their own loss takes class ids, and ours are soft in training.

    The loss is the mean of a batch; the trainer weighs it by the batch's share of the step.

    Args:
        given: everything goes to `transformers.Trainer`.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.model_accepts_loss_kwargs = False  # their forward takes any, and heeds none

    def mean_loss(self, model: Any, inputs: dict[str, Any]) -> tuple[torch.Tensor, Any]:
        """The cross-entropy of labels ``(B,)`` or ``(B, C)``; of the outputs the logits, and no hidden states."""
        logits = model(**{name: value for name, value in inputs.items() if name != "labels"}).logits.float()
        loss = F.cross_entropy(logits, inputs["labels"])
        return loss, {"loss": loss, "logits": logits}


class WeightedSoftLabelTrainer(WeightedTrainer, SoftLabelTrainer):
    """Both of them."""
