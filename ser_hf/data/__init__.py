"""Corpora as one harmonised dataset, its splits and their audit."""

from .audit import Audit, Finding, add_fingerprints, audit
from .augmented_copies import Perturbation
from .balance import BALANCE_METHODS, balance, oversample, undersample
from .class_weights import class_weights, sample_weights
from .download import Downloaded, DownloadError, download_corpus
from .load_corpus import Corpora, load_corpus
from .manifest import MANIFEST, read_manifest, split_by_manifest, write_manifest
from .protocols import PROTOCOLS, SplitOptions, folds_of
from .publish import load_built, write_parquet
from .ser_corpus import SerCorpus
from .splits import Split, SplitInfo, make_split, split_counts

__all__ = [
    "BALANCE_METHODS",
    "MANIFEST",
    "PROTOCOLS",
    "Audit",
    "Corpora",
    "DownloadError",
    "Downloaded",
    "Finding",
    "Perturbation",
    "SerCorpus",
    "Split",
    "SplitInfo",
    "SplitOptions",
    "add_fingerprints",
    "audit",
    "balance",
    "class_weights",
    "download_corpus",
    "folds_of",
    "load_built",
    "load_corpus",
    "make_split",
    "oversample",
    "read_manifest",
    "sample_weights",
    "split_by_manifest",
    "split_counts",
    "undersample",
    "write_manifest",
    "write_parquet",
]
