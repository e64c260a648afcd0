"""What the spectrogram classifiers share: input check, initialisation, loss and output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput


@dataclass
class SpectrogramOutput(SequenceClassifierOutput):
    """What a spectrogram classifier gives.

    Attributes:
        dimensions: ratings ``(B, T)`` of ``config.targets`` on the scale of the training data; None without targets.
    """

    dimensions: torch.Tensor | None = None


class SpectrogramConfig(PreTrainedConfig):
    """What the configurations of spectrogram classifiers share.

    Attributes:
        targets: dimensions that are rated beside the classes, e.g. ``["arousal", "valence"]``.
        target_mean: their means over the training data, which a rating of 0 stands for inside.
        target_std: their deviations.
        target_weight: share of the ratings in the loss, ``1 - CCC``; the classes have the rest.
    """

    targets: Sequence[str] = ()
    target_mean: Sequence[float] = ()
    target_std: Sequence[float] = ()
    target_weight: float = 0.5

    def __post_init__(self, **kwargs: Any) -> None:
        """Checks the settings.

        Raises:
            ValueError: means and deviations do not pair with the targets, or the weight is no share.
        """
        super().__post_init__(**kwargs)  # type: ignore[no-untyped-call]
        for name in ("targets", "target_mean", "target_std"):
            setattr(self, name, list(getattr(self, name)))
        if not len(self.targets) == len(self.target_mean) == len(self.target_std):
            raise ValueError(f"expected one target_mean and one target_std for each of the targets {self.targets}")
        if not 0 <= self.target_weight <= 1:
            raise ValueError(f"model setting target_weight is {self.target_weight}, expected 0 to 1")


def ccc_loss(predicted: torch.Tensor, rated: torch.Tensor) -> torch.Tensor:
    """``1 - CCC``, the mean over targets; Lin (1989), doi 10.2307/2532051.

    The concordance correlation coefficient of a batch: ``2 cov / (var + var + (mean - mean)^2)``.

    Args:
        predicted: ``(B, T)``.
        rated: ``(B, T)``; NaN where nobody rated. A target with fewer than two ratings, or of which neither side
            varies, is left out.

    Returns:
        A number from 0 to 2; 0 where no target is left.
    """
    there = torch.isfinite(rated)
    count = there.sum(dim=0)
    known, guess = torch.where(there, rated, 0.0), torch.where(there, predicted, 0.0)
    means = known.sum(dim=0) / count.clamp_min(1), guess.sum(dim=0) / count.clamp_min(1)
    one, other = (torch.where(there, x - mean, 0.0) for x, mean in zip((known, guess), means, strict=True))
    scale = (one**2).sum(dim=0) + (other**2).sum(dim=0) + count * (means[0] - means[1]) ** 2
    used = (count > 1) & (scale > 0)
    loss = 1 - 2 * (one * other).sum(dim=0) / torch.where(used, scale, 1.0)
    return torch.where(used, loss, 0.0).sum() / used.sum().clamp_min(1)


class SpectrogramClassifier(PreTrainedModel):
    """Base of models that take ``input_features (B, n_mels, n_frames)`` and give class logits ``(B, C)``.

    The configuration has ``n_mels`` and ``num_labels``. ``loss_function`` is the mean loss of logits and labels in
    training; it is not saved. In evaluation the loss is cross-entropy, so that runs can be compared. With targets, the
    last layer has ``num_outputs`` units: the classes, then the ratings.
    """

    main_input_name = "input_features"
    accepts_loss_kwargs = False

    def __init__(self, config: SpectrogramConfig) -> None:
        super().__init__(config)
        self.num_labels = len(config.id2label or {})
        self.num_outputs = self.num_labels + len(config.targets)
        self.loss_function = F.cross_entropy

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Initialises what is not loaded from a checkpoint: PyTorch's own start for linear, convolution and LSTM."""
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d | nn.LSTM):
            module.reset_parameters()
        else:
            super()._init_weights(module)  # type: ignore[no-untyped-call]

    def get_input_embeddings(self) -> None:  # type: ignore[override]
        """There are none: FSDP asks."""

    def check_input(self, input_features: torch.Tensor) -> None:
        """Refuses what is not a batch of spectrograms of the configured number of mel bins.

        Raises:
            ValueError: the shape is not ``(B, n_mels, n_frames)``.
        """
        if input_features.ndim != 3 or input_features.shape[1] != self.config.n_mels:
            raise ValueError(
                f"expected input_features of shape (batch, n_mels={self.config.n_mels}, n_frames), "
                f"found {tuple(input_features.shape)}; does the feature extractor belong to this model?"
            )

    @staticmethod
    def as_image(spectrogram: torch.Tensor) -> torch.Tensor:
        """Views ``(B, n_mels, T)`` as an image ``(B, 1, n_mels, T)`` in channels-last order.

        Convolutions, batch normalisation and pooling keep the order of their input; on a CPU this one trains a third
        faster than the default.
        """
        return spectrogram.unsqueeze(-1).permute(0, 3, 1, 2)

    def output(
        self,
        scores: torch.Tensor,
        labels: torch.Tensor | None = None,
        attentions: tuple[torch.Tensor, ...] | None = None,
        targets: torch.Tensor | None = None,
    ) -> SpectrogramOutput:
        """Wraps scores ``(B, num_outputs)``, with the loss where there are labels.

        Args:
            scores: of the last layer.
            labels: ids ``(B,)`` or soft ``(B, C)``.
            attentions: to pass on.
            targets: ratings ``(B, T)``, NaN where there are none.
        """
        logits, dimensions = scores[:, : self.num_labels], self._dimensions(scores[:, self.num_labels :])
        compute = self.loss_function if self.training else F.cross_entropy
        loss = None if labels is None else compute(logits.float(), labels)
        if loss is not None and dimensions is not None and targets is not None:
            weight = self.config.target_weight
            loss = (1 - weight) * loss + weight * ccc_loss(dimensions, targets.float())
        return SpectrogramOutput(loss=loss, logits=logits, attentions=attentions, dimensions=dimensions)

    def _dimensions(self, ratings: torch.Tensor) -> torch.Tensor | None:
        """Ratings on the scale of the data."""
        if not self.config.targets:
            return None
        std, mean = (
            ratings.new_tensor(list(x), dtype=torch.float32) for x in (self.config.target_std, self.config.target_mean)
        )
        return ratings.float() * std + mean
