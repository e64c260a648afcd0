"""Embeddings of clips by a frozen speech transformer: a feature extractor, a ``map`` step, and what probes learn on."""

from transformers import AutoFeatureExtractor

from ser_hf.baselines import EXTRACTORS
from ser_hf.models import EmbeddingMlpConfig

from .add_embeddings import EMBEDDING, add_embeddings
from .extractor import ENCODER, EmbeddingExtractor, build_embeddings
from .table import write_embeddings

__all__ = ["EMBEDDING", "ENCODER", "EmbeddingExtractor", "add_embeddings", "build_embeddings", "write_embeddings"]

AutoFeatureExtractor.register(EmbeddingMlpConfig, EmbeddingExtractor, exist_ok=True)  # type: ignore[no-untyped-call]
EXTRACTORS[EmbeddingExtractor.__name__] = EmbeddingExtractor.saved_in
