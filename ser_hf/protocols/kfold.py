"""K folds that test everything once: of clips (speakers on both sides) or of whole speakers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ser_hf.base.errors import SplitError

from ._choice import evenest
from ._columns import Columns
from ._draw import by_corpus_and_class, deal, share, units
from ._options import SplitOptions
from ._protocol import Indices, Protocol, register
from ._sides import by_speaker, sides, speakers_of

_DEALS = 200


def _folds(columns: Columns, options: SplitOptions) -> range:
    options.check()
    return range(1, options.folds + 1)


def by_clip(columns: Columns, options: SplitOptions) -> Indices:
    """Stratified by corpus and class; rows with identical audio stay together.

    Raises:
        SplitError: more folds than recordings.
    """
    first, unit = units(columns.recordings)
    _enough(first, options, "recordings")
    strata = by_corpus_and_class(columns)
    fold = deal([strata[i] for i in first], options.folds, np.random.default_rng(options.seed))
    in_test = fold[unit] == options.fold
    return sides(in_test, share(columns, ~in_test, strata, options.validation_size, options.seed))


def by_group(columns: Columns, options: SplitOptions) -> Indices:
    """Speakers dealt to folds corpus by corpus, women and men in turn, so that folds are alike in both.

    Of 200 such deals by the seed the one is taken whose folds are most alike in clips and classes, see `evenest`.

    Raises:
        SplitError: a clip has no speaker, or there are more folds than speakers.
    """
    strata = _corpus_and_sex(columns)
    speakers = sorted(strata, key=lambda speaker: (*strata[speaker], speaker))
    _enough(speakers, options, "speakers")
    groups = [strata[s] for s in speakers]
    seeds: list[int | list[int]] = [options.seed, *([options.seed, i] for i in range(1, _DEALS))]
    deals = [deal(groups, options.folds, np.random.default_rng(seed)) for seed in seeds]
    fold = evenest(columns, speakers, deals)
    test = {speaker for speaker, number in zip(speakers, fold, strict=True) if number == options.fold}
    return by_speaker(columns, test, options)


def _corpus_and_sex(columns: Columns) -> dict[str, tuple[str, str]]:
    sex = dict(zip(columns.speakers, columns.sexes, strict=True))
    return {s: (corpus, str(sex[s])) for corpus, speakers in speakers_of(columns).items() for s in speakers}


def _enough(members: Sequence[object] | np.ndarray, options: SplitOptions, what: str) -> None:
    if len(members) < options.folds:
        raise SplitError(f"{options.folds} folds need as many {what}, and there are {len(members)}; pass --folds")


_TAKES = frozenset({"fold", "folds", "validation_size"})

register(
    Protocol(
        name="kfold",
        description="one of K folds of clips, stratified by corpus and class; speakers are on both sides",
        claims_speaker_independent=False,
        assign=by_clip,
        takes=_TAKES,
        folds=_folds,
    )
)
register(
    Protocol(
        name="speaker-kfold",
        description="one of K folds of whole speakers, alike in corpora, sexes and classes",
        claims_speaker_independent=True,
        assign=by_group,
        takes=_TAKES,
        folds=_folds,
    )
)
