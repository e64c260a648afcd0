"""Embeddings of clips by a frozen speech transformer: a feature extractor, a ``map`` step, and what probes learn on.

The step and the table are loaded on first use: asking a probe needs no dataset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transformers import AutoFeatureExtractor

from ser_hf.base.lazy import lazily
from ser_hf.baselines import EXTRACTORS
from ser_hf.models import EmbeddingMlpConfig

from .extractor import ENCODER, EmbeddingExtractor, build_embeddings

if TYPE_CHECKING:
    from .adding import EMBEDDING, add_embeddings
    from .table import write_embeddings

_HOMES = {"EMBEDDING": "adding", "add_embeddings": "adding", "write_embeddings": "table"}

__all__ = ["EMBEDDING", "ENCODER", "EmbeddingExtractor", "add_embeddings", "build_embeddings", "write_embeddings"]

__getattr__ = lazily(__name__, _HOMES)

AutoFeatureExtractor.register(EmbeddingMlpConfig, EmbeddingExtractor, exist_ok=True)  # type: ignore[no-untyped-call]
EXTRACTORS[EmbeddingExtractor.__name__] = EmbeddingExtractor.saved_in
