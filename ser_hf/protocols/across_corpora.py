"""Whole corpora held out: one at a time, or those named."""

from __future__ import annotations

from ser_hf.base.errors import SplitError, unknown

from ._columns import Columns, among
from ._options import SplitOptions
from ._protocol import Indices, Protocol, register
from ._sides import carve, sides


def leave_one_out(columns: Columns, options: SplitOptions) -> Indices:
    """Tests on the corpus named, else on that of the fold; trains on the others.

    Raises:
        SplitError: fewer than two corpora, more than one named, or one that is not there.
    """
    names = _several(columns)
    if len(options.test_corpora) > 1:
        named = ", ".join(options.test_corpora)
        raise SplitError(f"'leave-one-corpus-out' tests one corpus, found: {named}; use 'cross-corpus' for several")
    test = set(_known(options.test_corpora, "test", names)) or {names[(options.fold or 1) - 1]}
    return _by_corpus(columns, set(names) - test, test, options)


def named(columns: Columns, options: SplitOptions) -> Indices:
    """Trains on ``train_corpora``, tests on ``test_corpora``; of one that is not given, on all the others.

    Raises:
        SplitError: neither is given, a corpus is in both or in neither, or is not there.
    """
    names = _several(columns)
    train = set(_known(options.train_corpora, "train", names))
    test = set(_known(options.test_corpora, "test", names))
    if not train and not test:
        raise SplitError(
            f"protocol 'cross-corpus' needs --train_corpora or --test_corpora, of: {', '.join(names)}; "
            "for each corpus in turn use 'leave-one-corpus-out'"
        )
    train, test = train or set(names) - test, test or set(names) - train
    if train & test:
        raise SplitError(f"in both --train_corpora and --test_corpora: {', '.join(sorted(train & test))}; keep one")
    left = [name for name in names if name not in train | test]
    if left:
        raise SplitError(
            f"neither in --train_corpora nor in --test_corpora: {', '.join(left)}; add each to one, or leave it out of "
            "--corpora"
        )
    return _by_corpus(columns, train, test, options)


def _several(columns: Columns) -> list[str]:
    names = columns.corpus_names()
    if len(names) < 2:
        raise SplitError(f"a split between corpora needs two or more, found: {', '.join(names)}")
    return names


def _known(given: tuple[str, ...], side: str, names: list[str]) -> tuple[str, ...]:
    for name in given:
        if name not in names:
            raise SplitError(f"--{side}_corpora: {unknown('corpus', name, names)}")
    return given


def _by_corpus(columns: Columns, train: set[str], test: set[str], options: SplitOptions) -> Indices:
    if not train:
        raise SplitError("every corpus is tested on, so none is left to train on; leave one out of --test_corpora")
    in_test, free = among(columns.corpora, test), among(columns.corpora, train)
    return sides(in_test, carve(columns, free, in_test, options), free)


def _nameless(columns: Columns, _: SplitOptions) -> bool:
    """Corpora without speakers may be tested on; then nothing is claimed."""
    return any(speaker is None for speaker in columns.speakers)


def _folds(columns: Columns, options: SplitOptions) -> range:
    return range(0) if options.test_corpora else range(1, len(_several(columns)) + 1)


register(
    Protocol(
        name="leave-one-corpus-out",
        description="trained on all corpora but one: fold N tests the Nth by name, or name it as test corpus",
        claims_speaker_independent=True,
        assign=leave_one_out,
        takes=frozenset({"fold", "test_corpora", "validation_size"}),
        folds=_folds,
        admits=_nameless,
    )
)
register(
    Protocol(
        name="cross-corpus",
        description="trained on some corpora, tested on others",
        claims_speaker_independent=True,
        assign=named,
        takes=frozenset({"train_corpora", "test_corpora", "validation_size"}),
        admits=_nameless,
    )
)
