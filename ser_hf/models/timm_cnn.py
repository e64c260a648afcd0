"""Any timm image model on log-mel spectrograms as one-channel images: ResNet34, VGG19, ..."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any, Self

import timm
import torch
from torch import nn
from torch.nn import functional as F
from transformers import PreTrainedConfig
from transformers.modeling_outputs import SequenceClassifierOutput

from .classification import SpectrogramClassifier

_OURS = {"model_name", "num_classes", "in_chans", "drop_rate", "cache_dir", "checkpoint_path"}
_OURS |= {"pretrained", "pretrained_cfg", "pretrained_cfg_overlay"}


class TimmCnnConfig(PreTrainedConfig):
    """Configuration of `TimmCnnForAudioClassification`.

    Attributes:
        backbone: name of a timm model, e.g. ``"resnet34"``; a tag of pretrained weights may follow a dot.
        n_mels: mel bins of the input.
        in_chans: input channels of the backbone; with more than one the spectrogram is repeated.
        image_size: height and width of what the backbone sees, e.g. 224 as its ImageNet weights were trained with; None
            leaves a spectrogram as it is.
        drop_rate: dropout before the classifier.
        backbone_kwargs: further arguments of the backbone's timm constructor, e.g. ``{"drop_path_rate": 0.1}``.
    """

    model_type = "timm_cnn"

    backbone: str = "resnet34"
    n_mels: int = 128
    in_chans: int = 1
    image_size: int | None = None
    drop_rate: float = 0.0
    backbone_kwargs: dict[str, Any] | None = None

    def __post_init__(self, **kwargs: Any) -> None:
        """Checks the settings.

        Raises:
            ValueError: timm knows no such model, or a setting is out of its range.
        """
        super().__post_init__(**kwargs)  # type: ignore[no-untyped-call]
        if not timm.is_model(self.backbone):
            raise ValueError(_unknown_backbone(self.backbone))
        for name in ("n_mels", "in_chans", "image_size"):
            value = getattr(self, name)
            if not (value is None and name == "image_size") and value < 1:
                raise ValueError(f"model setting {name} is {value}, expected a positive whole number")
        if not 0 <= self.drop_rate < 1:
            raise ValueError(f"model setting drop_rate is {self.drop_rate}, expected a number in [0, 1)")
        taken = sorted(_OURS & set(self.backbone_kwargs or {}))
        if taken:
            raise ValueError(
                f"backbone_kwargs holds {', '.join(taken)}, which this model sets itself; use the settings of "
                "TimmCnnConfig, and from_imagenet for weights"
            )


def _unknown_backbone(name: str) -> str:
    near = difflib.get_close_matches(name.split(".")[0].lower(), timm.list_models(), n=3, cutoff=0.6)
    hint = f"; did you mean {' or '.join(repr(n) for n in near)}?" if near else "."
    return f"unknown timm backbone {name!r}{hint} timm {timm.__version__} lists its models by timm.list_models()"


class TimmCnnForAudioClassification(SpectrogramClassifier):
    """Batch normalisation over mel bins, an image of them, a timm backbone without its head, a linear classifier.

    The constructor starts from random weights and never fetches any; see `from_imagenet`.
    """

    config_class = TimmCnnConfig
    base_model_prefix = "timm_cnn"

    def __init__(self, config: TimmCnnConfig) -> None:
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
        self._keep_backbone_start()
        self.classifier = nn.Linear(_width(self.backbone), self.num_labels)
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
            ValueError: there are no such weights, they do not fit the backbone, or the file is a pickle.
        """
        if isinstance(config, str):
            config = cls.config_class(backbone=config, **settings)
        elif settings:
            raise ValueError(f"expected settings in the configuration or beside a name, found both: {sorted(settings)}")
        model = cls(config)
        state = _pretrained_state(config, weights)
        missing = sorted(model.backbone.load_state_dict(state, strict=False).missing_keys)
        if missing:
            raise ValueError(f"the weights for {config.backbone!r} lack {len(missing)} tensors, e.g. {missing[0]!r}")
        return model

    def forward(self, input_features: torch.Tensor, labels: torch.Tensor | None = None) -> SequenceClassifierOutput:
        """Classifies spectrograms.

        Args:
            input_features: ``(B, n_mels, n_frames)``.
            labels: class ids ``(B,)`` or class probabilities ``(B, C)``.

        Raises:
            ValueError: the input has another shape.
        """
        self.check_input(input_features)
        image = self.as_image(self._resized(self.input_norm(input_features))).expand(-1, self.config.in_chans, -1, -1)
        features: torch.Tensor = self.backbone(image)
        return self.output(self.classifier(features), labels)

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


def _check_safetensors(path: Path) -> None:
    """Refuses a file whose header does not describe its size: eight bytes of length, JSON, tensor data."""
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, size)))
        ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: not a whole safetensors file ({error})") from error
    expected = 8 + length + max(ends, default=0)
    if size != expected:
        raise ValueError(f"{path}: not a whole safetensors file (its header says {expected} bytes, it has {size})")


def _pretrained_state(config: TimmCnnConfig, weights: str | Path | None) -> dict[str, torch.Tensor]:
    """Loads a whole timm model strictly, so that weights which do not fit are noticed, and gives its tensors."""
    overlay = None
    if weights is not None:
        path = Path(weights)
        if path.suffix != ".safetensors":
            raise ValueError(f"{path}: expected a .safetensors file; pickled weights (.bin, .pth, .pt) can run code")
        if not path.is_file():
            raise ValueError(f"{path}: there is no such weights file")
        _check_safetensors(path)
        overlay = {"file": str(path)}
    elif not timm.is_model_pretrained(config.backbone):
        raise ValueError(f"timm has no pretrained weights for {config.backbone!r}; pass weights=FILE.safetensors")
    try:
        model = timm.create_model(
            config.backbone,
            pretrained=True,
            pretrained_cfg_overlay=overlay,
            in_chans=config.in_chans,
            **(config.backbone_kwargs or {}),
        )
    except (RuntimeError, OSError) as error:
        raise ValueError(f"the pretrained weights of {config.backbone!r} cannot be loaded: {error}") from error
    return dict(model.state_dict())
