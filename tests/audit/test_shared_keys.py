"""Pairs of fingerprints by keys: each step against a loop."""

import numpy as np
import pytest

from ser_hf.audit import _shared_keys, near_duplicates
from ser_hf.audit._shared_keys import _difference, _keys, _neighbours

APART, NEIGHBOURS = _shared_keys._APART, _shared_keys._NEIGHBOURS


def test_a_key_is_of_a_frame_and_of_the_one_an_eighth_of_a_second_later():
    words = np.arange(100, 160, dtype=np.uint32)
    words[30], words[30 + APART] = words[10], words[10 + APART]
    words[20] = words[10]
    at, all_bits = np.array([10, 30, 20], np.uint64), np.uint64(2**64 - 1)
    one, same, other = _keys(words, at, all_bits).tolist()
    assert one == same != other


def near_loop(marked, owner):
    """Pairs within a key: of the first with all others, and of those up to eight places apart."""
    groups, found = {}, []
    for value in marked.tolist():
        groups.setdefault(value >> 32, []).append(value & 0xFFFFFFFF)
    for places in groups.values():
        own = [p for i, p in enumerate(places) if not i or owner[places[i - 1]] != owner[p]]  # a sound that lasts
        found += [(own[0], other) for other in own[1:]]
        found += [(own[i], own[i + k]) for k in range(1, NEIGHBOURS + 1) for i in range(1, len(own) - k)]
    return sorted(found)


@pytest.mark.parametrize("block", [5, 200_000])
def test_neighbours_are_the_first_and_those_next_to_each_other(monkeypatch, block):
    monkeypatch.setattr(_shared_keys, "_BLOCK", block)
    rng = np.random.default_rng(0)
    owner = np.repeat(np.arange(60), 5).astype(np.int32)
    marked = np.sort(rng.integers(0, 12, 300).astype(np.uint64) << np.uint64(32) | np.arange(300, dtype=np.uint64))
    found = [pair for blocks in _neighbours(marked, owner) for pair in np.stack(blocks, axis=1).tolist()]
    assert sorted(map(tuple, found)) == near_loop(marked, owner)


@pytest.mark.parametrize("around", [3, 64])
def test_differing_bits_are_counted_in_the_frames_that_are_loud_in_both(around):
    rng = np.random.default_rng(0)
    starts = np.concatenate([[0], np.cumsum(rng.integers(5, 40, 12))])
    words = rng.integers(1, 2**32, starts[-1], dtype=np.uint32) * (rng.random(starts[-1]) < 0.8).astype(np.uint32)
    owner = np.repeat(np.arange(12, dtype=np.int32), np.diff(starts))
    one, other = rng.integers(0, starts[-1], (2, 50))
    wrong, frames = _difference(words, starts, owner, one, other, around)
    for i, (a, b) in enumerate(zip(one.tolist(), other.tolist(), strict=True)):
        pairs = [
            (int(words[a + step]), int(words[b + step]))
            for step in range(-around, around + 1)
            if all(starts[owner[at]] <= at + step < starts[owner[at] + 1] for at in (a, b))
        ]
        loud = [(x, y) for x, y in pairs if x and y]
        assert (frames[i], wrong[i]) == (len(loud), sum((x ^ y).bit_count() for x, y in loud))


def test_what_is_known_to_be_different_is_not_compared_again(monkeypatch):
    """Takes that are alike for their first half have many keys in common, and are no copies."""
    rng, held = np.random.default_rng(0), []
    first = rng.integers(1, 2**32, 200, dtype=np.uint32)
    take = np.concatenate([first[:100], rng.integers(1, 2**32, 100, dtype=np.uint32)])
    monkeypatch.setattr(near_duplicates, "_cosine", lambda one, other: held.append(1) or 0.0)
    contents = [one.astype("<u4").tobytes() for one in (first, take)]
    assert near_duplicates.group_copies(contents, all_pairs=0).tolist() == [0, 1]
    assert len(held) == 1
