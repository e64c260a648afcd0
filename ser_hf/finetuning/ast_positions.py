"""AST for clips shorter than the 10.24 s it was pretrained on."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import ASTConfig, PreTrainedConfig, PreTrainedModel

from ser_hf.base.errors import RecipeError


def frames_to_cut_to(source: str, config: PreTrainedConfig, published: Any) -> int | None:
    """How many frames an AST is to take if not those of its checkpoint, as which ``config`` says it is loaded first.

    Raises:
        RecipeError: more than it has positions for, or less than a patch.
    """
    if not isinstance(config, ASTConfig) or config.max_length == published.max_length:
        return None
    frames, config.max_length = config.max_length, published.max_length
    if not published.patch_size <= frames <= published.max_length:
        raise RecipeError(
            f"max_length is {frames}; expected {published.patch_size} to {published.max_length} frames, for as many as "
            f"{source} has positions"
        )
    return frames


def cut_positions(model: PreTrainedModel, frames: int) -> None:
    """Makes an AST take spectrograms of fewer frames: of its table of positions the middle in time is kept.

    As the authors do it: Gong et al. (2021), AST, doi 10.21437/Interspeech.2021-698, ``ast_models.py``.

    Args:
        model: `transformers.ASTForAudioClassification`; changed, with ``config.max_length``.
        frames: of its input from now on, at most as many as before.
    """
    embeddings: Any = model.get_submodule("audio_spectrogram_transformer.embeddings")
    bands, before = embeddings.get_shape(model.config)
    model.config.max_length = frames
    _, columns = embeddings.get_shape(model.config)
    start = before // 2 - columns // 2
    table = embeddings.position_embeddings.detach()
    tokens, patches = table[:, :2], table[:, 2:].unflatten(1, (bands, before))
    kept = patches[:, :, start : start + columns].flatten(1, 2)
    embeddings.position_embeddings = nn.Parameter(torch.cat([tokens, kept], dim=1))
