"""Any timm image model on log-mel spectrograms as one-channel images: ResNet34, VGG19, ..."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import nn
from torch.nn import functional as F

from .classification import SpectrogramClassifier, SpectrogramConfig, SpectrogramOutput
from .dense_head import dense_head
from .timm_weights import pretrained_state

_OURS = {"model_name", "num_classes", "in_chans", "drop_rate", "cache_dir", "checkpoint_path"}
_OURS |= {"pretrained", "pretrained_cfg", "pretrained_cfg_overlay"}


class TimmCnnConfig(SpectrogramConfig):  # type: ignore[no-untyped-call]
    """Configuration of `TimmCnnForAudioClassification`.

    Attributes:
        backbone: name of a timm model, e.g. ``"resnet34"``; a tag of pretrained weights may follow a dot.
        n_mels: mel bins of the input.
        in_chans: input channels of the backbone; with more than one the spectrogram is repeated.
        image_size: height and width of what the backbone sees, e.g. 224 as its ImageNet weights were trained with; None
            leaves a spectrogram as it is.
        drop_rate: timm's dropout of the pooled features.
        hidden_head: keep the hidden layers that VGG (two of 4096 units) and MobileNetV3 (one of 1280) have between the
            last feature map and their classifier; False leaves them out, as Keras' ``include_top=False``.
        head_sizes: units of hidden layers before the classifier, each with ReLU, batch normalisation and dropout, e.g.
            ``[128, 64]``; none by default.
        head_dropout: dropout after each of them.
        backbone_kwargs: further arguments of the backbone's timm constructor, e.g. ``{"drop_path_rate": 0.1}``.
    """

    model_type = "timm_cnn"

    backbone: str = "resnet34"
    n_mels: int = 128
    in_chans: int = 1
    image_size: int | None = None
    drop_rate: float = 0.0
    hidden_head: bool = True
    head_sizes: Sequence[int] = ()
    head_dropout: float = 0.0
    backbone_kwargs: dict[str, Any] | None = None

    def __post_init__(self, **kwargs: Any) -> None:
        """Checks the settings.

        Raises:
            ValueError: timm knows no such model, or a setting is out of its range.
        """
        import timm  # late: it takes a second, and most models are others

        super().__post_init__(**kwargs)
        if not timm.is_model(self.backbone):
            raise ValueError(_unknown_backbone(self.backbone))
        for name in ("n_mels", "in_chans", "image_size"):
            value = getattr(self, name)
            if not (value is None and name == "image_size") and value < 1:
                raise ValueError(f"model setting {name} is {value}, expected a positive whole number")
        self.head_sizes = list(self.head_sizes)
        if any(size < 1 for size in self.head_sizes):
            raise ValueError(f"model setting head_sizes is {self.head_sizes}, expected positive whole numbers")
        for name in ("drop_rate", "head_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"model setting {name} is {getattr(self, name)}, expected a number in [0, 1)")
        if self.head_dropout and not self.head_sizes:
            raise ValueError(
                f"model setting head_dropout is {self.head_dropout}, and there are no head_sizes; give them, or set "
                "drop_rate, the dropout before a linear classifier"
            )
        taken = sorted(_OURS & set(self.backbone_kwargs or {}))
        if taken:
            raise ValueError(
                f"backbone_kwargs holds {', '.join(taken)}, which this model sets itself; use the settings of "
                "TimmCnnConfig, and from_imagenet for weights"
            )


def _unknown_backbone(name: str) -> str:
    import timm

    near = difflib.get_close_matches(name.split(".")[0].lower(), timm.list_models(), n=3, cutoff=0.6)
    hint = f"; did you mean {' or '.join(repr(n) for n in near)}?" if near else "."
    return f"unknown timm backbone {name!r}{hint} timm {timm.__version__} lists its models by timm.list_models()"


class TimmCnnForAudioClassification(SpectrogramClassifier):
    """Batch normalisation over mel bins, an image of them, a timm backbone, a linear classifier or `dense_head`.

    The constructor starts from random weights and never fetches any; see `from_imagenet`.
    """

    config_class = TimmCnnConfig
    base_model_prefix = "timm_cnn"

    def __init__(self, config: TimmCnnConfig) -> None:
        import timm

        super().__init__(config)
        self.input_norm = nn.BatchNorm1d(config.n_mels)
        self.backbone: nn.Module = timm.create_model(
            config.backbone,
            pretrained=False,
            num_classes=0,
            in_chans=config.in_chans,
            drop_rate=config.drop_rate,
            **(config.backbone_kwargs or {}),
        )
        width = _width(self.backbone) if config.hidden_head else _without_hidden_head(self.backbone, config.backbone)
        self._keep_backbone_start()
        self.classifier = dense_head(width, config.head_sizes, self.num_outputs, config.head_dropout)
        self.post_init()  # type: ignore[no-untyped-call]

    def _keep_backbone_start(self) -> None:
        """Keeps timm's own initialisation from ``post_init``; on the meta device there is none yet to keep."""
        if not any(tensor.is_meta for tensor in self.backbone.state_dict().values()):
            for module in self.backbone.modules():
                module._is_hf_initialized = True  # type: ignore[assignment]

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Also fills timm's buffers that are not saved: loading leaves them without values."""
        super()._init_weights(module)
        fill_buffers = getattr(module, "init_non_persistent_buffers", None)
        if callable(fill_buffers):
            fill_buffers()

    @classmethod
    def from_imagenet(
        cls, config: TimmCnnConfig | str = "resnet34", weights: str | Path | None = None, **settings: Any
    ) -> Self:
        """Builds a model whose backbone has pretrained weights; the classifier is new.

        The weights of the first convolution are summed over the colours where there is one input channel.

        Args:
            config: a configuration or the name of a backbone.
            weights: a safetensors file of the whole timm model; None fetches timm's weights from the Hub.
            settings: further settings of `TimmCnnConfig`, where ``config`` is a name.

        Raises:
            ValueError: there are no such weights, they do not fit the backbone, they are NaN or infinite, or the file
                is a pickle.
        """
        if isinstance(config, str):
            config = cls.config_class(backbone=config, **settings)
        elif settings:
            raise ValueError(f"expected settings in the configuration or beside a name, found both: {sorted(settings)}")
        model = cls(config)
        state = pretrained_state(config.backbone, config.in_chans, config.backbone_kwargs or {}, weights)
        missing = sorted(model.backbone.load_state_dict(state, strict=False).missing_keys)
        if missing:
            raise ValueError(f"the weights for {config.backbone!r} lack {len(missing)} tensors, e.g. {missing[0]!r}")
        return model

    def forward(
        self, input_features: torch.Tensor, labels: torch.Tensor | None = None, targets: torch.Tensor | None = None
    ) -> SpectrogramOutput:
        """Classifies spectrograms.

        Args:
            input_features: ``(B, n_mels, n_frames)``.
            labels: class ids ``(B,)`` or class probabilities ``(B, C)``.
            targets: ratings ``(B, T)`` of ``config.targets``, NaN where there are none.

        Raises:
            ValueError: the input has another shape.
        """
        self.check_input(input_features)
        image = self.as_image(self._resized(self.input_norm(input_features))).expand(-1, self.config.in_chans, -1, -1)
        features: torch.Tensor = self.backbone(image)
        return self.output(self.classifier(features), labels, targets=targets)

    def _resized(self, spectrogram: torch.Tensor) -> torch.Tensor:
        """Brings ``(B, n_mels, T)`` to ``(B, image_size, image_size)``: bilinear, smoothed where it shrinks.

        Here and not in the feature extractor: features stay small on disk and way, and are of one kind for all models.
        """
        size = self.config.image_size
        if size is None or spectrogram.shape[1:] == (size, size):
            return spectrogram
        resized = F.interpolate(spectrogram[:, None].float(), (size, size), mode="bilinear", antialias=True)
        return resized[:, 0].to(spectrogram.dtype)


def _width(backbone: nn.Module) -> int:
    """Features a timm model without classifier gives: VGG and MobileNetV3 keep a hidden layer of their head."""
    hidden: int | None = getattr(backbone, "head_hidden_size", None)
    return hidden or int(getattr(backbone, "num_features"))  # noqa: B009


def _without_hidden_head(backbone: nn.Module, name: str) -> int:
    """Leaves out the hidden layers of a timm model's head; gives the features it then has.

    Raises:
        ValueError: timm cannot take them out of this model.
    """
    prune, reset = (getattr(backbone, call, None) for call in ("prune_intermediate_layers", "reset_classifier"))
    if not (callable(prune) and callable(reset)):
        raise ValueError(f"timm cannot take the hidden head from {name!r}; leave out hidden_head")
    prune(prune_head=True, prune_norm=False)
    reset(0, "avg")
    return int(getattr(backbone, "num_features"))  # noqa: B009
