"""Many recordings by one command: found, decoded ahead, scored together, written so that a kill loses little.

Names are loaded on first use: what only lists files needs no PyTorch and no Arrow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .decoding import Decoder
    from .hearing import Settings, Sound
    from .item import Item
    from .rows import Row, fields, values
    from .run import Options, Summary, predict_many
    from .scoring import Batches, Scorer
    from .sources import holds_recordings, is_source, sources_of

_HOMES = {
    "Batches": "scoring",
    "Decoder": "decoding",
    "Item": "item",
    "Options": "run",
    "Row": "rows",
    "Scorer": "scoring",
    "Settings": "hearing",
    "Sound": "hearing",
    "Summary": "run",
    "fields": "rows",
    "holds_recordings": "sources",
    "is_source": "sources",
    "predict_many": "run",
    "sources_of": "sources",
    "values": "rows",
}

__all__ = [
    "Batches",
    "Decoder",
    "Item",
    "Options",
    "Row",
    "Scorer",
    "Settings",
    "Sound",
    "Summary",
    "fields",
    "holds_recordings",
    "is_source",
    "predict_many",
    "sources_of",
    "values",
]


def __getattr__(name: str) -> Any:
    """Imports a name from its module on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
