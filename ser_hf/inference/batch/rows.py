"""A row of the output: what was heard of a recording, or why nothing was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ser_hf.corpora import text_of

from ..heard import Heard
from .item import Item

EMBEDDING, ERROR = "embedding", "error"
_DIGITS = 6


class Row(NamedTuple):
    """What became of an item.

    Attributes:
        item: without its bytes.
        heard: what the model says; None where it could not be asked.
        error: why.
        embedding: ``(D,)`` float32, where asked for.
    """

    item: Item
    heard: Heard | None = None
    error: str | None = None
    embedding: np.ndarray | None = None


def fields(labels: Sequence[str], targets: Sequence[str] = (), embeddings: bool = False) -> dict[str, str]:
    """Column -> kind (``text``, ``number``, ``share`` or ``vector``) of the rows of a model."""
    named = {
        **dict.fromkeys(("id", "path"), "text"),
        **dict.fromkeys(("start", "end", "seconds", "speech"), "number"),
        "label": "text",
        "confidence": "share",
        **{f"p_{label}": "share" for label in labels},
        **dict.fromkeys(targets, "share"),
        ERROR: "text",
    }
    return {**named, EMBEDDING: "vector"} if embeddings else named


def values(row: Row, columns: dict[str, str]) -> dict[str, Any]:
    """The cells of a row, ``None`` where there is nothing to say."""
    item, heard = row.item, row.heard
    said: dict[str, Any] = {"id": text_of(item.id), "path": text_of(item.path), "start": item.start, "end": item.end}
    said[ERROR] = None if row.error is None else text_of(row.error)
    if heard is not None:
        said |= {"seconds": heard.seconds, "speech": heard.speech, "label": heard.label, "confidence": heard.confidence}
        said |= {f"p_{name}": share for name, share in heard.classes.items()}
        said |= heard.dimensions
    said[EMBEDDING] = row.embedding
    return {name: rounded(said.get(name)) if kind == "number" else said.get(name) for name, kind in columns.items()}


def rounded(value: float | None) -> float | None:
    """A number without the digits that nobody measured."""
    return None if value is None else round(value, _DIGITS)
