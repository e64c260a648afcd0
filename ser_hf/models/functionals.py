"""Functionals: what the bins of a log-mel spectrogram and its cepstral coefficients do over the whole clip.

The classical features of the field (Schuller et al., INTERSPEECH 2009, doi 10.21437/Interspeech.2009-103), as a layer.
"""

from __future__ import annotations

import torch
from torch import nn

from .mfcc import cosines

PERCENTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_STATISTICS = len(PERCENTILES) + 4
_LARGEST = 1e9
_MARGIN = 1e-3


def valid_frames(spectrogram: torch.Tensor) -> torch.Tensor:
    """The frames of ``(B, n_mels, T)`` that are not padding, as booleans ``(B, T)``.

    In a frame of padding every bin is at the lowest level of the clip, whatever the scale; not so after a normalisation
    of every mel bin by itself, where no frame is taken for padding. A clip of one level is valid throughout.
    """
    lowest = spectrogram.amin(dim=(1, 2))[:, None]
    valid = spectrogram.amax(dim=1) > lowest + _MARGIN
    return valid | ~valid.any(dim=1, keepdim=True)


class Functionals(nn.Module):
    """Statistics over time of every mel bin and cepstral coefficient, and the share of the frames that are valid.

    The statistics are mean, deviation, `PERCENTILES`, and of the steps from frame to frame the mean size and the
    deviation. There is nothing to learn.

    Args:
        n_mels: mel bins.
        n_mfcc: cepstral coefficients, up to ``n_mels``; 0 for none.
    """

    def __init__(self, n_mels: int, n_mfcc: int) -> None:
        super().__init__()
        self.register_buffer("cosines", cosines(n_mfcc, n_mels).float() if n_mfcc else torch.zeros(0, n_mels))
        self.size = _STATISTICS * (n_mels + n_mfcc) + 1

    def forward(self, spectrogram: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
        """Gives ``(B, size)`` float32 of spectrograms ``(B, n_mels, T)`` and booleans ``(B, T)``, one of them true."""
        with torch.autocast(spectrogram.device.type, enabled=False):
            rows = torch.cat([spectrogram.float(), self.get_buffer("cosines").float() @ spectrogram.float()], dim=1)
            frames = valid.sum(dim=1, keepdim=True)
            steps, both = rows.diff(dim=2), valid[:, 1:] & valid[:, :-1]
            parts = [*_mean_and_deviation(rows, valid), *_percentiles(rows, valid, frames)]
            parts += [_mean_and_deviation(steps.abs(), both)[0], _mean_and_deviation(steps, both)[1]]
            return torch.cat([*parts, frames / valid.shape[1]], dim=1)


def _mean_and_deviation(rows: torch.Tensor, valid: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Of ``(B, R, T)`` over the valid frames, ``(B, R)`` each; zeros where there is none."""
    weights = valid[:, None].float()
    frames = weights.sum(dim=2).clamp_min(1.0)
    mean = (rows * weights).sum(dim=2) / frames
    variance = ((rows - mean[..., None]).square() * weights).sum(dim=2) / frames
    return mean, (variance + 1e-6).sqrt()  # the root of zero has no finite slope


def _percentiles(rows: torch.Tensor, valid: torch.Tensor, frames: torch.Tensor) -> list[torch.Tensor]:
    """Of ``(B, R, T)`` over the valid frames, ``(B, R)`` for each, as ``torch.quantile`` interpolates them."""
    ranked = rows.masked_fill(~valid[:, None], _LARGEST).sort(dim=2).values
    found = []
    for share in PERCENTILES:
        place = share * (frames - 1).float()
        low = place.floor().long()
        high = torch.minimum(low + 1, frames - 1)
        below, above = (ranked.gather(2, i[:, None].expand(-1, rows.shape[1], 1))[..., 0] for i in (low, high))
        found.append(below + (above - below) * (place - low))
    return found
