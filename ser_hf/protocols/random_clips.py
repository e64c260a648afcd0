"""Clips drawn at random, stratified by corpus and class: speakers are on both sides."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ._columns import Columns
from ._draw import by_corpus_and_class, draw, units
from ._options import SplitOptions
from ._protocol import Indices, Protocol, register

_NAMES = ("train", "validation", "test")


def assign(columns: Columns, options: SplitOptions) -> Indices:
    """Draws test and validation by ``test_size`` and ``validation_size``; rows with identical audio stay together."""
    return _drawn(columns, options.test_size, options.validation_size, options.seed)


def _of_sizes(test_size: float, validation_size: float) -> Callable[[Columns, SplitOptions], Indices]:
    return lambda columns, options: _drawn(columns, test_size, validation_size, options.seed)


def _drawn(columns: Columns, test_size: float, validation_size: float, seed: int) -> Indices:
    first, unit = units(columns.recordings)
    strata = by_corpus_and_class(columns)
    shares = {"test": test_size, "validation": validation_size}
    side = draw([strata[i] for i in first], shares, np.random.default_rng(seed))
    return {name: np.flatnonzero(side[unit] == name) for name in _NAMES}


register(
    Protocol(
        name="random",
        description="clips drawn at random, stratified by corpus and class; speakers are on both sides",
        claims_speaker_independent=False,
        assign=assign,
        takes=frozenset({"test_size", "validation_size"}),
    )
)
register(
    Protocol(
        name="random-90-5-5",
        description="random with 90 % train, 5 % validation, 5 % test, as in DeepEmoNet; speakers are on both sides",
        claims_speaker_independent=False,
        assign=_of_sizes(0.05, 0.05),
    )
)
register(
    Protocol(
        name="random-65-17.5-17.5",
        description=(
            "random with 65 % train, 17.5 % validation, 17.5 % test, as in 'Recognition of Emotions in Speech using "
            "Neural Networks'; speakers are on both sides"
        ),
        claims_speaker_independent=False,
        assign=_of_sizes(0.175, 0.175),
    )
)
