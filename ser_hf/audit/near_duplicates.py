"""Groups of fingerprints that are copies of one recording, found among many without comparing all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ser_hf.audio.fingerprint import compare, rhythm

_COSINE = 0.35
_ROWS, _COLUMNS = 1_024, 8_192
"""Of the blocks in which cosines are computed: 32 MiB at a time."""


def group_copies(fingerprints: Sequence[bytes | None]) -> np.ndarray:
    """Gives every recording the number of the first one it is a copy of, its own where there is none before it.

    Copies of copies are in one group. All pairs are sifted by one product of matrices, in blocks; what passes is
    compared bit by bit, unless it is in one group already.

    Args:
        fingerprints: bytes as in the column ``fingerprint``; empty ones and None are copies of nothing.

    Returns:
        int64 ``(n,)``.
    """
    rows = [row for row, content in enumerate(fingerprints) if content]
    words = [np.frombuffer(fingerprints[row] or b"", "<u4") for row in rows]
    first = np.arange(len(fingerprints))
    for i, j in _candidates(words):
        one, other = _root(first, rows[i]), _root(first, rows[j])
        if one != other and compare(words[i], words[j]).same_recording:
            first[max(one, other)] = min(one, other)
    return np.array([_root(first, row) for row in range(len(first))], dtype=np.int64)


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


def _candidates(words: Sequence[np.ndarray]) -> Iterator[tuple[int, int]]:
    """Pairs whose rhythm is alike, the earlier one first."""
    if len(words) < 2:
        return
    vectors = np.stack([rhythm(one) for one in words])
    for top in range(0, len(vectors), _ROWS):
        block = vectors[top : top + _ROWS]
        for left in range(top, len(vectors), _COLUMNS):
            cosines = block @ vectors[left : left + _COLUMNS].T
            above, below = np.nonzero(cosines > _COSINE)
            for i, j in zip((above + top).tolist(), (below + left).tolist(), strict=True):
                if i < j:
                    yield i, j


def _root(first: np.ndarray, row: int) -> int:
    """The first member of a row's group; the way there is shortened for the next time."""
    while first[row] != row:
        first[row] = first[first[row]]
        row = int(first[row])
    return row
