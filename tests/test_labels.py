"""Label schemes and the ledger: every clip found is counted once, whatever becomes of it."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.errors import SerHfError
from ser_hf.labels import EMOTIONS, SCHEMES, Ledger, get_scheme, make_ledger
from ser_hf.records import Clip

CLASSES = {
    "8class": "neutral calm happy sad angry fearful disgust surprised",
    "7class": "neutral happy sad angry fearful disgust surprised",
    "6class": "neutral happy sad angry fearful disgust",
    "4class": "neutral happy sad angry",
}


def clip(emotion: str, number: int = 0, corpus: str = "ravdess") -> Clip:
    return Clip(Path(f"{number}.wav"), corpus, f"native {emotion}", emotion, f"{corpus}_1", f"{corpus}/{number}")


def actions(ledger: Ledger) -> dict[str, tuple[str, str | None, int]]:
    return {row.emotion: (row.action, row.label, row.clips) for row in ledger.rows}


def test_there_are_these_schemes():
    assert list(SCHEMES) == list(CLASSES)


@pytest.mark.parametrize(("name", "classes"), CLASSES.items())
def test_the_classes_in_the_order_of_their_ids(name, classes):
    assert get_scheme(name).classes == tuple(classes.split())


@pytest.mark.parametrize("name", CLASSES)
def test_what_becomes_of_every_emotion(name):
    expected = {emotion: emotion if emotion in CLASSES[name].split() else None for emotion in EMOTIONS}
    expected["excited"] = "happy" if name == "4class" else None
    assert {emotion: get_scheme(name).class_of(emotion) for emotion in EMOTIONS} == expected


def test_an_unknown_scheme_is_refused_with_the_nearest_name():
    with pytest.raises(SerHfError, match="unknown label scheme '8clas'; did you mean '8class'"):
        get_scheme("8clas")


def test_an_unknown_emotion_is_refused_with_the_nearest_name():
    with pytest.raises(SerHfError, match="unknown emotion 'anger'; did you mean 'angry'"):
        get_scheme("8class").class_of("anger")


def test_the_four_classes_merge_excited_and_drop_the_rest():
    ledger = make_ledger([clip(e, i) for i, e in enumerate([*EMOTIONS, "excited"])], get_scheme("4class"))
    assert actions(ledger) == {
        **{e: ("kept", e, 1) for e in ("neutral", "happy", "sad", "angry")},
        **dict.fromkeys(("calm", "fearful", "disgust", "surprised"), ("dropped", None, 1)),
        "excited": ("merged", "happy", 2),
    }
    assert (ledger.found, ledger.used) == (10, 6)


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


def test_the_table_shows_every_row_and_the_sums():
    clips = [clip("sad", 0), clip("sad", 1), clip("calm", 2)]
    assert make_ledger(clips, get_scheme("7class"), {"ravdess/1": "1.wav is empty"}).to_table() == (
        "| corpus | native label | emotion | action | class | clips |\n"
        "|---|---|---|---|---|---:|\n"
        "| ravdess | native calm | calm | dropped | - | 1 |\n"
        "| ravdess | native sad | sad | kept | sad | 1 |\n"
        "| ravdess | native sad | sad | unreadable | - | 1 |\n"
        "\n1 of 3 clips carry a label of the scheme 7class.\n"
        "- unreadable: 1.wav is empty\n"
    )


def test_the_ledger_is_plain_json():
    ledger = make_ledger([clip("excited")], get_scheme("4class"))
    assert json.loads(json.dumps(ledger.to_dict())) == {
        "scheme": "4class",
        "found": 1,
        "used": 1,
        "unreadable": [],
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
