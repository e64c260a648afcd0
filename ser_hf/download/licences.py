"""Licences are accepted once for every corpus and text, and remembered in the cache."""

from __future__ import annotations

import json
from pathlib import Path

from ser_hf.base.atomic import write_json
from ser_hf.base.provenance import now
from ser_hf.corpora import Corpus


def is_accepted(corpus: Corpus, cache: Path) -> bool:
    """Whether the licence as it stands in the record was accepted before; a new licence is a new question."""
    try:
        known = json.loads(_file(corpus, cache).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # a damaged note is no acceptance
        return False
    return isinstance(known, dict) and known.items() >= _terms(corpus).items()


def accept(corpus: Corpus, cache: Path) -> None:
    """Remembers that the licence was accepted."""
    write_json(_file(corpus, cache), {**_terms(corpus), "accepted": now()})


def _file(corpus: Corpus, cache: Path) -> Path:
    return cache / "licences" / f"{corpus.name}.json"


def _terms(corpus: Corpus) -> dict[str, str]:
    return {"corpus": corpus.name, "licence": corpus.licence, "licence_url": corpus.licence_url}
