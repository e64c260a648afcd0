"""The encoder of a published checkpoint, frozen: waveforms in, one vector for each of its layers out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel, SequenceFeatureExtractor

from ser_hf.base.errors import RecipeError
from ser_hf.base.precision import has_bf16
from ser_hf.finetuning import FAMILIES, TransformerSettings, load_extractor, load_transformer
from ser_hf.models import encode, even, moments

POOLINGS = ("mean", "mean_std", "attention")
DTYPES = ("auto", "float32", "bfloat16")
_TOGETHER = 16
"""Clips in one forward pass: the weights are read once for all of them, and more gains nothing on a CPU."""


class SpeechEncoder:
    """A frozen encoder.

    Args:
        model: a model for audio classification, whose head is not asked.
        extractor: that of its checkpoint.
    """

    def __init__(self, model: PreTrainedModel, extractor: SequenceFeatureExtractor) -> None:
        self.family = FAMILIES[model.config.model_type]
        self.encoder: nn.Module = getattr(model, self.family.encoder).eval().requires_grad_(False)
        self.extractor = extractor
        self.size = int(model.config.hidden_size)
        self.depth = int(model.config.num_hidden_layers)
        self.device = torch.device("cpu")
        self._masks = model.config.model_type != "data2vec-audio"  # whose position convolutions hear padding

    def to(self, device: torch.device) -> SpeechEncoder:
        """The same on another device; plain ``cuda`` is the current GPU."""
        if device != self.device:
            self.encoder.to(device)
            self.device = device
        return self

    @torch.inference_mode()
    def __call__(self, clips: Sequence[np.ndarray], layers: Sequence[int], pooling: str, *, bf16: bool) -> torch.Tensor:
        """Embeds clips, each over its own frames alone.

        Args:
            clips: mono ``(n,)`` at the extractor's rate.
            layers: numbers of layers; 0 is what the first one takes.
            pooling: over time; see `POOLINGS`.
            bf16: multiply in bfloat16; sums and norms stay in float32.

        Returns:
            ``(B, len(layers), D)`` float32 on the CPU, with D twice the size of a layer but for ``mean``.
        """
        rate = self.extractor.sampling_rate
        inputs = [self.extractor(clip, sampling_rate=rate, return_tensors="np") for clip in clips]  # type: ignore[operator]
        rows = [{name: torch.from_numpy(np.asarray(values[0])) for name, values in one.items()} for one in inputs]
        found: list[torch.Tensor] = [torch.empty(0)] * len(rows)
        autocast = torch.autocast(self.device.type, torch.bfloat16) if bf16 else nullcontext()
        for numbers in self._batches(rows):
            batch = {
                name: pad_sequence([rows[i][name] for i in numbers], batch_first=True).to(self.device)
                for name in rows[0]
            }
            with autocast:
                states, heard = self._states(batch)
            pooled = torch.stack([pool(states[layer].float(), heard, pooling) for layer in layers], dim=1).cpu()
            for i, one in zip(numbers, pooled, strict=True):
                found[i] = one
        return torch.stack(found)

    def _batches(self, rows: list[dict[str, torch.Tensor]]) -> list[list[int]]:
        """Numbers of clips of like length; without a mask, of the same length, since padding would be heard."""
        lengths = [len(row[next(iter(row))]) for row in rows]
        order, batches = sorted(range(len(rows)), key=lambda i: lengths[i]), list[list[int]]()
        masked = self._masks and bool(rows) and "attention_mask" in rows[0]
        for i in order:
            fits = batches and len(batches[-1]) < _TOGETHER and (masked or lengths[batches[-1][0]] == lengths[i])
            batches[-1].append(i) if fits else batches.append([i])
        return batches

    def _states(self, batch: dict[str, torch.Tensor]) -> tuple[Sequence[torch.Tensor], torch.Tensor | None]:
        encoder: Any = self.encoder
        mask = batch.get("attention_mask")
        if self.family.encoder == "encoder":  # Whisper's
            return encode(encoder, batch["input_features"], mask)
        states = encoder(**batch, output_hidden_states=True).hidden_states
        if mask is None:
            return states, None
        return states, encoder._get_feature_vector_attention_mask(states[0].shape[1], mask).bool()


def pool(states: torch.Tensor, heard: torch.Tensor | None, how: str) -> torch.Tensor:
    """One vector of every clip, from its frames.

    ``attention`` needs no training: a frame counts by the softmax of its scaled product with the clip's mean, both
    normalised, so that frames like the clip count more; mean and deviation are taken with these shares.

    Args:
        states: ``(B, T, D)``.
        heard: which frames are the clip's ``(B, T)``; None: all.
        how: one of `POOLINGS`.

    Returns:
        ``(B, D)`` for ``mean``, else ``(B, 2 D)``.
    """
    share = even(states, heard)
    if how == "attention":
        query = moments(states, share, deviation=False)[:, None]
        normed, asked = (nn.functional.layer_norm(x, x.shape[-1:]) for x in (states, query))
        score = (normed * asked).sum(dim=-1, keepdim=True) / states.shape[-1] ** 0.5
        if heard is not None:
            score = score.masked_fill(~heard[:, :, None], -torch.inf)
        share = score.softmax(dim=1)
    return moments(states, share, deviation=how != "mean")


@lru_cache(maxsize=2)
def load_encoder(source: str, top: int | None, trim_db: float | None) -> SpeechEncoder:
    """Loads the frozen encoder of a checkpoint.

    Args:
        source: a repository on the Hub, or a folder.
        top: its highest layer that is asked for; those above are not loaded. None: all.
        trim_db: see `ser_hf.finetuning.load_extractor`.

    Raises:
        RecipeError: see `ser_hf.finetuning.load_transformer`; or there are fewer layers.
    """
    extractor = load_extractor(source, trim_db)
    settings = TransformerSettings(source, freeze="encoder")
    model = load_transformer(settings, {0: "0", 1: "1"})
    encoder = SpeechEncoder(model, extractor)
    depth = encoder.depth
    if top is not None and top > depth:
        raise RecipeError(f"layer {top} is asked for, and {source} has {depth}: 0 (its input) to {depth}")
    stack: Any = encoder.encoder if encoder.family.encoder == "encoder" else getattr(encoder.encoder, "encoder", None)
    if top is not None and 0 < top < depth and isinstance(getattr(stack, "layers", None), nn.ModuleList):
        stack.layers = stack.layers[:top]
    return encoder


def wants_bf16(dtype: str, device: torch.device) -> bool:
    """Whether ``dtype``, one of `DTYPES`, means bfloat16 on a device; ``auto`` does where the hardware computes it."""
    return dtype == "bfloat16" or (dtype == "auto" and has_bf16(device))
