"""From test rows to three sides: the validation is carved from the training side, never from test speakers."""

from __future__ import annotations

import math

import numpy as np

from ser_hf.base.errors import SplitError

from ._choice import closest
from ._columns import Columns, among
from ._draw import share
from ._options import SplitOptions, some
from ._protocol import Indices

_FEWEST = 4
"""Training speakers a corpus must have for some to be held out for validation."""


def speakers_of(columns: Columns) -> dict[str, list[str]]:
    """Corpus -> its speakers, both sorted; one who is heard in several corpora counts for the first.

    Raises:
        SplitError: a clip has no speaker.
    """
    nameless = sum(s is None for s in columns.speakers)
    if nameless:
        raise SplitError(
            f"{nameless} of {len(columns)} clips have no speaker, so no split by speaker can be made; "
            "name the speakers (a speaker column, or sub-folders) or use the protocol 'random'"
        )
    speakers: dict[str, list[str]] = {corpus: [] for corpus in columns.corpus_names()}
    seen: set[str] = set()
    for corpus, speaker in sorted(set(zip(columns.corpora, columns.speakers, strict=True))):
        if speaker not in seen:
            speakers[corpus].append(speaker)
            seen.add(speaker)
    return speakers


def by_speaker(columns: Columns, test: set[str], options: SplitOptions) -> Indices:
    """Gives the speakers ``test`` to the test and carves the validation from the others.

    Raises:
        SplitError: no clip is left for the test or for training.
    """
    in_test = among(columns.speakers, test)
    if in_test.all() or not in_test.any():
        left = "no training clip" if in_test.all() else "no test clip"
        raise SplitError(f"the test speakers {some(sorted(test))} leave {left}")
    return sides(in_test, carve(columns, ~in_test, in_test, options))


def carve(columns: Columns, free: np.ndarray, in_test: np.ndarray, options: SplitOptions) -> np.ndarray:
    """Validation rows out of the rows ``free``.

    Whole speakers are held out from every corpus that keeps at least four for training, see `closest`. Of corpora whose
    training speakers are tested too, or unknown, a share of the clips is drawn, stratified by class. Where no speaker
    is held out at all, a share of all free clips is, stratified by speaker and class.
    """
    rng = np.random.default_rng(options.seed)
    tested: set[str | None] = set(columns.speakers[in_test])
    held: set[str] = set()
    mixed: set[str] = set()
    for corpus in sorted(set(columns.corpora[free])):
        own = columns.corpora == corpus
        rest = set(columns.speakers[own & free])
        if None in rest or rest & tested:
            mixed.add(corpus)
        elif len(rest) >= _FEWEST and not rest & held:  # else speakers of another corpus are heard in this one too
            count = math.ceil(options.validation_size * len(set(columns.speakers[own])))
            held.update(closest(columns.where(own & free), sorted(rest), count, rng, options.seed))
    drawn = free & among(columns.corpora, mixed) if held else free
    strata = [
        (corpus if corpus in mixed else speaker, label)
        for corpus, speaker, label in zip(columns.corpora, columns.speakers, columns.labels, strict=True)
    ]
    taken = share(columns, drawn, strata, options.validation_size, options.seed)
    taken |= free & among(columns.speakers, held)
    return taken


def sides(in_test: np.ndarray, in_validation: np.ndarray, in_train: np.ndarray | None = None) -> Indices:
    """Row numbers of the three sides; by default everything else is for training."""
    train = ~in_test & ~in_validation if in_train is None else in_train & ~in_validation
    return {name: np.flatnonzero(m) for name, m in (("train", train), ("validation", in_validation), ("test", in_test))}


def without_copies(columns: Columns, indices: Indices) -> Indices:
    """Leaves out training rows whose recording is also validated or tested on, and validation rows also tested on.

    For splits fixed by others, that cannot be drawn again around the copies: the test stays as published.
    """
    heard = set(columns.recordings[indices["test"]])
    kept = {"test": indices["test"]}
    for name in ("validation", "train"):
        recordings = columns.recordings[indices[name]]
        kept[name] = indices[name][~among(recordings, heard)]
        heard |= set(recordings)
    return {name: kept[name] for name in indices}
