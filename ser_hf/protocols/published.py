"""Folds that others published: one protocol for every name in ``ser_hf/corpora/folds/*.json``.

The test is the published one, clip for clip, as far as the data hold it. Members are speakers, sessions or clips; lists
of clips may put a speaker on both sides, and then the split is speaker-mixed and claims nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

import numpy as np

from ser_hf.base.errors import SplitError
from ser_hf.corpora import CORPORA, Fold, FoldSet

from ._columns import Columns, among
from ._options import SplitOptions, some, span
from ._protocol import Indices, Protocol, register
from ._sides import carve, sides, speakers_of, without_copies

_BY = {
    "emobox": "EmoBox",
    "luna-jimenez": "Luna-Jimenez et al. (five folds of actors)",
    "habla": "the recipes habla-liaa/ser-with-w2v2",
    "audeering": "audEERING's datasets",
    "nkululeko": "nkululeko's recipes",
    "serab": "SERAB",
    "tfds": "TensorFlow Datasets",
    "autrainer": "autrainer",
    "s3prl": "S3PRL and SUPERB",
    "speechbrain": "SpeechBrain's recipes",
}

logger = logging.getLogger(__name__)


def corpora_with(protocol: str) -> list[str]:
    """The corpora for which folds of this name are published."""
    return [corpus.name for corpus in CORPORA.values() if protocol in corpus.folds]


def _sets(protocol: str, columns: Columns) -> dict[str, FoldSet]:
    """Corpus in the data -> its folds.

    Raises:
        SplitError: a corpus has none; the message says which have them.
    """
    names, having = columns.corpus_names(), corpora_with(protocol)
    lacking = [name for name in names if name not in having]
    if lacking:
        here = [name for name in names if name in having]
        raise SplitError(
            f"protocol {protocol!r}: no folds are published for {', '.join(lacking)} "
            f"(of these data {', '.join(here) or 'none'} {'have' if len(here) > 1 else 'has'} them; "
            f"in all {', '.join(having)}); split these corpora alone, or use a protocol for any corpus, "
            "such as 'speaker-kfold'"
        )
    return {name: CORPORA[name].folds[protocol] for name in names}


def _folds(protocol: str, columns: Columns, options: SplitOptions) -> list[int]:
    sets = _sets(protocol, columns)
    for corpus, found in sets.items():
        if options.fold is not None and options.fold not in found.folds:
            known = span(sorted(found.folds))
            raise SplitError(f"corpus {corpus!r} has no {protocol!r} fold {options.fold}; it has {known}")
    common = set.intersection(*(set(found.folds) for found in sets.values()))
    if not common:
        raise SplitError(f"protocol {protocol!r}: {', '.join(sets)} have no fold number in common")
    return sorted(common)


def _by_clip(protocol: str, columns: Columns) -> bool:
    return any(found.unit == "clip" for found in _sets(protocol, columns).values())


def _assign(protocol: str, columns: Columns, options: SplitOptions) -> Indices:
    in_test, in_validation = (np.zeros(len(columns), dtype=bool) for _ in range(2))
    free = np.ones(len(columns), dtype=bool)
    sets = _sets(protocol, columns)
    for corpus, found in sets.items():
        fold: Fold = found.folds[options.fold or 1]
        in_test |= _rows(columns, corpus, found.unit, fold.test, f"{protocol!r} fold {options.fold}, test")
        if fold.validation:
            what = f"{protocol!r} fold {options.fold}, validation"
            in_validation |= _rows(columns, corpus, found.unit, fold.validation, what)
            free &= columns.corpora != corpus
    free &= ~in_test
    if free.any():
        in_validation |= carve(columns, free, in_test, options)
    found_sides = sides(in_test, in_validation & ~in_test)
    return without_copies(columns, found_sides) if _by_clip(protocol, columns) else found_sides


def _rows(columns: Columns, corpus: str, unit: str, members: Iterable[str], what: str) -> np.ndarray:
    """The rows of the members; members that are not in the data are told."""
    own = columns.corpora == corpus
    if unit == "speaker":
        speakers_of(columns.where(own))
        values, wanted = columns.speakers, {CORPORA[corpus].speaker(m) for m in members}
    elif unit == "session":
        values, wanted = columns.sessions, set(members)
    else:
        values, wanted = columns.clip_ids, {f"{corpus}/{m}" for m in members}
    missing = sorted(wanted - set(values[own]))
    if missing:
        count = f"{len(missing)} of {len(wanted)} {unit}s of {corpus}"
        logger.warning("%s: %s are not in the data: %s", what, count, some(missing))
    rows: np.ndarray = own & among(values, wanted)
    return rows


def _register(name: str) -> None:
    register(
        Protocol(
            name=name,
            description=f"a fold published by {_BY.get(name, name)}: speakers, sessions or clips as listed there",
            claims_speaker_independent=True,
            assign=lambda columns, options: _assign(name, columns, options),
            takes=frozenset({"fold", "validation_size"}),
            folds=lambda columns, options: _folds(name, columns, options),
            admits=lambda columns, _: _by_clip(name, columns),
        )
    )


for _name in sorted({protocol for corpus in CORPORA.values() for protocol in corpus.folds}):
    _register(_name)
