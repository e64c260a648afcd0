"""The classifier behind pooled features: one linear layer, or hidden layers before it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F


class HeadNorm(nn.BatchNorm1d):
    """Batch normalisation of ``(B, D)`` that takes a batch of one clip, too.

    The last batch of an epoch may be one. It has no variance, so it is normalised by the running statistics and adds
    nothing to them.
    """

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Normalises ``(B, D)``."""
        if self.training and len(hidden) == 1:
            return F.batch_norm(hidden, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(hidden)


def dense_head(size: int, hidden: Sequence[int], classes: int, dropout: float) -> nn.Module:
    """Gives ``(B, size)`` -> logits ``(B, classes)``.

    Args:
        size: features.
        hidden: units of hidden layers; each is linear, ReLU, batch normalisation and dropout. None: one linear layer.
        classes: of the labels.
        dropout: after every hidden layer.
    """
    layers: list[nn.Module] = []
    for units in hidden:
        layers += [nn.Linear(size, units), nn.ReLU(), HeadNorm(units), nn.Dropout(dropout)]
        size = units
    classifier = nn.Linear(size, classes)
    return nn.Sequential(*layers, classifier) if layers else classifier
