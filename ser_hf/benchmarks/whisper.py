"""Whisper's encoder over the true length of clips, against transformers' own over 30 s."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F
from transformers import (
    PreTrainedModel,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForAudioClassification,
)

from ser_hf.audio import load
from ser_hf.base.errors import SerHfError, unknown
from ser_hf.finetuning import TransformerSettings, load_extractor, load_transformer
from ser_hf.labels import get_scheme
from ser_hf.models import WhisperSerConfig, WhisperSerFeatureExtractor, WhisperSerForAudioClassification
from ser_hf.training import pairs

from ._clips import RATE, load_clips, some
from ._measure import Result, Settings, Subject, measure, timed
from ._model import SCHEME

STOCK = "stock, 30 s, fp32"
_BASE = {
    "d_model": 512,
    "encoder_layers": 6,
    "encoder_attention_heads": 8,
    "encoder_ffn_dim": 2048,
}
"""Whisper base, where no checkpoint is named."""
_SHORTEST, _LONGEST = 0.6, 1.4
"""Lengths of the noise, over their mean."""

Batch = dict[str, torch.Tensor]


def bench_whisper(settings: Settings) -> Result:
    """Measures a pass and a training step of the classifier, from spectrograms in memory, clips sorted by length.

    The stock path is `transformers.WhisperForAudioClassification` with the same encoder, of clips padded to 30 s; ours
    hears each batch as long as its longest clip, in float32 and under bf16 autocast. A step is forward, backward and
    AdamW.

    Raises:
        SerHfError: the checkpoint is no Whisper, or a setting is unknown.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model, extractor = make_whisper(settings)
    stock = _stock(model)
    with tempfile.TemporaryDirectory() as name:
        clips = sorted(_clips(settings, name), key=len)
    padding = WhisperFeatureExtractor(**extractor.to_dict())  # type: ignore[no-untyped-call]
    groups = [clips[start : start + settings.batch_size] for start in range(0, len(clips), settings.batch_size)]
    whole = [_batch(padding, group, device) for group in groups]
    true = [_batch(extractor, group, device) for group in groups]
    paths: dict[str, tuple[PreTrainedModel, list[Batch], bool]] = {
        STOCK: (stock, whole, False),
        "true length, fp32": (model, true, False),
        "true length, bf16": (model, true, True),
    }
    rows = []
    for title, kind in (("forward", _forward), ("training step", _training)):
        works = {f"{title}: {name}": kind(*path, device) for name, path in paths.items()}
        subjects = [Subject(name, len(clips), timed(work), device == "cuda") for name, work in works.items()]
        rows += measure(subjects, f"{title}: {STOCK}", settings.repeats)
    mean = sum(map(len, clips)) / len(clips) / RATE
    title = f"whisper: {model.config.d_model} x {model.config.encoder_layers}, {len(clips)} clips of {mean:.1f} s"
    return Result("whisper", f"{title}, batches of {settings.batch_size}", STOCK, rows, [], settings)


def make_whisper(settings: Settings) -> tuple[PreTrainedModel, WhisperSerFeatureExtractor]:
    """Our classifier, of the checkpoint named or with the random weights of a Whisper base, and its extractor.

    Raises:
        SerHfError: the checkpoint is no Whisper, or a setting is unknown.
    """
    given, classes = pairs(settings.model_settings), dict(enumerate(get_scheme(SCHEME).classes))
    if "pretrained" in given:
        model = load_transformer(TransformerSettings.of(given), classes)
        extractor = load_extractor(given["pretrained"])
        if not isinstance(extractor, WhisperSerFeatureExtractor):
            raise SerHfError(f"{given['pretrained']} is a {model.config.model_type}; expected a Whisper")
        return model, extractor
    known = [field.name for field in dataclasses.fields(WhisperSerConfig)]
    for key in given:
        if key not in known:
            raise SerHfError(unknown("setting of Whisper", key, known))
    config = WhisperSerConfig(**{**_BASE, **given, "id2label": classes})
    seconds = config.max_source_positions // 50
    extractor = WhisperSerFeatureExtractor(feature_size=config.num_mel_bins, chunk_length=seconds)
    return WhisperSerForAudioClassification(config), extractor


def _stock(model: PreTrainedModel) -> PreTrainedModel:
    """Transformers' own classifier, with the same encoder."""
    ours = ("model_type", "architectures", "use_weighted_layer_sum")
    config = WhisperConfig.from_dict({key: x for key, x in model.config.to_dict().items() if key not in ours})
    stock = WhisperForAudioClassification(config)
    stock.encoder.load_state_dict(model.get_submodule("encoder").state_dict())
    return stock


def _clips(settings: Settings, cache_dir: str) -> list[np.ndarray]:
    """Whole clips of the corpus, or noise, of lengths around ``seconds``."""
    if settings.corpus is not None:
        rows = some(load_clips(settings, cache_dir).dataset, settings.clips)
        return [load(clip["bytes"], RATE) for clip in rows["audio"]]
    rng, shares = np.random.default_rng(0), np.linspace(_SHORTEST, _LONGEST, settings.clips + 2)[1:-1]
    return [0.1 * rng.standard_normal(round(share * settings.seconds * RATE), dtype=np.float32) for share in shares]


def _batch(extractor: WhisperFeatureExtractor, clips: list[np.ndarray], device: str) -> Batch:
    found = extractor(clips, sampling_rate=RATE, return_tensors="pt", return_attention_mask=False)
    return {name: value.to(device) for name, value in found.items()}


def _forward(model: PreTrainedModel, batches: list[Batch], bf16: bool, device: str) -> Callable[[], None]:
    torch.nn.Module.to(model, device)

    @torch.inference_mode()
    def run() -> None:
        model.train(False)
        with torch.autocast(device, torch.bfloat16, enabled=bf16):
            for batch in batches:
                model(**batch)

    return run


def _training(model: PreTrainedModel, batches: list[Batch], bf16: bool, device: str) -> Callable[[], None]:
    torch.nn.Module.to(model, device)
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-5, fused=True)

    def run() -> None:
        model.train()
        for batch in batches:
            labels = torch.zeros(len(batch["input_features"]), dtype=torch.int64, device=device)
            with torch.autocast(device, torch.bfloat16, enabled=bf16):
                loss = F.cross_entropy(_logits(model, batch), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            optimiser.zero_grad()

    return run


def _logits(model: PreTrainedModel, batch: Batch) -> torch.Tensor:
    found: Any = model(**batch)
    return found.logits.float()  # type: ignore[no-any-return]
