"""The protocols: rules by which clips become train, validation and test. Adding one is adding a file."""

from ._columns import Columns
from ._options import SplitOptions
from ._protocol import PROTOCOLS, Indices, Protocol, folds_of

__all__ = ["PROTOCOLS", "Columns", "Indices", "Protocol", "SplitOptions", "folds_of"]
