"""CNN, bidirectional LSTM and additive attention on log-mel spectrograms: one family, its members by configuration.

After the CRNN with attention of Chen et al., "3-D convolutional recurrent neural networks with attention model for
speech emotion recognition", IEEE Signal Processing Letters 2018, doi 10.1109/LSP.2018.2860246. CNN, LSTM, CNN-LSTM and
CNN-BLSTM leave parts out; Deep Stride CNN (Mustaqeem & Kwon, Sensors 2020, doi 10.3390/s20010183) strides where
others pool.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from .classification import SpectrogramClassifier, SpectrogramConfig, SpectrogramOutput
from .dense_head import HeadNorm
from .functionals import Functionals, valid_frames


class CnnBlstmAttentionConfig(SpectrogramConfig):  # type: ignore[no-untyped-call]
    """Configuration of `CnnBlstmAttentionForAudioClassification`.

    Attributes:
        n_mels: mel bins of the input.
        conv_channels: channels of the convolution blocks.
        conv_pools: ``(mel, time)`` pooling of each block.
        downsampling: ``"pool"``: by max-pooling; ``"stride"``: by the convolution's own stride.
        conv_dropout: dropout of whole channels after each block.
        lstm_size: units of the LSTM in each direction.
        lstm_layers: stacked LSTM layers.
        attention_size: units of the attention's hidden layer.
        dense_size: units of the dense layer before the classifier.
        dropout: dropout before the LSTM, before and after the dense layer.
        use_cnn: False: the LSTM reads the mel frames.
        use_lstm: False: attention reads the convolution's output.
        bidirectional: False: the LSTM runs forward only.
        use_attention: False: the mean over time.
        functionals: True: the dense layer also sees `Functionals` of the spectrogram, through a layer of their own.
            Masks of SpecAugment disturb them.
        functionals_size: units of that layer.
        n_mfcc: cepstral coefficients among the functionals.
        mask_padding: frames of padding have no share in attention, mean and functionals; False: all frames are alike.
    """

    model_type = "cnn_blstm_attention"

    n_mels: int = 128
    conv_channels: Sequence[int] = (32, 64, 128, 256)
    conv_pools: Sequence[Sequence[int]] = ((2, 2), (2, 2), (2, 2), (2, 1))
    downsampling: str = "pool"
    conv_dropout: float = 0.1
    lstm_size: int = 128
    lstm_layers: int = 1
    attention_size: int = 128
    dense_size: int = 128
    dropout: float = 0.3
    use_cnn: bool = True
    use_lstm: bool = True
    bidirectional: bool = True
    use_attention: bool = True
    functionals: bool = False
    functionals_size: int = 256
    n_mfcc: int = 20
    mask_padding: bool = True

    def __post_init__(self, **kwargs: Any) -> None:
        """Checks the settings.

        Raises:
            ValueError: a size is not positive, a dropout not in ``[0, 1)``, channels and pools do not pair, or a
                setting is none of the known ones.
        """
        super().__post_init__(**kwargs)
        self.conv_channels = list(self.conv_channels)
        self.conv_pools = [list(pool) for pool in self.conv_pools]
        if len(self.conv_channels) != len(self.conv_pools) or any(len(pool) != 2 for pool in self.conv_pools):
            raise ValueError(
                f"expected one (mel, time) pair in conv_pools for each of conv_channels, "
                f"found conv_channels {self.conv_channels} and conv_pools {self.conv_pools}"
            )
        sizes = {name: [getattr(self, name)] for name in _SIZES}
        sizes |= {"conv_channels": self.conv_channels, "conv_pools": [n for pool in self.conv_pools for n in pool]}
        for name, values in sizes.items():
            if any(value < 1 for value in values):
                raise ValueError(f"model setting {name} holds {min(values)}, expected positive whole numbers")
        if self.downsampling not in DOWNSAMPLINGS:
            known = " or ".join(DOWNSAMPLINGS)
            raise ValueError(f"model setting downsampling is {self.downsampling!r}, expected {known}")
        if self.functionals and not 0 <= self.n_mfcc <= self.n_mels:
            raise ValueError(f"model setting n_mfcc is {self.n_mfcc}, expected 0 to n_mels, {self.n_mels}")
        for name in ("conv_dropout", "dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"model setting {name} is {getattr(self, name)}, expected a number in [0, 1)")


DOWNSAMPLINGS = ("pool", "stride")
_SIZES = ("n_mels", "lstm_size", "lstm_layers", "attention_size", "dense_size", "functionals_size")


class ConvEncoder(nn.Module):
    """Blocks of 3x3 convolution, batch normalisation, ReLU, max-pooling (or a stride) and dropout.

    ``(B, 1, n_mels, T)`` becomes ``(B, T', out_size)``: channels times the mel bins left. Pooling rounds up, so that
    any number of frames will do.
    """

    def __init__(self, config: CnnBlstmAttentionConfig) -> None:
        super().__init__()
        blocks, channels, mels, self.frames = [], 1, config.n_mels, 1
        strides = config.downsampling == "stride"
        for width, (mel_pool, time_pool) in zip(config.conv_channels, config.conv_pools, strict=True):
            pool = (mel_pool, time_pool)
            blocks.append(
                nn.Sequential(
                    nn.Conv2d(channels, width, 3, stride=pool if strides else 1, padding=1, bias=False),
                    nn.BatchNorm2d(width),
                    nn.ReLU(),
                    nn.Identity() if strides else nn.MaxPool2d(pool, ceil_mode=True),
                    nn.Dropout2d(config.conv_dropout),
                )
            )
            channels, mels, self.frames = width, -(-mels // mel_pool), self.frames * time_pool
        self.blocks = nn.Sequential(*blocks)
        self.out_size = channels * mels

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Encodes ``(B, 1, n_mels, T)`` as ``(B, T', out_size)``."""
        maps: torch.Tensor = self.blocks(image)
        return maps.permute(0, 3, 1, 2).flatten(2)


class AttentionPooling(nn.Module):
    """Additive attention (Bahdanau et al. 2015): a weighted mean over time, the weights from a one-layer network."""

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(size, hidden)
        self.score = nn.Linear(hidden, 1, bias=False)

    def forward(self, sequence: torch.Tensor, valid: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Pools ``(B, T, D)``: gives ``(B, D)`` and the weights ``(B, T)``, which sum to 1 over the valid frames."""
        scores = self.score(torch.tanh(self.hidden(sequence))).squeeze(-1)
        weights = scores.float().masked_fill(~valid, -torch.inf).softmax(dim=-1)
        return torch.einsum("bt,btd->bd", weights, sequence.float()), weights


class FunctionalsLayer(nn.Module):
    """`Functionals`, each with mean 0 and deviation 1 in training, outliers cut, and a dense layer of them."""

    def __init__(self, config: CnnBlstmAttentionConfig) -> None:
        super().__init__()
        self.functionals = Functionals(config.n_mels, config.n_mfcc)
        size, units = self.functionals.size, config.functionals_size
        self.norm = HeadNorm(size, affine=False)
        self.dense = nn.Sequential(
            nn.Dropout(config.dropout / 2), nn.Linear(size, units, bias=False), HeadNorm(units), nn.ReLU()
        )

    def forward(self, spectrogram: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
        """Gives ``(B, functionals_size)`` of spectrograms ``(B, n_mels, T)`` and their valid frames ``(B, T)``."""
        hidden: torch.Tensor = self.dense(
            self.norm(self.functionals(spectrogram, valid).to(spectrogram.dtype)).clamp(-5.0, 5.0)
        )
        return hidden


class CnnBlstmAttentionForAudioClassification(SpectrogramClassifier):
    """Batch normalisation over mel bins, `ConvEncoder`, (bidirectional) LSTM, `AttentionPooling`, dense classifier.

    Each part but the classifier can be left out, see `CnnBlstmAttentionConfig`.
    """

    config_class = CnnBlstmAttentionConfig
    base_model_prefix = "cnn_blstm_attention"

    def __init__(self, config: CnnBlstmAttentionConfig) -> None:
        super().__init__(config)
        self.input_norm = nn.BatchNorm1d(config.n_mels)
        size = config.n_mels
        self.encoder = ConvEncoder(config) if config.use_cnn else None
        if self.encoder is not None:
            size = self.encoder.out_size
        self.lstm = None
        if config.use_lstm:
            self.lstm = nn.LSTM(
                size,
                config.lstm_size,
                num_layers=config.lstm_layers,
                dropout=config.dropout if config.lstm_layers > 1 else 0.0,
                bidirectional=config.bidirectional,
                batch_first=True,
            )
            size = config.lstm_size * (2 if config.bidirectional else 1)
        self.attention = AttentionPooling(size, config.attention_size) if config.use_attention else None
        self.functionals = FunctionalsLayer(config) if config.functionals else None
        if self.functionals is not None:
            size += config.functionals_size
        self.dropout = nn.Dropout(config.dropout)
        self.dense = nn.Linear(size, config.dense_size)
        self.classifier = nn.Linear(config.dense_size, self.num_outputs)
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(
        self,
        input_features: torch.Tensor,
        labels: torch.Tensor | None = None,
        output_attentions: bool | None = None,
        targets: torch.Tensor | None = None,
    ) -> SpectrogramOutput:
        """Classifies spectrograms.

        Args:
            input_features: ``(B, n_mels, n_frames)``, any number of frames.
            labels: class ids ``(B,)`` or class probabilities ``(B, C)``.
            targets: ratings ``(B, T)`` of ``config.targets``, NaN where there are none.
            output_attentions: also give the weights ``(B, T')`` over the pooled frames, as the one entry of
                ``attentions``; without attention there are none.

        Raises:
            ValueError: the input has another shape.
        """
        self.check_input(input_features)
        valid = valid_frames(input_features)
        if not self.config.mask_padding:
            valid = torch.ones_like(valid)
        pooled, weights = self._pool(*self._encode(self.input_norm(input_features), valid))
        if self.functionals is not None:
            pooled = torch.cat([pooled, self.functionals(input_features, valid)], dim=-1)
        hidden = torch.relu(
            self.dense(self.dropout(pooled).to(self.dtype))
        )  # pooled in float32, whatever the weights are
        attentions = (weights,) if output_attentions and weights is not None else None
        return self.output(self.classifier(self.dropout(hidden)), labels, attentions, targets)

    def _encode(self, spectrogram: torch.Tensor, valid: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The sequence ``(B, T', D)`` to pool, and which of its frames ``(B, T')`` hold a valid one."""
        sequence = spectrogram.transpose(1, 2)
        if self.encoder is not None:
            sequence, step = self.encoder(self.as_image(spectrogram)), self.encoder.frames
            valid = F.max_pool2d(valid[:, None, None].float(), (1, step), ceil_mode=True)[:, 0, 0] > 0
        if self.lstm is not None:
            sequence, _ = self.lstm(self.dropout(sequence))
        return sequence, valid

    def _pool(self, sequence: torch.Tensor, valid: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        if self.attention is not None:
            pooled, weights = self.attention(sequence, valid)
            return pooled, weights
        shares = valid[..., None].float() / valid.sum(dim=1)[:, None, None]
        return (sequence.float() * shares).sum(dim=1), None
