"""Whole speakers held out: some of every corpus, or one at a time."""

from __future__ import annotations

import numpy as np

from ser_hf.base.errors import SplitError, unknown

from ._choice import closest
from ._columns import Columns
from ._options import SplitOptions
from ._protocol import Indices, Protocol, register
from ._sides import by_speaker, speakers_of


def some_of_every_corpus(columns: Columns, options: SplitOptions) -> Indices:
    """The test speakers named, else a share of every corpus' speakers, see `closest`.

    Raises:
        SplitError: a clip has no speaker, a named one is not there, or a side stays empty.
    """
    by_corpus = speakers_of(columns)
    known = [s for speakers in by_corpus.values() for s in speakers]
    for name in options.test_speakers:
        if name not in known:
            raise SplitError(unknown("test speaker", name, known))
    rng = np.random.default_rng(options.seed)
    test = set(options.test_speakers) or {
        speaker
        for speakers in by_corpus.values()
        if len(speakers) > 1
        for speaker in closest(columns, speakers, max(1, round(options.test_size * len(speakers))), rng, options.seed)
    }
    return by_speaker(columns, test, options)


def one(columns: Columns, options: SplitOptions) -> Indices:
    """The speaker of the fold, counted over all corpora in the order of their names.

    Raises:
        SplitError: a clip has no speaker, or there is one speaker only.
    """
    return by_speaker(columns, {_everyone(columns)[(options.fold or 1) - 1]}, options)


def _everyone(columns: Columns) -> list[str]:
    return [speaker for speakers in speakers_of(columns).values() for speaker in speakers]


register(
    Protocol(
        name="speaker-independent",
        description="whole speakers held out, named or drawn from every corpus so that classes keep their shares",
        claims_speaker_independent=True,
        assign=some_of_every_corpus,
        takes=frozenset({"test_size", "validation_size", "test_speakers"}),
    )
)
register(
    Protocol(
        name="loso",
        description="leave one speaker out: fold N tests the Nth speaker, counted by name over all corpora",
        claims_speaker_independent=True,
        assign=one,
        takes=frozenset({"fold", "validation_size"}),
        folds=lambda columns, _: range(1, len(_everyone(columns)) + 1),
    )
)
