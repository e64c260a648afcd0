"""The protocols: rules by which clips become train, validation and test. Adding one is adding a file."""

from ._columns import Columns
from ._options import SplitOptions
from ._protocol import PROTOCOLS, Indices, Protocol, folds_of
from .splits import SPLITS, Split, SplitInfo, computed, make_split, split_counts

__all__ = [
    "PROTOCOLS",
    "SPLITS",
    "Columns",
    "Indices",
    "Protocol",
    "Split",
    "SplitInfo",
    "SplitOptions",
    "computed",
    "folds_of",
    "make_split",
    "split_counts",
]
