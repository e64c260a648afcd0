"""A published checkpoint -> a stock model for audio classification, or a clear reason why not."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from torch import nn
from transformers import (
    ASTFeatureExtractor,
    AutoConfig,
    AutoFeatureExtractor,
    AutoModelForAudioClassification,
    PreTrainedConfig,
    PreTrainedModel,
    SequenceFeatureExtractor,
    WhisperConfig,
    WhisperFeatureExtractor,
)

from ser_hf.base.errors import RecipeError, SerHfError, unknown
from ser_hf.base.hub_failures import HUB_FAILURES, cause, reason
from ser_hf.base.hub_patience import pulling
from ser_hf.base.pickles import pickles_in
from ser_hf.base.weights import plain, wrong_with
from ser_hf.models import WhisperSerConfig, WhisperSerFeatureExtractor

from .ast_positions import cut_positions, frames_to_cut_to
from .families import FAMILIES, Family
from .lora import add_lora
from .quiet import quiet
from .settings import TransformerSettings

_BROKEN: tuple[type[Exception], ...] = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError)
_BROKEN += (SafetensorError, *HUB_FAILURES)
"""What the libraries raise for files and settings that are not what they should be."""

_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
_FROM_THE_DATA = ("masked_spec_embed",)
"""Encoder weights that a checkpoint may lack: what is put where training masks the input."""


def load_extractor(
    pretrained: str, trim_db: float | None = None, max_length: int | None = None
) -> SequenceFeatureExtractor:
    """The feature extractor of a published checkpoint; of Whisper ours, which does not pad clips to 30 s.

    Args:
        pretrained: a repository on the Hub, or a local folder.
        trim_db: silence at both ends this many dB under the loudest frame is cut; of Whisper alone. None: as saved.
        max_length: frames that an AST takes; None: as saved.

    Raises:
        RecipeError: there is none, or it takes no recordings, or does not trim.
    """
    _check_folder(pretrained, "preprocessor_config.json")
    with _one_clear_error(pretrained, "the feature extractor"), quiet():
        extractor = AutoFeatureExtractor.from_pretrained(pretrained, trust_remote_code=False)  # type: ignore[no-untyped-call]
    if isinstance(extractor, ASTFeatureExtractor) and max_length is not None:
        extractor.max_length = max_length
    if not isinstance(extractor, SequenceFeatureExtractor):
        raise RecipeError(f"{pretrained}: expected a feature extractor for audio, found {type(extractor).__name__}")
    if isinstance(extractor, WhisperFeatureExtractor):
        with _one_clear_error(pretrained, "the feature extractor"):
            said = {} if trim_db is None else {"trim_db": trim_db}
            return WhisperSerFeatureExtractor(**{**extractor.to_dict(), **said})
    if trim_db is not None:
        raise RecipeError(
            f"trim_db is {trim_db}, and {type(extractor).__name__} of {pretrained} hears all; leave it out"
        )
    return extractor


def load_transformer(settings: TransformerSettings, classes: Mapping[int, str]) -> PreTrainedModel:
    """A published transformer with a new classifier, frozen and adapted as asked for.

    Args:
        settings: which, and how it is fine-tuned.
        classes: id -> name.

    Raises:
        RecipeError: no such checkpoint, of no family known here, without safetensors, or not whole; or a setting that
            its configuration does not know or take.
        SerHfError: adapters are asked for and peft is not installed.
    """
    config, family, published = _configuration(settings, classes)
    if settings.random_init:
        with _one_clear_error(settings.pretrained, "the configuration"):
            model: PreTrainedModel = AutoModelForAudioClassification.from_config(config, trust_remote_code=False)  # type: ignore[no-untyped-call]
    else:
        model = _with_weights(settings.pretrained, config, family, published)
    encoder = getattr(model, family.encoder)
    if settings.lora_rank:
        add_lora(model, family, settings)
    elif settings.freeze == "encoder":
        encoder.requires_grad_(False)
    for name in family.fixed:
        encoder.get_submodule(name).requires_grad_(False)
    if settings.lora_rank or settings.freeze != "none":
        for name in family.stem:
            _freeze(encoder.get_submodule(name))
    return model


def _configuration(
    settings: TransformerSettings, classes: Mapping[int, str]
) -> tuple[PreTrainedConfig, Family, PreTrainedConfig]:
    """The configuration as changed, its family, and the one that was published."""
    source = settings.pretrained
    _check_folder(source, "config.json")
    with _one_clear_error(source, "the configuration"):
        config = AutoConfig.from_pretrained(source, trust_remote_code=False)
    if config.model_type not in FAMILIES:
        raise RecipeError(
            f"{source} is a {config.model_type!r}; a transformer to fine-tune is one of {', '.join(FAMILIES)}"
        )
    family = FAMILIES[config.model_type]
    kind: type[PreTrainedConfig] = WhisperSerConfig if isinstance(config, WhisperConfig) else type(config)
    common = {field.name for field in dataclasses.fields(PreTrainedConfig)}
    known = sorted({field.name for field in dataclasses.fields(kind)} - common)
    own = [field.name for field in dataclasses.fields(TransformerSettings) if field.name != "config"]
    for key in settings.config:
        if key not in known:
            raise RecipeError(unknown(f"setting of {family.title}", key, [*own, *known]))
    changed = {**settings.config, **(_weighted(settings, family) if settings.weighted_layers else {})}
    labels = {"id2label": dict(classes), "label2id": {name: i for i, name in classes.items()}}
    with _one_clear_error(source, f"settings {' '.join(f'{k}={v}' for k, v in changed.items())}"):
        before = {key: value for key, value in config.to_dict().items() if key not in ("model_type", "architectures")}
        new = kind.from_dict({**before, **changed, **labels})
    return new, family, config


def _weighted(settings: TransformerSettings, family: Family) -> dict[str, Any]:
    """What a weighted sum of layers changes: transformers fails where training drops one of them."""
    if family.layer_drop is None:
        raise RecipeError(f"transformers has no weighted sum of layers for {family.title}; leave out weighted_layers")
    if settings.config.get(family.layer_drop):
        raise RecipeError(f"weighted_layers needs every layer; leave out {family.layer_drop}")
    return {"use_weighted_layer_sum": True, family.layer_drop: 0.0}


def _with_weights(
    source: str, config: PreTrainedConfig, family: Family, published: PreTrainedConfig
) -> PreTrainedModel:
    _check_folder(source, *_WEIGHTS)
    frames = frames_to_cut_to(source, config, published)
    with _one_clear_error(source, "the weights"), quiet():
        model: PreTrainedModel
        model, report = AutoModelForAudioClassification.from_pretrained(
            source,
            config=config,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    new = {*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])}
    absent = sorted(key for key in new if key.startswith(f"{family.encoder}.") and not key.endswith(_FROM_THE_DATA))
    if absent:
        raise RecipeError(
            f"{source} lacks {len(absent)} weights of the encoder, or has them in another size, e.g. {absent[0]}; "
            "settings that change sizes need random_init=true"
        )
    broken = [key for key, tensor in model.state_dict().items() if key not in new and not torch.isfinite(tensor).all()]
    if broken:
        raise RecipeError(f"{source}: {len(broken)} weights are NaN or infinite, e.g. {broken[0]}; download it again")
    if frames is not None:
        cut_positions(model, frames)
    if "layer_weights" in new:  # which transformers leaves to what the memory holds
        shares = model.get_parameter("layer_weights")
        nn.init.constant_(shares, 1 / len(shares))
    # a classifier of others is only by chance of the same size
    if published.label2id != config.label2id or type(published) is not type(config):
        last: Any = getattr(model.classifier, "dense", model.classifier)
        nn.init.normal_(last.weight, std=getattr(config, "initializer_range", 0.02))
        nn.init.zeros_(last.bias)
    return model


def _freeze(module: nn.Module) -> None:
    """By the method of the family where there is one: it also keeps the gradient from being computed."""
    own = getattr(module, "_freeze_parameters", None)
    own() if callable(own) else module.requires_grad_(False)


def _check_folder(source: str, *one_of: str) -> None:
    """Refuses what is no folder here and no name on the Hub, and a folder without any of the files.

    Raises:
        RecipeError: with what is there.
    """
    folder = Path(source)
    if not folder.is_dir():
        if folder.exists() or source.startswith((".", "/", "~")) or source.count("/") > 1:
            raise RecipeError(f"pretrained={source} is no folder; give one, or the name of a repository on the Hub")
        return
    there = [folder / name for name in one_of if (folder / name).is_file()]
    if there:
        wrong = next(filter(None, (wrong_with(path) for path in there if path.suffix == ".safetensors")), None)
        if wrong:
            raise RecipeError(f"{source}: {wrong}")
        return
    pickles = pickles_in(folder)
    why = f"; {', '.join(pickles)} may run code when read and never is: convert it to safetensors" if pickles else ""
    raise RecipeError(f"{source} holds no {' or '.join(one_of)}{why}")


@contextmanager
def _one_clear_error(source: str, what: str) -> Iterator[None]:
    """Turns whatever the libraries raise into one line that says what could not be read."""
    try:
        with nullcontext() if Path(source).exists() else pulling():
            yield
    except _BROKEN as error:
        if isinstance(error, SerHfError):
            raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        said = plain(" ".join(lines if isinstance(error, StrictDataclassError) else lines[:1]))
        where = source if Path(source).is_dir() else f"{source} is no folder here; from the Hub"
        raise RecipeError(f"{where}: {what} cannot be loaded: {reason(error, said)}") from cause(error)
