"""Groups of fingerprints that are copies of one recording, found among many without comparing all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from ser_hf.audio.fingerprint import compare, rhythm

from ._shared_keys import joined, pairs_by_keys

_COSINE = 0.35
_ROWS, _COLUMNS = 1_024, 8_192
"""Of the blocks in which cosines are computed: 32 MiB at a time."""
ALL_PAIRS = 32_768
"""Up to so many recordings every pair is looked at: half a billion pairs take ten seconds, and grow by the square."""


def group_copies(fingerprints: Sequence[bytes | None], all_pairs: int = ALL_PAIRS) -> np.ndarray:
    """Gives every recording the number of the first one it is a copy of, its own where there is none before it.

    Copies of copies are in one group. Pairs are sifted by a product of matrices, in blocks; what passes is compared bit
    by bit, unless it is in one group already. Among more than ``all_pairs`` recordings only those are held against each
    other that have a key in common, see `pairs_by_keys`: of 437 changed copies of RAVDESS, SAVEE and TESS that all
    pairs find, the keys find all.

    Args:
        fingerprints: bytes as in the column ``fingerprint``; empty ones and None are copies of nothing.
        all_pairs: recordings up to which all pairs are sifted.

    Returns:
        int64 ``(n,)``.
    """
    rows = np.array([row for row, content in enumerate(fingerprints) if content], dtype=np.int64)
    words, starts = joined([content for content in fingerprints if content])
    first, different = np.arange(len(fingerprints)), set[tuple[int, int]]()

    def sound(number: int) -> np.ndarray:
        return words[starts[number] : starts[number + 1]]

    def apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        unlike: np.ndarray = first[rows[one]] != first[rows[other]]
        return unlike

    many = len(rows) > all_pairs
    for pairs in pairs_by_keys(words, starts, apart) if many else _pairs_by_rhythm(words, starts):
        for i, j in pairs[apart(pairs[:, 0], pairs[:, 1])].tolist():
            one, other = _root(first, int(rows[i])), _root(first, int(rows[j]))
            if one == other or (i, j) in different:
                continue
            if (not many or _cosine(sound(i), sound(j)) > _COSINE) and compare(sound(i), sound(j)).same_recording:
                first[max(one, other)] = min(one, other)
            elif many:  # which may be asked again
                different.add((i, j))
        first[:] = _settled(first)
    return first


def same_recordings(hashes: Sequence[str], fingerprints: Sequence[bytes | None]) -> list[int]:
    """A number for every row, equal for copies of one recording: identical audio or near-duplicates.

    Args:
        hashes: the column ``audio_hash``.
        fingerprints: the column ``fingerprint``; of rows with one hash the first that has any is taken.
    """
    position = {digest: i for i, digest in enumerate(dict.fromkeys(hashes))}
    contents: list[bytes | None] = [None] * len(position)
    for digest, content in zip(hashes, fingerprints, strict=True):
        contents[position[digest]] = contents[position[digest]] or content
    group = group_copies(contents).tolist()
    return [group[position[digest]] for digest in hashes]


def _pairs_by_rhythm(words: np.ndarray, starts: np.ndarray) -> Iterator[np.ndarray]:
    """Pairs whose rhythm is alike, int64 ``(pairs, 2)``, the earlier one first."""
    if len(starts) < 3:
        return
    vectors = np.stack([rhythm(words[a:b]) for a, b in pairwise(starts)])
    for top in range(0, len(vectors), _ROWS):
        block = vectors[top : top + _ROWS]
        for left in range(top, len(vectors), _COLUMNS):
            cosines = block @ vectors[left : left + _COLUMNS].T
            pairs = np.argwhere(cosines > _COSINE) + np.array([top, left])
            yield pairs[pairs[:, 0] < pairs[:, 1]]


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(rhythm(one) @ rhythm(other))


def _settled(first: np.ndarray) -> np.ndarray:
    """Every row's root, of all at once."""
    while (first[first] != first).any():
        first = first[first]
    return first


def _root(first: np.ndarray, row: int) -> int:
    """The first member of a row's group; the way there is shortened for the next time."""
    while first[row] != row:
        first[row] = first[first[row]]
        row = int(first[row])
    return row
