"""Pairs of fingerprints that may be copies, among so many that not all pairs can be looked at.

After Haitsma & Kalker (2002), who look up the words of a fingerprint, and Indyk & Motwani (1998,
doi 10.1145/276698.276876), who look up some of its bits: copies that differ in a seventh of their bits have some frame
whose drawn bits are all equal, other recordings by chance only. With the number of frames the keys grow longer, so that
the time grows little faster than the number of recordings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

_PATTERNS, _SEED = 8, 5
_APART = 6
"""Frames from one word of a key to the other: an eighth of a second, after which frames have little sound in common."""
_SPARE_BITS = 2
_PARTS = 4
"""Keys are sorted in so many parts, for memory."""
_NEIGHBOURS = 8
"""With how many others under its key a recording is held beside the first; where thousands are alike, it is enough."""
_FEWEST = 8
_CLOSE, _CLOSE_DIFFERENT = 12, 0.33
"""Frames on both sides of a common key, and the share of their bits that may differ: chance is a half."""
_WIDE, _WIDE_DIFFERENT, _WIDE_FRAMES = 64, 0.25, 80
"""The same for what passes, which are mostly takes of one sentence: a quarter above what copies may differ in, and less
where there are fewer frames."""
_BLOCK = 200_000
_MIX = np.uint64(0x9E3779B97F4A7C15)


def pairs_by_keys(
    words: np.ndarray, starts: np.ndarray, apart: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> Iterator[np.ndarray]:
    """Gives pairs of recordings that have a key in common and are alike around it, int64 ``(pairs, 2)``, lower first.

    A pair may come more than once. Fingerprints are given one after the other.

    Args:
        words: uint32 ``(frames,)``, zero where it is quiet.
        starts: where each of them begins, and the end of the last, ``(recordings + 1,)``.
        apart: which pairs of recordings are not known to be copies yet; asked again after every answer.
    """
    owner = np.repeat(np.arange(len(starts) - 1, dtype=np.int32), np.diff(starts))
    whole = (words[:-_APART] != 0) & (words[_APART:] != 0) & (owner[:-_APART] == owner[_APART:])
    places = np.flatnonzero(whole).astype(np.uint64)
    del whole
    bits = min(64, math.ceil(math.log2(max(len(places), 2))) + _SPARE_BITS)
    rng = np.random.default_rng(_SEED)
    for _ in range(_PATTERNS):
        mask = np.uint64(sum(1 << int(bit) for bit in rng.choice(64, bits, replace=False)))
        keys = _keys(words, places, mask)
        for part in range(_PARTS):
            own = keys % _PARTS == part
            marked = np.sort(keys[own].astype(np.uint64) << np.uint64(32) | places[own])
            for one, other in _neighbours(marked, owner):
                asked = apart(owner[one], owner[other])
                one, other = one[asked], other[asked]
                near = _alike(words, starts, owner, one, other)
                if len(near):
                    yield np.stack([owner[one[near]], owner[other[near]]], axis=1).astype(np.int64)


def _keys(words: np.ndarray, places: np.ndarray, mask: np.uint64) -> np.ndarray:
    """A 32-bit number for the drawn bits of every frame and the one `_APART` after it."""
    keys = np.empty(len(places), np.uint32)
    for start in range(0, len(places), _BLOCK):
        at = places[start : start + _BLOCK].astype(np.int64)
        both = words[at].astype(np.uint64) << np.uint64(32) | words[at + _APART]
        keys[start : start + _BLOCK] = ((both & mask) * _MIX) >> np.uint64(32)
    return keys


def _neighbours(marked: np.ndarray, owner: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Frames of recordings under one key, the earlier one first: each with the first, and those next to each other."""
    keys, places = (marked >> np.uint64(32)).astype(np.uint32), (marked & np.uint64(0xFFFFFFFF)).astype(np.int64)
    fresh = np.ones(len(keys), bool)  # a sound that lasts has one key in many frames
    fresh[1:] = (keys[1:] != keys[:-1]) | (owner[places[1:]] != owner[places[:-1]])
    keys, places = keys[fresh], places[fresh]
    begin = np.ones(len(keys), bool)
    begin[1:] = keys[1:] != keys[:-1]
    first = np.maximum.accumulate(np.where(begin, np.arange(len(keys)), 0))
    others = np.flatnonzero(~begin)
    for start in range(0, len(others), _BLOCK):
        block = others[start : start + _BLOCK]
        yield places[first[block]], places[block]
    for step in range(1, _NEIGHBOURS + 1):
        found = np.flatnonzero(first[step:] == first[:-step])
        found = found[~begin[found]]
        for start in range(0, len(found), _BLOCK):
            one = found[start : start + _BLOCK]
            yield places[one], places[one + step]


def _alike(words: np.ndarray, starts: np.ndarray, owner: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The numbers of the pairs of frames around which few bits differ."""
    near = np.flatnonzero(owner[one] != owner[other])
    for around in (_CLOSE, _WIDE):
        wrong, frames = _difference(words, starts, owner, one[near], other[near], around)
        most = _CLOSE_DIFFERENT if around == _CLOSE else _WIDE_DIFFERENT * np.minimum(1, frames / _WIDE_FRAMES)
        near = near[(frames >= _FEWEST) & (wrong <= most * 32 * frames)]
    return near


def _difference(
    words: np.ndarray, starts: np.ndarray, owner: np.ndarray, one: np.ndarray, other: np.ndarray, around: int
) -> tuple[np.ndarray, np.ndarray]:
    """How many bits differ up to so many frames around two frames, and how many frames are loud in both."""
    begin = np.maximum(starts[owner[one]] - one, starts[owner[other]] - other)
    end = np.minimum(starts[owner[one] + 1] - one, starts[owner[other] + 1] - other)
    wrong, frames = np.zeros(len(one), np.int64), np.zeros(len(one), np.int64)
    if not len(one):
        return wrong, frames
    for step in range(max(-around, int(begin.min())), min(around + 1, int(end.max()))):
        there = (begin <= step) & (step < end)
        first, second = (words[np.where(there, at + step, at)] for at in (one, other))
        there &= (first != 0) & (second != 0)
        wrong += np.bitwise_count(first ^ second) * there
        frames += there
    return wrong, frames


def joined(contents: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Fingerprints one after the other, and where each begins, for `pairs_by_keys`."""
    starts = np.zeros(len(contents) + 1, np.int64)
    np.cumsum([len(content) // 4 for content in contents], out=starts[1:])
    return np.frombuffer(b"".join(contents), "<u4"), starts
