"""Speakers are held out so that both sides have every class and shares come close to what was asked."""

import csv
from collections import Counter, defaultdict

import numpy as np
import pytest

from ser_hf.protocols import PROTOCOLS, Columns, SplitOptions
from ser_hf.protocols._choice import closest, evenest


def columns(counts: dict[str, dict[str, int]], corpus: str = "urdu") -> Columns:
    """Columns of speakers with so many clips of each class."""
    rows = [(s, c, i) for s, own in counts.items() for c, n in own.items() for i in range(n)]
    ids = [f"{s}/{c}/{i}" for s, c, i in rows]
    return Columns.from_table(
        {"clip_id": ids, "corpus": [corpus] * len(ids), "speaker": [r[0] for r in rows], "label": [r[1] for r in rows]}
    )


def split(rows: Columns, **given) -> dict[str, np.ndarray]:
    rule = PROTOCOLS["speaker-independent"]
    return rule.assign(rows, rule.resolve(rows, SplitOptions(**given)))


def test_speakers_who_recorded_the_same_are_drawn_plainly():
    speakers = [f"s{i:02d}" for i in range(20)]
    rows = columns({s: {"a": 3, "b": 3} for s in speakers})
    for seed in range(5):
        expected = np.random.default_rng(seed).permutation(speakers)[:4].tolist()
        assert closest(rows, speakers, 4, np.random.default_rng(seed), seed) == expected


def test_rare_classes_are_on_every_side():
    rare = {f"s{i:02d}": {"common": 20, **({"rare": 2} if i < 4 else {})} for i in range(30)}
    rows = columns(rare)
    for seed in range(20):
        parts = split(rows, seed=seed, test_size=0.2, validation_size=0.2)
        assert all({"common", "rare"} == set(rows.labels[part]) for part in parts.values())


def test_shares_come_close_where_speakers_differ_by_much():
    sizes = np.random.default_rng(1).integers(2, 80, 40)
    rows = columns({f"s{i:02d}": {"a": int(n), "b": int(n) // 2 + 1} for i, n in enumerate(sizes)})
    for seed in range(10):
        share = len(split(rows, seed=seed, test_size=0.2)["test"]) / len(rows)
        assert share == pytest.approx(0.2, abs=0.01)


def test_classes_are_shared_out_where_the_number_of_clips_says_nothing():
    """Half of the speakers have one class alone, half the other, all as many clips."""
    speakers = [f"s{i:02d}" for i in range(20)]
    rows = columns({s: {"a" if i % 2 else "b": 10} for i, s in enumerate(speakers)})
    for seed in range(8):
        held = closest(rows, speakers, 4, np.random.default_rng(seed), seed)
        assert Counter(int(s[1:]) % 2 for s in held) == {0: 2, 1: 2}


def test_all_of_the_speakers_or_none_are_not_chosen_among():
    speakers = ["a", "b", "c"]
    rows = columns({s: {"x": 1} for s in speakers})
    assert sorted(closest(rows, speakers, 3, np.random.default_rng(0), 0)) == speakers
    assert closest(rows, speakers, 0, np.random.default_rng(0), 0) == []


def test_the_evenest_deal_is_taken_and_the_first_of_equals():
    rows = columns({"a": {"x": 10}, "b": {"y": 10}, "c": {"x": 10}, "d": {"y": 10}, "other": {"z": 99}})
    apart, even, also = np.array([1, 2, 1, 2]), np.array([1, 1, 2, 2]), np.array([2, 1, 1, 2])
    assert evenest(rows, [*"abcd"], [apart, even, also]) is even
    assert evenest(rows, [*"abcd"], [apart, also, even]) is also


def test_another_seed_gives_other_speakers_and_the_same_seed_the_same():
    sizes = np.random.default_rng(1).integers(2, 80, 40)
    rows = columns({f"s{i:02d}": {"a": int(n)} for i, n in enumerate(sizes)})
    tests = [tuple(sorted(set(rows.speakers[split(rows, seed=seed)["test"]]))) for seed in (*range(8), 0)]
    assert tests[0] == tests[-1]
    assert len(set(tests)) == 8


def test_the_order_of_the_rows_does_not_matter():
    rows = columns({f"s{i:02d}": {"a": i + 1, "b": 3} for i in range(12)})
    mixed = rows.where(np.random.default_rng(0).permutation(len(rows)))
    one, other = (set(r.speakers[split(r, seed=3)["test"]]) for r in (rows, mixed))
    assert one == other


def test_folds_of_speakers_all_have_the_rare_class():
    rows = columns({f"s{i:02d}": {"common": 10 + i, **({"rare": 3} if i % 4 == 0 else {})} for i in range(24)})
    rule = PROTOCOLS["speaker-kfold"]
    for seed in range(10):
        tests = [
            rule.assign(rows, rule.resolve(rows, SplitOptions(folds=3, fold=n, seed=seed)))["test"] for n in (1, 2, 3)
        ]
        assert sorted(np.concatenate(tests)) == list(range(len(rows)))
        assert all({"common", "rare"} == set(rows.labels[test]) for test in tests)
        assert max(map(len, tests)) - min(map(len, tests)) < 0.1 * len(rows)


@pytest.mark.real
@pytest.mark.parametrize(
    "name", ["urdu", "emodb", "shemo", "cafe", "crema_d", "asvp_esd", "ravdess_speech", "enterface05"]
)
def test_real_corpora_keep_every_class_on_every_side(shared_corpora, name):
    with (shared_corpora / "names" / f"{name}.tsv").open(encoding="utf-8", newline="") as lines:
        table = [row for row in csv.DictReader(lines, delimiter="\t") if row.get("speaker")]
    counts: dict[str, Counter] = defaultdict(Counter)
    for row in table:
        counts[row["speaker"]][row["label"]] += 1
    rows = columns({speaker: dict(own) for speaker, own in counts.items()})
    held = Counter(label for own in counts.values() for label in own)
    for seed in (0, 42):
        parts = split(rows, seed=seed)
        for part in parts.values():
            assert {label for label, speakers in held.items() if speakers >= 6} <= set(rows.labels[part])
        assert len(parts["test"]) / len(rows) == pytest.approx(0.1, abs=0.05)
