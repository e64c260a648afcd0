"""The corpus' own split: its partitions (MSP-Podcast, MELD, older ESD), or one session out (IEMOCAP)."""

from __future__ import annotations

import numpy as np

from ser_hf.base.errors import SplitError

from ._columns import Columns
from ._options import SplitOptions
from ._protocol import Indices, Protocol, register
from ._sides import carve, sides, without_copies

_TRAIN, _VALIDATION = "train", "validation"


def assign(columns: Columns, options: SplitOptions) -> Indices:
    """Partitions where the corpus has them, else the session of the fold; validation is carved where it has none.

    Clips of other partitions, such as the further test sets, are in no split.

    Raises:
        SplitError: a corpus has neither, or no such test set.
    """
    sessions = _sessions(columns)
    in_train, in_validation, in_test, free = (np.zeros(len(columns), dtype=bool) for _ in range(4))
    for corpus in columns.corpus_names():
        own = columns.corpora == corpus
        if corpus in sessions:
            tested = columns.sessions == sessions[corpus][(options.fold or 1) - 1]
            validated = np.zeros_like(own)
            trained = ~tested
        else:
            partitions = columns.partitions
            _check_partitions(corpus, set(partitions[own]), options.test_partition)
            trained, validated = partitions == _TRAIN, partitions == _VALIDATION
            tested = partitions == options.test_partition
        in_train |= own & trained
        in_validation |= own & validated
        in_test |= own & tested
        if not (own & validated).any():
            free |= own & trained
    if free.any():
        in_validation |= carve(columns, free, in_test, options)
    return without_copies(columns, sides(in_test, in_validation, in_train))


def _check_partitions(corpus: str, there: set[str | None], wanted: str) -> None:
    if wanted in (_TRAIN, _VALIDATION) or wanted not in there:
        tests = sorted(name for name in there if name and name not in (_TRAIN, _VALIDATION))
        raise SplitError(f"corpus {corpus!r} has no test partition {wanted!r}; it has: {', '.join(tests) or 'none'}")


def _sessions(columns: Columns) -> dict[str, list[str]]:
    """Corpus without partitions -> its sessions, sorted.

    Raises:
        SplitError: a corpus has neither partitions nor sessions of their own speakers.
    """
    found, kinds = {}, {}
    for corpus in columns.corpus_names():
        own = columns.corpora == corpus
        kinds[corpus] = "partitions" if any(columns.partitions[own]) else "neither"
        sessions = set(columns.sessions[own])
        # sessions that share speakers, such as takes of one day, are no split anybody made
        apart = set(zip(columns.speakers[own], columns.sessions[own], strict=True))
        if kinds[corpus] == "neither" and None not in sessions and len(apart) == len(set(columns.speakers[own])):
            found[corpus], kinds[corpus] = sorted(sessions), "sessions"
    if "neither" in kinds.values():
        has = "; ".join(f"{corpus} has {kind}" for corpus, kind in kinds.items())
        raise SplitError(f"protocol 'official' needs partitions or sessions made by the corpus' authors: {has}")
    return found


def _folds(columns: Columns, _: SplitOptions) -> range:
    return range(1, min((len(s) for s in _sessions(columns).values()), default=0) + 1)


register(
    Protocol(
        name="official",
        description="the corpus' own partitions (MSP-Podcast, MELD), or one of its sessions out (IEMOCAP)",
        claims_speaker_independent=False,
        assign=assign,
        takes=frozenset({"fold", "test_partition", "validation_size"}),
        folds=_folds,
    )
)
