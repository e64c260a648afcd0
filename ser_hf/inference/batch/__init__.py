"""Many recordings by one command: found, decoded ahead, scored together, written so that a kill loses little.

Names are loaded on first use: what only lists files needs no PyTorch and no Arrow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ser_hf.base.lazy import lazily

if TYPE_CHECKING:
    from .decoding import Decoder
    from .formats import Parquet
    from .hearing import Settings, Sound, hearer
    from .item import Item
    from .parquet import Piece, items_of
    from .rows import Row, fields
    from .run import Options, Summary, predict_many
    from .scoring import Batches, Scorer
    from .sources import is_source, sources_of

_HOMES = {
    "Batches": "scoring",
    "Decoder": "decoding",
    "Item": "item",
    "Options": "run",
    "Parquet": "formats",
    "Piece": "parquet",
    "Row": "rows",
    "Scorer": "scoring",
    "Settings": "hearing",
    "Sound": "hearing",
    "Summary": "run",
    "fields": "rows",
    "hearer": "hearing",
    "is_source": "sources",
    "items_of": "parquet",
    "predict_many": "run",
    "sources_of": "sources",
}
__all__ = [
    "Batches",
    "Decoder",
    "Item",
    "Options",
    "Parquet",
    "Piece",
    "Row",
    "Scorer",
    "Settings",
    "Sound",
    "Summary",
    "fields",
    "hearer",
    "is_source",
    "items_of",
    "predict_many",
    "sources_of",
]

__getattr__ = lazily(__name__, _HOMES)
