"""The feature extractor of probes: vectors of the layers of a frozen encoder, as features of a clip."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from transformers.utils.hub import cached_file

from ser_hf.base.atomic import replacing
from ser_hf.base.errors import CheckpointError, NotFiniteError, RecipeError, SerHfError, unknown
from ser_hf.base.finite import check_outputs
from ser_hf.base.hub_failures import HUB_FAILURES, cause, one_line, reason
from ser_hf.models import SerFeatureExtractor
from ser_hf.models.waveform import Waveform, as_waveform, peak_normalise

from .encoder import DTYPES, POOLINGS, SpeechEncoder, load_encoder, wants_bf16

ENCODER = "encoder"
"""Where in a run folder the encoder lies, so that the folder is all a probe needs."""
_WEIGHTS = "model.safetensors"
_FILES = ("config.json", "preprocessor_config.json", _WEIGHTS)
_UNREAD: tuple[type[Exception], ...] = (OSError, ValueError, *HUB_FAILURES)
_PROBED = 16_000
"""Samples of silence by which the size of an embedding is found out."""


class EmbeddingExtractor(SerFeatureExtractor):
    """Embeds clips by a frozen speech transformer: ``input_features (B, len(layers), n_frames)`` float32.

    A row is a layer: its mean over the clip's own frames, and beside it, but for ``pooling="mean"``, its deviation.
    What a probe learns on such vectors: Yang et al. (2021), SUPERB, doi 10.21437/Interspeech.2021-1775.

    Args:
        encoder: a repository on the Hub, or a folder, of one of `ser_hf.finetuning.FAMILIES`.
        layers: numbers of layers; 0 is what the first one takes.
        pooling: over time: ``mean``, ``mean_std`` or ``attention``; see `ser_hf.embeddings.encoder.pool`.
        dtype: what is multiplied: ``float32``, ``bfloat16``, or ``auto``: bfloat16 where the hardware has it.
        trim_db: silence at both ends this many dB under the loudest frame is cut; None keeps it.
        peak_normalise: scale every waveform to a peak of 1.
        sampling_rate: Hz of the waveforms.
        weights: first digits of the SHA-256 of the encoder's weights; other weights are refused.

    Raises:
        ValueError: a setting is out of its range.
    """

    _auto_class = None  # no code travels with it: it needs ser_hf
    computed_by = ("ser_hf.models.whisper_ser", "ser_hf.models.whisper_input", "ser_hf.finetuning.pretrained")
    """Modules elsewhere on which its features depend."""
    place: str | None = None
    """Folder or repository whose `ENCODER` is used instead of ``encoder``."""

    def __init__(
        self,
        encoder: str,
        layers: Sequence[int],
        pooling: str = "mean_std",
        dtype: str = "auto",
        trim_db: float | None = None,
        peak_normalise: bool = False,
        sampling_rate: int = 16_000,
        weights: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.encoder = encoder
        self.layers = [int(layer) for layer in layers]
        self.pooling = pooling
        self.dtype = dtype
        self.weights = weights
        super().__init__(
            sampling_rate=sampling_rate, trim_db=trim_db, peak_normalise=peak_normalise, normalisation="none"
        )
        self.feature_size = len(self.layers)

    @property
    def n_samples(self) -> int:
        """Of a clip by which the shape of the features is found out; every clip is heard whole."""
        return _PROBED

    @property
    def n_frames(self) -> int:
        """Numbers in the vector of a layer."""
        return self._loaded().size * (1 if self.pooling == "mean" else 2)

    @property
    def about(self) -> dict[str, Any]:
        """What a card says of the encoder beside the settings: its family, the paper, and how large it is."""
        loaded = self._loaded()
        return {
            "encoder_family": loaded.family.title,
            "encoder_reference": loaded.family.reference,
            "encoder_parameters": sum(p.numel() for p in loaded.encoder.parameters()),
        }

    def prepare_waveform(self, samples: Any, out: Waveform | None = None) -> Waveform:
        """The clip ``(n,)``, scaled as the settings say; it is trimmed with what the encoder's own extractor does.

        Raises:
            ValueError: the clip is not mono, not floating-point, empty or not finite.
        """
        return peak_normalise(samples) if self.peak_normalise else as_waveform(samples)

    def to_dict(self) -> dict[str, Any]:
        """The settings, as they are saved; an encoder's folder by its name, without the machine's folders."""
        settings = {name: getattr(self, name) for name in SETTINGS}
        if Path(self.encoder).is_dir():
            settings["encoder"] = Path(self.encoder).resolve().name
        return {"feature_extractor_type": type(self).__name__, **settings}

    def save_pretrained(
        self, save_directory: str | PathLike[Any], push_to_hub: bool = False, **kwargs: Any
    ) -> list[str]:
        """Writes preprocessor_config.json, and the encoder into `ENCODER`."""
        written: list[str] = super().save_pretrained(save_directory, push_to_hub=push_to_hub, **kwargs)
        folder = Path(save_directory) / ENCODER
        folder.mkdir(exist_ok=True)
        for name in _FILES:
            with replacing(folder / name) as temporary:
                shutil.copyfile(self._file(name), temporary)
        return written

    @classmethod
    def saved_in(cls, source: str | Path) -> EmbeddingExtractor:
        """Loads what `save_pretrained` wrote.

        Raises:
            CheckpointError: see `found_in`.
        """
        extractor: EmbeddingExtractor = cls.from_pretrained(source)
        return extractor.found_in(source)

    def found_in(self, source: str | Path) -> EmbeddingExtractor:
        """Takes the encoder that lies beside these settings, in a run folder or a repository on the Hub.

        Raises:
            CheckpointError: its weights are others than the probe was fitted on.
        """
        self.place = str(source)
        try:
            *_, weights = [self._file(name) for name in _FILES]  # a repository gives each when it is asked for
            found = weights_of(str(weights))
        except _UNREAD as error:
            raise CheckpointError(f"{source}: the encoder cannot be read: {reason(error, one_line(error))}") from cause(
                error
            )
        if self.weights not in (None, found):
            raise CheckpointError(f"{source}: the encoder's weights are not those the model was fitted on")
        return self

    def _file(self, name: str) -> Path:
        if self.place is not None and Path(self.place).is_dir():
            return Path(self.place) / ENCODER / name
        found = cached_file(self.place or self.encoder, name, subfolder=ENCODER if self.place else "")
        return Path(str(found))

    def _loaded(self) -> SpeechEncoder:
        folder = str(self._file(_WEIGHTS).parent) if self.place is not None else self.encoder
        return load_encoder(folder, max(self.layers), self.trim_db)

    def _check(self) -> None:
        if not self.layers or min(self.layers) < 0 or len(set(self.layers)) < len(self.layers):
            raise ValueError(f"feature setting layers is {self.layers}, expected numbers from 0 up, each once")
        for name, known in {"pooling": POOLINGS, "dtype": DTYPES}.items():
            if getattr(self, name) not in known:
                expected = ", ".join(known)
                raise ValueError(f"feature setting {name} is {getattr(self, name)!r}, expected one of {expected}")
        if self.trim_db is not None and not self.trim_db > 0:
            raise ValueError(f"feature setting trim_db is {self.trim_db}, expected a positive number")

    def _features(self, clips: Sequence[Any], device: torch.device) -> torch.Tensor:
        waveforms = [self.prepare_waveform(clip) for clip in clips]
        encoder = self._loaded().to(device)
        found = encoder(waveforms, self.layers, self.pooling, bf16=wants_bf16(self.dtype, device))
        try:
            check_outputs("embeddings", found.numpy())
        except NotFiniteError as error:
            raise NotFiniteError(f"encoder {self.encoder}: {error}", error.number) from error
        return found


SETTINGS = ("encoder", "layers", "pooling", "dtype", "trim_db", "peak_normalise", "sampling_rate", "weights")
"""The settings of an `EmbeddingExtractor`."""


def build_embeddings(encoder: str | None, **settings: Any) -> EmbeddingExtractor:
    """The feature extractor for ``settings``; without ``layers``, all that the encoder has.

    Raises:
        SerHfError: a setting that embeddings do not have, or one out of its range; no such encoder.
    """
    if not encoder:
        raise RecipeError(
            "features: embeddings needs an encoder: a repository on the Hub such as openai/whisper-base, or a folder"
        )
    for key in settings:
        if key not in SETTINGS:
            raise SerHfError(unknown("setting of embeddings", key, SETTINGS))
    layers = settings.pop("layers", None) or None
    loaded = load_encoder(encoder, max(layers) if layers else None, settings.get("trim_db"))
    layers = layers or list(range(loaded.depth + 1))
    try:
        weights = weights_of(str(cached_file(encoder, _WEIGHTS)))
    except OSError as error:
        raise RecipeError(f"{encoder} has no {_WEIGHTS}, whole and in one file, which a probe would carry") from error
    try:
        rate = loaded.extractor.sampling_rate
        return EmbeddingExtractor(encoder, layers, sampling_rate=rate, weights=weights, **settings)
    except ValueError as error:
        raise error if isinstance(error, SerHfError) else SerHfError(str(error)) from error


def weights_of(file: str) -> str:
    """First sixteen digits of the SHA-256 of a file."""
    with Path(file).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]
