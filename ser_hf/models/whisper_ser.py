"""Whisper's encoder over the true length of clips, and a classifier on it."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers import WhisperConfig
from transformers import initialization as init
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.models.whisper.modeling_whisper import WhisperEncoder, WhisperPreTrainedModel

from .pooling import POOLINGS, Pooling


class WhisperSerConfig(WhisperConfig):  # type: ignore[no-untyped-call]
    """Configuration of `WhisperSerForAudioClassification`; what is not here is transformers' own.

    Attributes:
        pooling: over time: ``mean``, ``mean_std`` or ``attention``.
        classifier_dropout: before the last layer.
        mask_time_prob: share of the frames that is masked in training (SpecAugment, Park et al. 2019,
            doi 10.21437/Interspeech.2019-2680); as everything about masks it counts with ``apply_spec_augment``.
    """

    model_type = "whisper_ser"

    pooling: str = "mean_std"
    classifier_dropout: float = 0.1

    def __post_init__(self, **kwargs: Any) -> None:
        """Checks the settings.

        Raises:
            ValueError: the pooling is unknown, or the dropout is no share.
        """
        super().__post_init__(**kwargs)  # type: ignore[no-untyped-call]
        if self.pooling not in POOLINGS:
            raise ValueError(f"model setting pooling is {self.pooling!r}, expected one of {', '.join(POOLINGS)}")
        dropout: Any = self.classifier_dropout  # a file may say anything
        if not (isinstance(dropout, float | int) and 0 <= dropout < 1):
            raise ValueError(f"model setting classifier_dropout is {dropout!r}, expected a number in [0, 1)")


class WhisperSerForAudioClassification(WhisperPreTrainedModel):
    """Class logits of Whisper's encoder over clips of any length up to 30 s.

    The stock encoder takes 30 s of every clip, of which a short one leaves most to silence. Here positions are cut to
    the longest clip of a batch and padding is neither attended to nor pooled, so that a clip's logits are those it has
    alone. Weights have the stock names; the classifier is another: normalised layers, summed by learned shares where
    ``use_weighted_layer_sum``, pooled, projected. Radford et al. (2023), Whisper, arXiv 2212.04356.
    """

    config_class = WhisperSerConfig
    main_input_name = "input_features"
    accepts_loss_kwargs = False

    def __init__(self, config: WhisperSerConfig) -> None:
        super().__init__(config)  # type: ignore[no-untyped-call]
        self.encoder = WhisperEncoder(config)
        if config.use_weighted_layer_sum:
            layers = config.encoder_layers + 1  # and what the first one takes
            self.layer_weights = nn.Parameter(torch.ones(layers) / layers)
        self.pooling = Pooling(config.d_model, config.pooling)
        self.projector = nn.Linear(POOLINGS[config.pooling] * config.d_model, config.classifier_proj_size)
        self.dropout = nn.Dropout(config.classifier_dropout)
        self.classifier = nn.Linear(config.classifier_proj_size, len(config.id2label or {}))
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(
        self,
        input_features: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> SequenceClassifierOutput:
        """Classifies clips.

        Args:
            input_features: log-mel ``(B, n_frames, num_mel_bins)``.
            attention_mask: ``(B, n_frames)``, 1 where a clip is; None: everywhere.
            labels: ids ``(B,)`` or shares ``(B, C)``, for a loss.
            kwargs: ignored.

        Raises:
            ValueError: the shape is another, or a clip is longer than there are positions.
        """
        last = not self.config.use_weighted_layer_sum
        states, heard = encode(self.encoder, self._masked(input_features, attention_mask), attention_mask)
        hidden = self.encoder.layer_norm(states[-1]) if last else self._mixed(states)
        pooled = self.pooling(hidden, heard).to(self.dtype)  # pooled in float32, whatever the weights are
        scores = self.classifier(self.dropout(F.gelu(self.projector(pooled))))
        loss = None if labels is None else F.cross_entropy(scores.float(), labels)
        return SequenceClassifierOutput(loss=loss, logits=scores)

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)  # type: ignore[no-untyped-call]
        if module is self and self.config.use_weighted_layer_sum:
            init.constant_(self.layer_weights, 1 / len(self.layer_weights))

    def _mixed(self, states: list[torch.Tensor]) -> torch.Tensor:
        shares = self.layer_weights.softmax(dim=0)
        normed = (F.layer_norm(state.float(), state.shape[-1:]) for state in states)
        return torch.stack([share * state for share, state in zip(shares, normed, strict=True)]).sum(dim=0)

    def _masked(self, features: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """SpecAugment in training: spans of frames and bands at the clip's mean."""
        config = self.config
        if not (self.training and config.apply_spec_augment):
            return features
        batch, frames, bands = features.shape
        lengths = torch.full((batch,), frames) if mask is None else mask.sum(dim=1).cpu()
        hidden = torch.zeros(batch, frames, bands, dtype=torch.bool)
        for i, length in enumerate(lengths.tolist()):
            for start, end in _spans(length, config.mask_time_prob, config.mask_time_length):
                hidden[i, start:end] = True
            for start, end in _spans(bands, config.mask_feature_prob, config.mask_feature_length):
                hidden[i, :, start:end] = True
        share = torch.ones_like(features[..., :1]) if mask is None else mask[..., None].to(features.dtype)
        mean = (features * share).sum(dim=(1, 2), keepdim=True) / (bands * share.sum(dim=(1, 2), keepdim=True))
        return torch.where(hidden.to(features.device), mean, features)


