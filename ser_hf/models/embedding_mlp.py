"""A small perceptron on the layers of a frozen encoder, which learns how much of each layer to take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from .classification import SpectrogramClassifier, SpectrogramConfig, SpectrogramOutput
from .dense_head import HeadNorm, dense_head


class EmbeddingMlpConfig(SpectrogramConfig):  # type: ignore[no-untyped-call]
    """Configuration of `EmbeddingMlpForAudioClassification`.

    Attributes:
        n_mels: layers of the encoder: the rows of a clip's features.
        embedding_size: numbers in the vector of a layer.
        hidden_sizes: units of the hidden layers; none: a linear probe.
        input_dropout: share of a layer's numbers that are dropped in training.
        dropout: after every hidden layer.
    """

    model_type = "embedding_mlp"

    n_mels: int = 1
    embedding_size: int = 512
    hidden_sizes: Sequence[int] = (256,)
    input_dropout: float = 0.2
    dropout: float = 0.5

    def __post_init__(self, **kwargs: Any) -> None:
        """Checks the settings.

        Raises:
            ValueError: a size is below 1, or a dropout is no share.
        """
        super().__post_init__(**kwargs)
        self.hidden_sizes = list(self.hidden_sizes)
        for name in ("n_mels", "embedding_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"model setting {name} is {getattr(self, name)}, expected 1 or more")
        if any(size < 1 for size in self.hidden_sizes):
            raise ValueError(f"model setting hidden_sizes is {self.hidden_sizes}, expected numbers of 1 or more")
        for name in ("input_dropout", "dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"model setting {name} is {getattr(self, name)}, expected 0 or more and below 1")


class EmbeddingMlpForAudioClassification(SpectrogramClassifier):
    """Standardised layers, summed by learned shares, then hidden layers: ``(B, n_mels, embedding_size)`` -> logits.

    The sum of layers is that of Yang et al. (2021), SUPERB, doi 10.21437/Interspeech.2021-1775.
    """

    config_class = EmbeddingMlpConfig

    def __init__(self, config: EmbeddingMlpConfig) -> None:
        super().__init__(config)
        self.norm = HeadNorm(config.n_mels * config.embedding_size, affine=False)
        self.layer_weights = nn.Parameter(torch.zeros(config.n_mels))
        self.dropout = nn.Dropout(config.input_dropout)
        self.classifier = dense_head(config.embedding_size, config.hidden_sizes, self.num_outputs, config.dropout)
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(
        self,
        input_features: torch.Tensor,
        labels: torch.Tensor | None = None,
        targets: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> SpectrogramOutput:
        """Classifies clips.

        Args:
            input_features: vectors of layers ``(B, n_mels, embedding_size)``.
            labels: ids ``(B,)`` or shares ``(B, C)``, for a loss.
            targets: ratings ``(B, T)``, NaN where there are none.
            kwargs: ignored.

        Raises:
            ValueError: the shape is another.
        """
        self.check_input(input_features)
        if input_features.shape[-1] != self.config.embedding_size:
            raise ValueError(
                f"expected embeddings of {self.config.embedding_size} numbers, found {input_features.shape[-1]}; does "
                "the feature extractor belong to this model?"
            )
        normed = self.norm(input_features.flatten(1).float()).view_as(input_features)
        mixed = (normed * self.layer_weights.softmax(dim=0)[:, None]).sum(dim=1)
        return self.output(self.classifier(self.dropout(mixed)), labels, targets=targets)
