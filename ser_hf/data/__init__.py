"""Corpora as one harmonised dataset: the builder, balancing, manifests and Parquet."""

from ._dataset_source import dataset_source
from .augmented_copies import Perturbation
from .balance import BALANCE_METHODS, balance, oversample, undersample
from .class_weights import class_weights, sample_weights
from .copies import add_copies
from .load_corpus import Corpora, load_corpus
from .manifest import MANIFEST, read_manifest, split_by_manifest, write_manifest
from .publish import card_features, load_built, write_parquet
from .ser_corpus import SerCorpus
from .train_speakers import keep_speakers

__all__ = [
    "BALANCE_METHODS",
    "MANIFEST",
    "Corpora",
    "Perturbation",
    "SerCorpus",
    "add_copies",
    "balance",
    "card_features",
    "class_weights",
    "dataset_source",
    "keep_speakers",
    "load_built",
    "load_corpus",
    "oversample",
    "read_manifest",
    "sample_weights",
    "split_by_manifest",
    "undersample",
    "write_manifest",
    "write_parquet",
]
