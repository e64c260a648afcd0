"""Among very many recordings copies are found by keys: those that all pairs find, and not by the square."""

from collections.abc import Callable

import numpy as np
import pytest

from ser_hf.audit import group_copies, near_duplicates

FRAMES = 40


def many(count: int, alike: bool = True, seed: int = 0) -> list[bytes | None]:
    """Fingerprints of which every tenth is a copy of the first, and every tenth of the one before it."""
    rng = np.random.default_rng(seed)
    words = rng.integers(1, 2**32, (count, FRAMES), dtype=np.uint32)
    for i in range(10, count) if alike else ():
        if i % 10 in (8, 9):
            kept = words[0 if i % 10 == 9 else i - 1]
            bits = np.unpackbits(kept.view(np.uint8)) ^ (rng.random(32 * FRAMES) < 0.05)
            words[i] = np.packbits(bits).view(np.uint32)
    return [one.astype("<u4").tobytes() for one in words]


@pytest.fixture
def compared(monkeypatch) -> Callable[[int], int]:
    """A function that says how often two fingerprints of so many were held against each other bit by bit."""
    held, compare = [0], near_duplicates.compare

    def counted(one: np.ndarray, other: np.ndarray) -> object:
        held[0] += 1
        return compare(one, other)

    monkeypatch.setattr(near_duplicates, "compare", counted)

    def count(clips: int) -> int:
        held[0] = 0
        group_copies(many(clips), all_pairs=0)
        return held[0]

    return count


def test_keys_find_the_copies_that_all_pairs_find():
    contents = [*many(600), b"", None, *many(100, alike=False, seed=1)]
    groups = group_copies(contents, all_pairs=0)
    assert groups.tolist() == group_copies(contents).tolist()
    assert (groups[19:600:10] == 0).all()
    assert (groups[18:600:10] == np.arange(17, 600, 10)).all()


def test_a_copy_that_begins_later_is_found_by_keys():
    one = np.frombuffer(many(1)[0] or b"", "<u4")
    contents = [*many(200, alike=False, seed=2), one.tobytes(), one[3:].tobytes()]
    assert group_copies(contents, all_pairs=0)[-1] == 200


def test_nothing_and_little_is_no_copy():
    assert group_copies([], all_pairs=0).tolist() == []
    assert group_copies([None, b"", *many(1)], all_pairs=0).tolist() == [0, 1, 2]


def test_what_lasts_without_a_change_ends():
    same = np.full(FRAMES, 7, np.uint32).tobytes()
    assert group_copies([same] * 50, all_pairs=0).tolist() == group_copies([same] * 50).tolist()


def test_comparisons_grow_with_the_clips_and_not_by_their_square(compared):
    few, more = compared(300), compared(2400)
    assert few < 2 * 300
    assert more < 2 * 2400
