"""Label schemes, the built-in ones and the user's own."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.base.errors import SerHfError
from ser_hf.labels import (
    EMOTIONS,
    SCHEMES,
    Scheme,
    emotion_of,
    get_scheme,
    label_meaning,
    near,
    own_scheme,
    read_scheme,
)

CLASSES = {
    "8class": "neutral calm happy sad angry fearful disgust surprised",
    "7class": "neutral happy sad angry fearful disgust surprised",
    "6class": "neutral happy sad angry fearful disgust",
    "4class": "neutral happy sad angry",
}


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


def test_a_scheme_is_given_back_and_a_file_may_end_in_yml(own):
    scheme = get_scheme("4class")
    assert get_scheme(scheme) is scheme
    path = own().rename(own().with_suffix(".yml"))
    assert get_scheme(path) == read_scheme(path)


def test_a_scheme_of_ones_own_that_drops_the_others_drops_words_of_ones_own(own):
    assert get_scheme(own("keep: [happy, sad]\ndrop: others\n")).class_of("stressed") is None


def test_an_unknown_scheme_is_refused_with_the_nearest_name():
    with pytest.raises(SerHfError, match="unknown label scheme '8clas'; did you mean '8class'"):
        get_scheme("8clas")


def test_a_word_of_ones_own_must_be_named():
    with pytest.raises(SerHfError, match="label scheme '8class' says nothing of the emotion 'stressed'"):
        get_scheme("8class").class_of("stressed")


def test_in_the_own_scheme_every_label_is_a_class_and_ours_come_first():
    scheme = own_scheme(["Wut", "sad", "relaxed", "neutral", "other", "undecided", "sad"])
    assert scheme.classes == ("neutral", "sad", "Wut", "relaxed")
    assert [scheme.class_of(word) for word in ("Wut", "other")] == ["Wut", None]
    assert own_scheme(["sad", "other", "Wut"]).classes == ("sad", "Wut")
    with pytest.raises(SerHfError, match="expected two or more different labels, found: sad"):
        own_scheme(["sad", "other"])
    assert get_scheme("own").classes == ()


@pytest.mark.parametrize(
    ("label", "mapping", "emotion"),
    [
        (" Anger ", {}, "angry"),
        (" Wut ", {}, "Wut"),
        (" W", {"W": " Ärger "}, "Ärger"),
        ("W", {"W": "anger"}, "angry"),
        ("W", {"w": "anger"}, "W"),
        ("Wut", {}, "Wut"),
        ("happy", {"happy": "glad"}, "glad"),
        ("0", {"0": "SAD"}, "sad"),
    ],
)
def test_what_a_label_stands_for(label, mapping, emotion):
    assert emotion_of(label, mapping) == emotion


@pytest.mark.parametrize(("label", "meaning"), [("HAP", "happy"), ("Fear", "fearful"), ("ENT", "ENT")])
def test_a_checkpoint_may_call_its_classes_by_short_forms(label, meaning):
    assert label_meaning(label) == meaning


@pytest.mark.parametrize(
    ("word", "meant"),
    [("anrgy", "angry"), ("hapy", "happy"), ("Sadd", "sad"), ("fearful", None), ("excitemen", "excitement")],
)
def test_a_slip_of_the_pen_is_near_a_known_word(word, meant):
    assert near(word) == meant


@pytest.mark.parametrize("word", ["stressed", "relaxed", "Wut", "T", "0", "confused", "amused"])
def test_words_of_ones_own_are_near_to_none(word):
    assert near(word) is None


def test_a_scheme_file_may_keep_merge_rename_and_drop_words_of_ones_own(own):
    scheme = get_scheme(
        own("keep: [stressed, neutral]\nmerge: {tense: stressed}\nrename: {Wut: rage}\ndrop: [bored, meh]\n")
    )
    words = ("stressed", "tense", "Wut", "meh", "bored")
    assert [scheme.class_of(word) for word in words] == ["stressed", "stressed", "rage", None, None]
    assert [scheme.action_of(word) for word in words] == ["kept", "merged", "renamed", "dropped", "dropped"]
    with pytest.raises(SerHfError, match="says nothing of the emotion 'calm'"):
        scheme.class_of("calm")
    with pytest.raises(SerHfError, match="unknown emotion 'fear'; did you mean 'fearful'"):
        get_scheme(own("keep: [fear, neutral]"))


OWN = """
keep: [neutral, happy, sad, angry]
merge: {calm: neutral, excited: happy}
rename: {fearful: fear}
drop: [disgust, surprised]
"""


@pytest.fixture
def own(tmp_path):
    """A function that writes a scheme file and gives its path."""

    def write(text: str = OWN) -> Path:
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_scheme_of_ones_own(own):
    scheme = get_scheme(str(own()))
    assert (scheme.name, scheme.classes) == ("mine", ("neutral", "happy", "sad", "angry", "fear"))
    becomes = {e: (scheme.class_of(e), scheme.action_of(e)) for e in ("sad", "calm", "excited", "fearful", "disgust")}
    assert becomes == {
        "sad": ("sad", "kept"),
        "calm": ("neutral", "merged"),
        "excited": ("happy", "merged"),
        "fearful": ("fear", "renamed"),
        "disgust": (None, "dropped"),
    }


def test_an_emotion_left_out_of_a_scheme_of_ones_own_is_an_error_and_no_silent_loss(own):
    with pytest.raises(SerHfError, match=r"'mine' says nothing of the emotion 'frustrated'.*drop: others"):
        get_scheme(own()).class_of("frustrated")
    assert get_scheme(own("keep: [happy, sad]\ndrop: others\n")).class_of("frustrated") is None


def test_two_emotions_under_one_new_name_are_one_class(own):
    scheme = read_scheme(own("name: valence\nrename: {happy: good, sad: bad, angry: bad}\ndrop: others\n"))
    assert (scheme.name, scheme.classes) == ("valence", ("good", "bad"))
    assert scheme.class_of("angry") == "bad"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kep: [happy]", "unknown key 'kep'; did you mean 'keep'"),
        ("keep: [hapy, sad]", "unknown emotion 'hapy'; did you mean 'happy'"),
        ("keep: [happy]", "expected two or more different classes, found: happy"),
        ("keep: [happy, sad]\nmerge: {calm: neutral}", "merge: unknown class 'neutral'"),
        ("keep: [happy, sad]\nmerge: {sad: happy}", "'sad' is named twice"),
        ("keep: [happy, sad]\ndrop: [happy]", "'happy' is named twice"),
        ("keep: [happy, sad]\nkeep: [calm]", "'keep' is given twice"),
        ("keep: happy", "keep: expected a list of emotions, found 'happy'"),
        ("keep: [happy, 3]", "keep: expected a list of emotions"),
        ("keep: others", "keep: expected a list of emotions, found 'others'"),
        ("keep: [Fear, sad]", "unknown emotion 'Fear'; did you mean 'fearful'"),
        ("keep: [happy, sad]\nmerge: {calm: 3}", "merge: expected pairs"),
        ("merge: [calm]", "merge: expected pairs"),
        ("keep: [happy, sad]\nrename: {angry: sad}", "expected two or more different classes"),
        ("[happy, sad]", "expected the keys name, keep, merge, drop, rename"),
        ("keep: [happy", "is not readable YAML"),
        ("keep: !!python/object:os.system [x]", "is not readable YAML"),
        ("", "expected the keys"),
    ],
)
def test_a_bad_scheme_is_refused_by_its_file(own, text, message):
    path = own(text)
    with pytest.raises(SerHfError, match=message) as caught:
        get_scheme(path)
    assert str(path) in str(caught.value)


def test_a_scheme_file_that_is_not_there():
    with pytest.raises(SerHfError, match=r"^label scheme nowhere\.yaml: No such file"):
        get_scheme("nowhere.yaml")


@pytest.mark.parametrize("name", SCHEMES)
def test_a_scheme_survives_json(name, own):
    for scheme in (get_scheme(name), get_scheme(own())):
        plain = scheme.to_dict()
        assert json.loads(json.dumps(plain)) == plain
        assert Scheme.from_dict(plain) == scheme


@given(st.lists(st.tuples(st.sampled_from(EMOTIONS), st.floats(0, 100)), max_size=12))
def test_votes_become_shares_that_sum_to_one(votes):
    shares = get_scheme("4class").distribution(votes)
    counted = sum(n for emotion, n in votes if get_scheme("4class").class_of(emotion))
    if counted == 0:
        assert shares is None
    else:
        assert shares is not None
        assert (len(shares), min(shares) >= 0) == (4, True)
        assert sum(shares) == pytest.approx(1)


def test_votes_that_fall_on_no_class_are_no_distribution_and_parts_of_a_vote_are_one():
    four = get_scheme("4class")
    assert [four.distribution(votes) for votes in ([], [("sad", 0.0)], [("disgust", 1.0)])] == [None, None, None]
    assert four.distribution([("sad", 0.25), ("happy", 0.25)]) == [0, 0.5, 0.5, 0]


def test_votes_for_what_the_scheme_drops_do_not_count():
    votes = [("excited", 1.0), ("happy", 1.0), ("sad", 2.0), ("frustrated", 5.0)]
    assert get_scheme("4class").distribution(votes) == [0, 0.5, 0.5, 0]
    assert get_scheme("6class").distribution(votes) == [0, pytest.approx(1 / 3), pytest.approx(2 / 3), 0, 0, 0]


def test_an_endless_device_is_no_scheme(tmp_path):
    (tmp_path / "mine.yaml").symlink_to("/dev/zero")
    with pytest.raises(SerHfError, match=r"label scheme .*mine\.yaml: a device, pipe or socket, not a file$"):
        read_scheme(tmp_path / "mine.yaml")
