"""Fewer training speakers: nested, in shares, and the other splits untouched."""

from collections import Counter

import datasets
import pytest

from ser_hf.base.errors import SplitError
from ser_hf.data import keep_speakers


def split_of(speakers, **more):
    rows = [
        {"speaker": name, "corpus": name.split("_")[0], "sex": "female" if int(name[-1]) % 2 else "male", "n": i}
        for name in speakers
        for i in range(3)
    ]
    rows = [row | more for row in rows]
    train = datasets.Dataset.from_list(rows)
    return datasets.DatasetDict(train=train, validation=train.select([0]), test=train.select([1, 2]))


SPEAKERS = [f"a_{i}" for i in range(8)] + [f"b_{i}" for i in range(4)]


def test_corpora_and_sexes_keep_their_shares_and_draws_are_nested():
    parts = split_of(SPEAKERS)
    draws = {n: keep_speakers(parts, n, seed=3) for n in (1, 3, 6, 12)}
    kept = {n: set(told["kept"]) for n, (_, told) in draws.items()}
    assert kept[1] < kept[3] < kept[6] < kept[12] == set(SPEAKERS)
    assert Counter(name[0] for name in kept[6]) == {"a": 4, "b": 2}
    assert Counter(int(name[-1]) % 2 for name in kept[6]) == {0: 3, 1: 3}
    for n, (found, told) in draws.items():
        assert set(found["train"]["speaker"]) == kept[n]
        assert len(found["train"]) == 3 * n == 36 - told["left_out_clips"]
        assert told["of"] == 12
        assert found["test"].to_list() == parts["test"].to_list()
        assert found["validation"].to_list() == parts["validation"].to_list()


def test_another_seed_is_another_draw_and_the_same_the_same():
    parts = split_of(SPEAKERS)
    first, again, other = (keep_speakers(parts, 4, seed)[1]["kept"] for seed in (1, 1, 2))
    assert first == again != other


def test_none_keeps_all():
    parts = split_of(SPEAKERS)
    assert keep_speakers(parts, None, 0) == (parts, {})


def test_more_than_there_are_and_unknown_speakers_are_refused():
    with pytest.raises(SplitError, match="train_speakers: 13: the training split has 12 speakers; ask for less"):
        keep_speakers(split_of(SPEAKERS), 13, 0)
    with pytest.raises(SplitError, match="36 training clips have no known speaker"):
        keep_speakers(split_of(SPEAKERS, speaker=None), 2, 0)
