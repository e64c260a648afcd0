"""The protocols: rules by which clips become train, validation and test."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import datasets
import numpy as np

from ser_hf.corpora import CORPORA
from ser_hf.errors import SplitError, unknown
from ser_hf.registry import Registry

Indices = dict[str, np.ndarray]
"""Split name -> row numbers."""


@dataclass(frozen=True, kw_only=True)
class SplitOptions:
    """What a protocol may be told.

    Attributes:
        fold: number of the fold, for protocols that have folds.
        seed: of the drawing.
        test_size: share of the clips (``random``) or of each corpus' speakers (``speaker-independent``) for the test.
        validation_size: the same for validation, always taken from the training side.
        test_speakers: exactly these, for ``speaker-independent``.
    """

    fold: int | None = None
    seed: int = 42
    test_size: float = 0.1
    validation_size: float = 0.1
    test_speakers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Columns:
    """The columns a protocol decides by, one entry per row."""

    labels: np.ndarray
    corpora: np.ndarray
    speakers: np.ndarray
    recordings: np.ndarray

    @classmethod
    def of(cls, dataset: datasets.Dataset) -> Columns:
        """Reads them from a harmonised dataset; ``recordings`` is equal for rows whose decoded audio is identical."""
        names = ("label", "corpus", "speaker", "audio_hash")
        return cls(*(np.asarray(dataset[name][:], dtype=object) for name in names))


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A named rule.

    Attributes:
        claims_speaker_independent: whether a split made by it that shares speakers must be refused.
        assign: (columns, options) -> row numbers of train, validation and test.
    """

    name: str
    description: str
    claims_speaker_independent: bool
    assign: Callable[[Columns, SplitOptions], Indices]


PROTOCOLS: Registry[Protocol] = Registry("protocol")


def _random(columns: Columns, options: SplitOptions) -> Indices:
    """Stratified by corpus and class; rows with identical audio stay together."""
    first, unit = _units(columns.recordings)
    strata = [(columns.corpora[i], columns.labels[i]) for i in first]
    rng = np.random.default_rng(options.seed)
    side = _draw(strata, {"test": options.test_size, "validation": options.validation_size}, rng)
    return {name: np.flatnonzero(side[unit] == name) for name in ("train", "validation", "test")}


def _units(recordings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first row of every recording, in the order of their hashes, and the position of every row's recording."""
    _, first, unit = np.unique(recordings.astype(str), return_index=True, return_inverse=True)
    return first, unit


def _draw(strata: Sequence[Hashable], shares: dict[str, float], rng: np.random.Generator) -> np.ndarray:
    """Names a side for every unit: ``shares`` of each stratum by largest remainder, so that the totals are exact."""
    members: dict[Hashable, list[int]] = defaultdict(list)
    for unit, stratum in enumerate(strata):
        members[stratum].append(unit)
    side = np.full(len(strata), "train", dtype=object)
    for units in members.values():
        rng.shuffle(units)
    taken = dict.fromkeys(members, 0)
    for name, share in shares.items():
        exact = {s: share * len(units) for s, units in members.items()}
        counts = {s: int(x) for s, x in exact.items()}
        missing = round(sum(exact.values())) - sum(counts.values())
        room = [s for s, units in members.items() if taken[s] + counts[s] < len(units)]
        for stratum in sorted(room, key=lambda s: counts[s] - exact[s])[:missing]:
            counts[stratum] += 1
        for stratum, units in members.items():
            start = taken[stratum]
            side[units[start : start + counts[stratum]]] = name
            taken[stratum] += counts[stratum]
    return side


def _speaker_independent(columns: Columns, options: SplitOptions) -> Indices:
    """Whole speakers to the test: the ones named, else a share of every corpus' speakers."""
    by_corpus = _speakers(columns)
    known = [s for speakers in by_corpus.values() for s in speakers]
    for name in options.test_speakers:
        if name not in known:
            raise SplitError(unknown("test speaker", name, known))
    rng = np.random.default_rng(options.seed)
    test = set(options.test_speakers) or {
        speaker
        for speakers in by_corpus.values()
        if len(speakers) > 1
        for speaker in rng.permutation(speakers)[: max(1, round(options.test_size * len(speakers)))]
    }
    return _by_speaker(columns, test, options)


def _emobox(columns: Columns, options: SplitOptions) -> Indices:
    """The test speakers of one EmoBox fold, of every corpus in the data."""
    if options.fold is None:
        raise SplitError("protocol 'emobox' needs a fold: pass --fold N (RAVDESS has 1 to 6, SAVEE 1 to 4)")
    by_corpus = _speakers(columns)
    test = {s for corpus in by_corpus for s in CORPORA[corpus].test_speakers("emobox", options.fold)}
    return _by_speaker(columns, test, options)


def _speakers(columns: Columns) -> dict[str, list[str]]:
    """Corpus -> its speakers, sorted.

    Raises:
        SplitError: a clip has no speaker.
    """
    nameless = sum(s is None for s in columns.speakers)
    if nameless:
        raise SplitError(
            f"{nameless} of {len(columns.speakers)} clips have no speaker, so no split by speaker can be made; "
            "name the speakers (a speaker column, or sub-folders) or use the protocol 'random'"
        )
    pairs = sorted(set(zip(columns.corpora, columns.speakers, strict=True)))
    return {corpus: [s for c, s in pairs if c == corpus] for corpus, _ in pairs}


def _by_speaker(columns: Columns, test: set[str], options: SplitOptions) -> Indices:
    """Gives ``test`` to the test and carves the validation from the other speakers.

    Whole speakers are held out for validation from every corpus that keeps at least four for training; where no corpus
    has so many, a stratified share of the training clips is; clips with identical audio stay together.
    """
    in_test = np.isin(columns.speakers, list(test))
    if in_test.all() or not in_test.any():
        raise SplitError(
            f"the test speakers {sorted(test)} leave {'no training clip' if in_test.all() else 'no test clip'}"
        )
    rng = np.random.default_rng(options.seed)
    held: set[str] = set()
    for speakers in _speakers(columns).values():
        rest = [s for s in speakers if s not in test]
        if len(rest) >= 4:
            held.update(rng.permutation(rest)[: max(1, math.ceil(options.validation_size * len(speakers)))])
    if held:
        in_validation = np.isin(columns.speakers, list(held))
    else:
        rest_rows = np.flatnonzero(~in_test)
        first, unit = _units(columns.recordings[rest_rows])
        strata = [(columns.speakers[i], columns.labels[i]) for i in rest_rows[first]]
        side = _draw(strata, {"validation": options.validation_size}, rng)
        in_validation = np.zeros(len(in_test), dtype=bool)
        in_validation[rest_rows[side[unit] == "validation"]] = True
    return {
        "train": np.flatnonzero(~in_test & ~in_validation),
        "validation": np.flatnonzero(in_validation),
        "test": np.flatnonzero(in_test),
    }


for _protocol in (
    Protocol(
        name="random",
        description="clips drawn at random, stratified by corpus and class; speakers are on both sides",
        claims_speaker_independent=False,
        assign=_random,
    ),
    Protocol(
        name="speaker-independent",
        description="whole speakers held out, named or drawn from every corpus",
        claims_speaker_independent=True,
        assign=_speaker_independent,
    ),
    Protocol(
        name="emobox",
        description="one of EmoBox's published folds: whole speakers held out",
        claims_speaker_independent=True,
        assign=_emobox,
    ),
):
    PROTOCOLS.register(_protocol.name, _protocol)
