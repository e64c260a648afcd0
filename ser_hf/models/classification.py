"""What the spectrogram classifiers share: input check, initialisation, loss and output."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput


class SpectrogramClassifier(PreTrainedModel):
    """Base of models that take ``input_features (B, n_mels, n_frames)`` and give class logits ``(B, C)``.

    The configuration has ``n_mels`` and ``num_labels``. ``loss_function`` is the mean loss of logits and labels in
    training; it is not saved. In evaluation the loss is cross-entropy, so that runs can be compared.
    """

    main_input_name = "input_features"
    accepts_loss_kwargs = False

    def __init__(self, config: PreTrainedConfig) -> None:
        super().__init__(config)
        self.num_labels = len(config.id2label or {})
        self.loss_function = F.cross_entropy

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Initialises what is not loaded from a checkpoint: PyTorch's own start for linear, convolution and LSTM."""
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d | nn.LSTM):
            module.reset_parameters()
        else:
            super()._init_weights(module)  # type: ignore[no-untyped-call]

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
        logits: torch.Tensor,
        labels: torch.Tensor | None = None,
        attentions: tuple[torch.Tensor, ...] | None = None,
    ) -> SequenceClassifierOutput:
        """Wraps logits ``(B, C)``, with the loss where there are labels: ids ``(B,)`` or soft ``(B, C)``."""
        compute = self.loss_function if self.training else F.cross_entropy
        loss = None if labels is None else compute(logits.float(), labels)
        return SequenceClassifierOutput(loss=loss, logits=logits, attentions=attentions)
