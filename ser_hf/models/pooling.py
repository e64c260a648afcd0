"""Hidden states of a clip -> one vector, over the frames that are the clip's."""

from __future__ import annotations

import torch
from torch import nn

POOLINGS: dict[str, int] = {"mean": 1, "mean_std": 2, "attention": 2}
"""What can be taken over time -> how many numbers it makes of one: the mean, with the deviation, or both attentive."""


def moments(states: torch.Tensor, share: torch.Tensor, *, deviation: bool) -> torch.Tensor:
    """Weighted mean over time, and the deviation beside it.

    Args:
        states: ``(B, T, D)``.
        share: of every frame ``(B, T, 1)``, 0 or more and 1 together for a clip.
        deviation: give it as well.

    Returns:
        ``(B, D)``, or ``(B, 2 D)``.
    """
    mean = (states * share).sum(dim=1)
    if not deviation:
        return mean
    variance = ((states - mean[:, None]) ** 2 * share).sum(dim=1)
    return torch.cat([mean, variance.clamp_min(1e-10).sqrt()], dim=-1)


def even(states: torch.Tensor, heard: torch.Tensor | None) -> torch.Tensor:
    """The same share ``(B, T, 1)`` for every frame of a clip, of states ``(B, T, D)``; ``heard (B, T)`` says which."""
    if heard is None:
        return states.new_full((*states.shape[:2], 1), 1 / states.shape[1])
    share = heard.to(states.dtype)[:, :, None]
    return share / share.sum(dim=1, keepdim=True).clamp_min(1)


class Pooling(nn.Module):
    """Mean, mean and deviation, or attentive statistics of ``(B, T, size)``.

    Okabe et al., Attentive Statistics Pooling, Interspeech 2018, doi 10.21437/Interspeech.2018-993.

    Args:
        size: features of a frame.
        how: one of `POOLINGS`.
        hidden: units of the attention.
    """

    def __init__(self, size: int, how: str, hidden: int = 128) -> None:
        super().__init__()
        self.deviation = POOLINGS[how] == 2
        self.score = (
            nn.Sequential(nn.Linear(size, hidden), nn.Tanh(), nn.Linear(hidden, 1)) if how == "attention" else None
        )

    def forward(self, states: torch.Tensor, heard: torch.Tensor | None = None) -> torch.Tensor:
        """Gives ``(B, size)`` or ``(B, 2 size)`` float32 of states ``(B, T, size)``; ``heard (B, T)`` bool."""
        states = states.float()
        if self.score is None:
            return moments(states, even(states, heard), deviation=self.deviation)
        weight = next(self.score.parameters())
        score = self.score(states.to(weight.dtype)).float()
        if heard is not None:
            score = score.masked_fill(~heard[:, :, None], -torch.inf)
        return moments(states, score.softmax(dim=1), deviation=True)
