"""Corpora of one's own, under any name: what is found in a folder or a table, and what a YAML file beside it says."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ser_hf.base.errors import CorpusError, unknown
from ser_hf.base.strict_yaml import read_yaml
from ser_hf.base.tables import SUFFIXES
from ser_hf.labels import WORDS, emotion_of

from ._corpus import CORPORA, Corpus
from ._own_clips import find
from ._reading import Reading

FOLDER = "folder"
"""The registered name of an own corpus; any other will do."""
_TEXTS = ("title", "licence", "licence_url", "homepage", "citation", "language")
_KEYS = (*(f.name for f in dataclasses.fields(Reading)), *_TEXTS, "redistributable")


def own_corpus(name: str, root: Path | None = None, reading: Reading | None = None) -> Corpus:
    """The record of a corpus of one's own.

    Beside a table ``calls.csv`` a file ``calls.yaml`` may say more of it, and in a folder ``metadata.yaml``: how it is
    read (``labels``, ``label_column`` and the other fields of `Reading`), and ``title``, ``licence``, ``licence_url``,
    ``citation``, ``homepage``, ``language`` and ``redistributable``. Without it the licence is unknown, and nothing of
    the recordings is published.

    Args:
        name: the corpus' name, and the prefix of its speakers.
        root: its folder or table; None leaves the YAML file out.
        reading: how it is read, over the YAML file.

    Raises:
        SerHfError: the YAML file is not readable, has an unknown key or a value of the wrong kind.
    """
    told = _beside(root) if root is not None else {}
    how = _together(told, reading or Reading())
    facts = {key: str(told[key]) for key in _TEXTS if told.get(key)}
    return Corpus(
        name=name,
        title=facts.get("title", "The user's own recordings"),
        homepage=facts.get("homepage", ""),
        citation=facts.get("citation", ""),
        licence=facts.get("licence", "unknown"),
        licence_url=facts.get("licence_url", ""),
        redistributable=bool(told.get("redistributable", False)),
        language=facts.get("language"),
        emotions={**WORDS, **{label: emotion_of(label, how.labels) for label in how.labels}},
        names="<emotion>/clip.wav, or a table metadata.csv with the columns path and label",
        how_to_get="Put the clips into one sub-folder per emotion, or write a table with the columns path and label.",
        find=partial(find, name=name, reading=how),
        own=True,
    )


def mistaken_for(name: str) -> str | None:
    """The registered corpus that a name of one's own is too close to, None where there is none.

    >>> mistaken_for("tes"), mistaken_for("ravdess"), mistaken_for("calls")
    ('tess', None, None)
    """
    found = difflib.get_close_matches(name.lower(), CORPORA, n=1, cutoff=0.8) if name not in CORPORA else []
    return found[0] if found else None


def _beside(root: Path) -> dict[str, Any]:
    """What the YAML file says that belongs to a table or a folder."""
    path = root / "metadata.yaml" if root.is_dir() else root.with_suffix(".yaml")
    if root.suffix.lower() not in SUFFIXES and not root.is_dir():
        return {}
    if not path.exists():
        return {}
    told = read_yaml(path)
    if not isinstance(told, dict):
        raise CorpusError(f"{path}: expected the keys {', '.join(_KEYS)}, found {told!r:.60}")
    for key, value in told.items():
        if key not in _KEYS:
            raise CorpusError(f"{path}: {unknown('key', str(key), _KEYS)}")
        kind = {"labels": dict, "redistributable": bool}.get(key, str)
        if value is not None and not isinstance(value, kind):
            raise CorpusError(f"{path}: {key} is {value!r:.60}; expected {_KINDS[kind]}")
    if told.get("redistributable") and not told.get("licence"):
        raise CorpusError(
            f"{path}: redistributable is true, and no licence is named that allows it; add `licence: ...`"
        )
    return told


_KINDS = {dict: "pairs `label: word`", bool: "true or false", str: "text"}


def _together(told: Mapping[str, Any], reading: Reading) -> Reading:
    """What the file says, under what was said elsewhere."""
    labels = {str(label): str(word) for label, word in (told.get("labels") or {}).items()}
    columns = [f.name for f in dataclasses.fields(Reading) if f.name != "labels"]
    chosen = {name: getattr(reading, name) or told.get(name) for name in columns}
    return Reading(labels={**labels, **reading.labels}, **chosen)