def encode(
    encoder: WhisperEncoder, input_features: torch.Tensor, attention_mask: torch.Tensor | None = None
) -> tuple[list[torch.Tensor], torch.Tensor | None]:
    """What every layer of a stock encoder makes of clips at their true length.

    Numerically the stock encoder's own forward pass on as many frames as the clip has: convolutions see zeros beyond a
    clip, attention does not see padding.

    Args:
        encoder: of Whisper.
        input_features: log-mel ``(B, n_frames, num_mel_bins)``.
        attention_mask: ``(B, n_frames)``, 1 where a clip is; None: everywhere.

    Returns:
        Input of the first layer and output of each, ``(B, ceil(n_frames / 2), d_model)``, before the norm of the last;
        and which of these frames are the clip's ``(B, ceil(n_frames / 2))`` bool, or None for all.

    Raises:
        ValueError: the shape is another, or a clip is longer than there are positions.
    """
    if input_features.ndim != 3 or input_features.shape[-1] != encoder.num_mel_bins:
        raise ValueError(
            f"expected input_features of shape (batch, n_frames, {encoder.num_mel_bins}), found "
            f"{tuple(input_features.shape)}; does the feature extractor belong to this model?"
        )
    positions = encoder.embed_positions.weight
    if input_features.shape[1] > 2 * len(positions):
        raise ValueError(
            f"expected {2 * len(positions)} frames or fewer, found {input_features.shape[1]}; cut the clip"
        )
    heard = None if attention_mask is None or bool(attention_mask.all()) else attention_mask.bool()
    hidden = input_features.transpose(1, 2)
    if heard is not None:
        hidden = hidden * heard[:, None]
    hidden = F.gelu(encoder.conv1(hidden))
    if heard is not None:
        hidden = hidden * heard[:, None]
        heard = heard[:, ::2]
    hidden = F.gelu(encoder.conv2(hidden)).transpose(1, 2)
    hidden = hidden + positions[: hidden.shape[1]]
    hidden = F.dropout(hidden, p=encoder.dropout, training=encoder.training)
    attended = None if heard is None else _attended(heard, hidden)
    states = [hidden]
    for layer in encoder.layers:
        dropped = encoder.training and encoder.layerdrop > 0 and float(torch.rand(())) < encoder.layerdrop
        hidden = hidden if dropped else layer(hidden, attended)
        states.append(hidden)
    return states, heard


def _attended(heard: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """What is added to attention scores: 0 for a clip's frames, and what makes an exponential of 0 for padding."""
    mask = torch.zeros(len(heard), 1, heard.shape[1], heard.shape[1], dtype=hidden.dtype, device=hidden.device)
    return mask.masked_fill(~heard[:, None, None], torch.finfo(hidden.dtype).min)


def _spans(length: int, share: float, width: int) -> list[tuple[int, int]]:
    """Random spans over about a share of a length; by chance one more or less."""
    if not share or not length:
        return []
    width = min(width, length)
    number = int(share * length / width + torch.rand(()).item())
    starts = torch.randint(0, length - width + 1, (number,)).tolist()
    return [(start, start + width) for start in starts]
