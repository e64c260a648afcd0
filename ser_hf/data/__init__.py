"""Corpora as one harmonised dataset, its splits and their audit."""

from .audit import Audit, Finding, audit
from .load_corpus import Corpora, load_corpus
from .protocols import PROTOCOLS, SplitOptions
from .publish import load_built, write_parquet
from .ser_corpus import SerCorpus
from .splits import Split, SplitInfo, make_split, split_counts

__all__ = [
    "PROTOCOLS",
    "Audit",
    "Corpora",
    "Finding",
    "SerCorpus",
    "Split",
    "SplitInfo",
    "SplitOptions",
    "audit",
    "load_built",
    "load_corpus",
    "make_split",
    "split_counts",
    "write_parquet",
]
