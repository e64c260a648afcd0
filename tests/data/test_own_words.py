"""Labels of one's own: what is meant passes, what may be a slip or a code is asked about, all of it in one message."""

import re
from pathlib import Path

import pytest

from ser_hf.base.errors import CorpusError, SerHfError
from ser_hf.corpora import Reading, own_corpus, scan
from ser_hf.data import load_corpus
from ser_hf.data.own_words import settled, with_known_words
from ser_hf.labels import Scheme, get_scheme


@pytest.fixture
def checked(tmp_path, touch):
    """A function that makes a clip in a folder of each label and gives the emotions that pass under a scheme."""

    def check(
        labels: list[str], scheme: str | Scheme = "own", mapping: dict[str, str] | None = None, skip: bool = False
    ):
        touch(tmp_path, *(f"{label}/a.wav" for label in labels))
        reading = Reading(labels=mapping or {})
        found = scan(own_corpus("calls", tmp_path, reading), tmp_path)
        (left,) = with_known_words([found], get_scheme(scheme), reading.labels, skip)
        return left

    return check


def emotions(found) -> list[str]:
    return sorted({clip.emotion for clip in found.clips})


def test_words_of_ones_own_pass_under_the_own_scheme(checked):
    found = checked(["stressed", "relaxed", "Wut", "joy"])
    assert emotions(found) == ["Wut", "happy", "relaxed", "stressed"]
    assert settled(get_scheme("own"), [found]).classes == ("happy", "Wut", "relaxed", "stressed")


@pytest.mark.parametrize(
    ("labels", "scheme", "message"),
    [
        (["anrgy", "sad"], "own", "'anrgy' (1 clip, e.g. calls/anrgy/a.wav) is close to 'angry'"),
        (["anrgy", "sad"], "own", "--labels anrgy=angry (--labels anrgy=anrgy if it is none of ours)"),
        (["0", "1"], "own", "'0' (1 clip, e.g. calls/0/a.wav) is a number, and nothing says of which emotion"),
        (["Wut", "wut"], "own", "'Wut' (1 clip, e.g. calls/Wut/a.wav) is there as 'wut' as well"),
        (
            ["stressed", "sad"],
            "8class",
            "'stressed' (1 clip, e.g. calls/stressed/a.wav) is not in the label scheme",
        ),
        (
            ["stressed", "sad"],
            "8class",
            "a word of your own is a class with --scheme own, or in a scheme file",
        ),
    ],
)
def test_what_may_not_be_meant_is_asked_about(checked, labels, scheme, message):
    with pytest.raises(CorpusError, match=re.escape(message)):
        checked(labels, scheme)


def test_a_mapping_says_that_a_word_is_meant(checked):
    assert emotions(checked(["anrgy", "0", "Wut", "wut"], "own", {"anrgy": "anrgy", "0": "sad", "wut": "Wut"})) == [
        *("Wut", "anrgy", "sad"),
    ]


def test_a_mapping_to_a_word_outside_the_scheme_is_no_way_out(checked):
    with pytest.raises(CorpusError, match=r"'W' .* is not in the label scheme '8class'"):
        checked(["W", "sad"], "8class", {"W": "Wut"})


def test_a_scheme_says_that_a_word_is_meant(checked):
    scheme = Scheme("mine", ("stressed", "sadd"), {"hapy": "sadd"}, {}, ("anrgy",))
    assert emotions(checked(["stressed", "sadd", "hapy", "anrgy"], scheme)) == ["anrgy", "hapy", "sadd", "stressed"]


def test_dropping_others_does_not_say_that_a_slip_is_meant(checked):
    scheme = Scheme("mine", ("sad", "happy"))
    assert emotions(checked(["sad", "stressed"], scheme)) == ["sad", "stressed"]
    with pytest.raises(CorpusError, match=r"'anrgy' .* is close to 'angry'"):
        checked(["sad", "anrgy"], scheme)


def test_a_word_close_to_one_of_the_scheme(checked):
    with pytest.raises(CorpusError, match=r"'stresed' .* is close to 'stressed'"):
        checked(["stresed", "sad"], Scheme("mine", ("sad", "stressed")))


def test_on_request_the_clips_are_left_out_and_listed(checked):
    found = checked(["anrgy", "sad", "happy"], "8class", skip=True)
    assert emotions(found) == ["happy", "sad"]
    assert found.refused == ("calls/anrgy/a.wav: the label 'anrgy' is close to 'angry'",)
    assert {why: len(paths) for why, paths in found.strays.items()} == {"a label that nothing is known of": 1}


def test_where_nothing_would_be_left_they_are_not_left_out(checked):
    with pytest.raises(CorpusError, match="is close to 'angry'"):
        checked(["anrgy"], skip=True)


def test_a_mapping_of_labels_that_no_clip_has_is_told(checked, caplog):
    checked(["sad", "happy"], "own", {"W": "angry"})
    assert "labels: no clip is labelled 'W'" in caplog.text


def test_fewer_than_two_labels_are_no_scheme(checked):
    with pytest.raises(SerHfError, match="two or more different labels, found: sad"):
        settled(get_scheme("own"), [checked(["sad"])])


def test_several_corpora_of_ones_own_beside_a_registered_one(tmp_path, write_clip):
    write_clip(tmp_path / "a/stressed/ann/1.wav")
    write_clip(tmp_path / "b/x.wav")
    (tmp_path / "b/calls.csv").write_text("file,emotion,speaker\nx.wav,Anger,ann\n")
    write_clip(tmp_path / "r/03-01-05-01-01-01-01.wav")
    places = {"podcasts": tmp_path / "a", "calls": tmp_path / "b/calls.csv", "ravdess": tmp_path / "r"}
    loaded = load_corpus([*places], data_dirs=places, scheme="own", cache_dir=tmp_path / "cache")
    assert sorted(zip(loaded.dataset["corpus"], loaded.dataset["emotion"], loaded.dataset["speaker"], strict=True)) == [
        ("calls", "angry", "calls_ann"),
        ("podcasts", "stressed", "podcasts_ann"),
        ("ravdess", "angry", "ravdess_01"),
    ]
    assert loaded.dataset.features["label"].names == ["angry", "stressed"]
    assert {c.name: (c.licence, c.redistributable) for c in loaded.records if c.own} == {
        "calls": ("unknown", False),
        "podcasts": ("unknown", False),
    }


def test_names_that_cannot_be(tmp_path: Path, write_clip):
    write_clip(tmp_path / "sad/a.wav")
    with pytest.raises(SerHfError, match=r"unknown corpus 'calls'.*; or a corpus of your own, whose place you give by"):
        load_corpus(["calls"])
    with pytest.raises(SerHfError, match=r"unknown corpus 'ravdes'; did you mean 'ravdess'. A corpus of your"):
        load_corpus(["ravdes"], data_dirs={"ravdes": tmp_path})
    with pytest.raises(SerHfError, match=r"data_dirs: unknown corpus 'calls'.*If it is one of your own, name"):
        load_corpus(["ravdess"], data_dirs={"calls": tmp_path})
    with pytest.raises(SerHfError, match="'my calls' is no name for a corpus"):
        load_corpus(["my calls"], data_dirs={"my calls": tmp_path})
