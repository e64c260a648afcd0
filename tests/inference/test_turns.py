"""Turns of RTTM files: read, made exclusive, and refused with the number of the line."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.base.errors import SerHfError
from ser_hf.inference.turns import Turn, exclusive, read_turns, sample_spans

LINE = "SPEAKER call 1 {} {} <NA> <NA> {} <NA> <NA>\n"


def write(tmp_path, text):
    path = tmp_path / "turns.rttm"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_no_turn_is_passed_over(tmp_path):
    text = ";; made by hand\n\nSPKR-INFO call 1 <NA> <NA> <NA> adult_male anna <NA>\n"
    text += LINE.format(5, 1.5, "bert") + LINE.format(0.5, 2, "änna") + LINE.format(4, 0, "bert")
    assert read_turns(write(tmp_path, text)) == [Turn(0.5, 2.5, "änna"), Turn(5, 6.5, "bert")]


def test_ends_of_lines_and_missing_last_fields(tmp_path):
    text = "\ufeff" + LINE.format(1, 2, "a").replace("\n", "\r\n") + "SPEAKER call 1 4 1 <NA> <NA> b"
    assert read_turns(write(tmp_path, text)) == [Turn(1, 3, "a"), Turn(4, 5, "b")]


def test_of_several_recordings_that_of_the_name(tmp_path):
    path = write(tmp_path, LINE.format(0, 1, "a") + LINE.format(0, 2, "b").replace("call", "other"))
    assert read_turns(path, "/somewhere/other.flac") == [Turn(0, 2, "b")]
    with pytest.raises(SerHfError, match=r"turns of 2 recordings \(call, other\), and none is called 'x'"):
        read_turns(path, "x.wav")
    assert read_turns(write(tmp_path, LINE.format(0, 1, "a")), "x.wav") == [Turn(0, 1, "a")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("SPEAKER call 1 0.5", "line 2: 4 fields; expected SPEAKER name channel start duration"),
        (LINE.format("x", 1, "a"), "line 2: start and duration are 'x' and '1'; expected seconds"),
        (LINE.format(-1, 1, "a"), "line 2: start -1 and duration 1 s; expected numbers not below 0"),
        (LINE.format(1, "nan", "a"), "line 2: start 1 and duration nan s"),
        (LINE.format("inf", 1, "a"), "line 2: start inf"),
        ("WEBVTT", "line 2: 'WEBVTT' is no type of RTTM line; expected SPEAKER"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, message):
    with pytest.raises(SerHfError, match=message):
        read_turns(write(tmp_path, LINE.format(0, 1, "a") + line))


def test_files_that_are_none(tmp_path):
    with pytest.raises(SerHfError, match=r"none.rttm cannot be read: No such file"):
        read_turns(tmp_path / "none.rttm")
    with pytest.raises(SerHfError, match="has no turns; expected lines such as SPEAKER"):
        read_turns(write(tmp_path, ";; nothing\n"))
    (tmp_path / "binary.rttm").write_bytes(b"\xff\xfe\x00SPEAKER")
    with pytest.raises(SerHfError, match="is no RTTM file: it is not UTF-8 text"):
        read_turns(tmp_path / "binary.rttm")


def test_who_began_last_is_heard_and_the_other_goes_on_after_it():
    turns = [Turn(0, 10, "a"), Turn(4, 6, "b"), Turn(9, 12, "c"), Turn(20, 21, "a")]
    expected = [Turn(0, 4, "a"), Turn(4, 6, "b"), Turn(6, 9, "a"), Turn(9, 12, "c"), Turn(20, 21, "a")]
    assert exclusive(turns) == expected


def test_overlapping_turns_of_one_speaker_are_one():
    assert exclusive([Turn(0, 5, "a"), Turn(3, 8, "a"), Turn(8, 9, "a")]) == [Turn(0, 8, "a"), Turn(8, 9, "a")]


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30), st.sampled_from("abc")), max_size=12),
)
def test_exclusive_turns_fill_what_the_turns_fill(given_turns):
    turns = [Turn(start, start + length, who) for start, length, who in given_turns]
    found = exclusive(turns)
    assert all(a.end <= b.start for a, b in pairwise(found))
    for second in range(100):
        on = {turn.speaker for turn in turns if turn.start <= second < turn.end}
        heard = [turn.speaker for turn in found if turn.start <= second < turn.end]
        assert len(heard) == (1 if on else 0)
        assert set(heard) <= on
        if on:
            began = {who: max(t.start for t in _merged(turns, who) if t.start <= second < t.end) for who in on}
            assert began[heard[0]] == max(began.values())


def _merged(turns, who):
    return exclusive([turn for turn in turns if turn.speaker == who])


def test_turns_shorter_than_a_sample_are_left_out():
    assert sample_spans([Turn(0, 0.0001, "a"), Turn(1, 2, "b")], 1000) == [(1000, 2000, "b")]
