"""Published folds, as data: ``folds/<corpus>.json`` holds protocol -> unit, source and folds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "folds"


@dataclass(frozen=True, slots=True)
class Fold:
    """Members of one fold; everything that is in neither is for training.

    Attributes:
        test: speakers and sessions as the corpus writes them, or clip ids, each without the corpus' prefix.
        validation: the same; empty where the source names none.
    """

    test: tuple[str, ...]
    validation: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoldSet:
    """The folds of one corpus under one protocol.

    Attributes:
        unit: what the members are: ``"speaker"``, ``"session"`` or ``"clip"``.
        source: where the lists were published.
        folds: number -> fold, from 1.
    """

    unit: str
    source: str
    folds: Mapping[int, Fold]


@cache
def published_folds(corpus: str) -> Mapping[str, FoldSet]:
    """Protocol -> folds of a corpus; empty where none are published."""
    path = _FOLDER / f"{corpus}.json"
    if not path.is_file():
        return {}
    return {
        protocol: FoldSet(
            entry["unit"],
            entry["source"],
            {
                int(n): Fold(*(tuple(fold.get(k, ())) for k in ("test", "validation")))
                for n, fold in entry["folds"].items()
            },
        )
        for protocol, entry in json.loads(path.read_text(encoding="utf-8")).items()
    }
