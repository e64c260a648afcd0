"""The ledger: every clip found is counted once, whatever becomes of it."""

import json
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ser_hf.labels import EMOTIONS, SCHEMES, get_scheme
from ser_hf.ledger import Ledger, make_ledger
from ser_hf.records import Clip


def clip(emotion: str, number: int = 0, corpus: str = "ravdess") -> Clip:
    return Clip(Path(f"{number}.wav"), corpus, f"native {emotion}", emotion, f"{corpus}_1", f"{corpus}/{number}")


def actions(ledger: Ledger) -> dict[str, tuple[str, str | None, int]]:
    return {row.emotion: (row.action, row.label, row.clips) for row in ledger.rows}


def test_the_four_classes_merge_excited_and_drop_the_rest():
    ledger = make_ledger([clip(e, i) for i, e in enumerate([*EMOTIONS, "excited"])], get_scheme("4class"))
    assert actions(ledger) == {
        **{e: ("kept", e, 1) for e in ("neutral", "happy", "sad", "angry")},
        **{e: ("dropped", None, 1) for e in EMOTIONS if e not in ("neutral", "happy", "sad", "angry", "excited")},
        "excited": ("merged", "happy", 2),
    }
    assert (ledger.found, ledger.used) == (len(EMOTIONS) + 1, 6)


def test_calm_is_dropped_by_seven_classes():
    assert actions(make_ledger([clip("calm"), clip("sad", 1)], get_scheme("7class"))) == {
        "calm": ("dropped", None, 1),
        "sad": ("kept", "sad", 1),
    }


def test_an_unreadable_clip_is_listed_and_counted_once():
    clips = [clip("sad", 0), clip("sad", 1), clip("calm", 2)]
    ledger = make_ledger(clips, get_scheme("7class"), {"ravdess/1": "1.wav is empty", "ravdess/2": "2.wav is empty"})
    assert [(r.emotion, r.action, r.label, r.clips) for r in ledger.rows] == [
        ("calm", "dropped", None, 1),
        ("sad", "kept", "sad", 1),
        ("sad", "unreadable", None, 1),
    ]
    assert ledger.unreadable == ("1.wav is empty",), "what the scheme drops is not read"
    assert (ledger.found, ledger.used) == (3, 1)


def test_a_bad_clip_is_told_from_an_unreadable_one():
    clips = [clip("sad", 0), clip("sad", 1), clip("sad", 2), clip("calm", 3)]
    bad = {"ravdess/2": "2.wav is silent", "ravdess/3": "3.wav is silent"}
    ledger = make_ledger(clips, get_scheme("7class"), {"ravdess/1": "1.wav is empty"}, bad)
    assert [(r.action, r.label, r.clips) for r in ledger.rows if r.emotion == "sad"] == [
        ("bad", None, 1),
        ("kept", "sad", 1),
        ("unreadable", None, 1),
    ]
    assert (ledger.unreadable, ledger.bad) == (("1.wav is empty",), ("2.wav is silent",))
    assert ledger.to_table().endswith("- unreadable: 1.wav is empty\n- bad: 2.wav is silent\n")
    assert (ledger.found, ledger.used) == (4, 1)


def test_the_table_shows_every_row_and_the_sums():
    clips = [clip("sad", 0), clip("sad", 1), clip("calm", 2)]
    assert make_ledger(clips, get_scheme("7class"), {"ravdess/1": "1.wav is empty"}).to_table() == (
        "| corpus | native label | emotion | action | class | clips |\n"
        "|---|---|---|---|---|---:|\n"
        "| ravdess | native calm | calm | dropped | - | 1 |\n"
        "| ravdess | native sad | sad | kept | sad | 1 |\n"
        "| ravdess | native sad | sad | unreadable | - | 1 |\n"
        "\n1 of 3 clips carry a label of the scheme 7class.\n"
        "3 audio files found = 1 used + 2 left out\n  2 clips: dropped, unreadable or bad\n"
        "- unreadable: 1.wav is empty\n"
    )


def test_the_ledger_is_plain_json():
    ledger = make_ledger([clip("excited")], get_scheme("4class"))
    assert json.loads(json.dumps(ledger.to_dict())) == {
        "scheme": "4class",
        "found": 1,
        "used": 1,
        "files": 1,
        "left_out": [],
        "unreadable": [],
        "bad": [],
        "rows": [
            {
                "corpus": "ravdess",
                "native_label": "native excited",
                "emotion": "excited",
                "action": "merged",
                "label": "happy",
                "clips": 1,
            }
        ],
    }


@given(
    found=st.lists(st.tuples(st.sampled_from(EMOTIONS), st.sampled_from(["ravdess", "savee"]), st.booleans())),
    name=st.sampled_from(list(SCHEMES)),
)
def test_the_rows_add_up_to_the_clips(found, name):
    clips = [clip(emotion, i, corpus) for i, (emotion, corpus, _) in enumerate(found)]
    bad = {c.clip_id: f"{c.path}: bad" for c, (_, _, broken) in zip(clips, found, strict=True) if broken}
    scheme = get_scheme(name)
    ledger = make_ledger(clips, scheme, bad)
    usable = [c for c in clips if scheme.class_of(c.emotion) and c.clip_id not in bad]
    assert ledger.found == len(clips)
    assert ledger.used == len(usable)
    per_emotion: Counter[tuple[str, str]] = Counter()
    for row in ledger.rows:
        per_emotion[row.corpus, row.emotion] += row.clips
    assert per_emotion == Counter((c.corpus, c.emotion) for c in clips)
    assert len(ledger.unreadable) == sum(row.clips for row in ledger.rows if row.action == "unreadable")
    assert all(row.clips > 0 for row in ledger.rows)
    assert all((row.label is None) == (row.action in ("dropped", "unreadable")) for row in ledger.rows)
    assert list(ledger.rows) == sorted(ledger.rows, key=lambda r: (r.corpus, r.native_label, r.action))
