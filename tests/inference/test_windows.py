"""Windows: where they lie, that block sizes change nothing, and what is held of the recording."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.base.errors import SerHfError
from ser_hf.inference.windows import Cutter, hear, window_and_hop


def cut(total, size, hop, spans=None, blocks=None):
    cutter, whole, found = Cutter(size, hop, spans), np.arange(total, dtype=np.float32), []
    at = 0
    for length in [*(blocks or []), total]:
        found += cutter.feed(whole[at : at + length])
        at = min(total, at + length)
    found += cutter.finish()
    for one in found:
        np.testing.assert_array_equal(one.samples, whole[one.start : one.start + len(one.samples)])
    assert cutter.total == total
    return [(one.start, one.start + len(one.samples), one.span) for one in found]


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (1, [(0, 1)]),
        (9, [(0, 9)]),
        (10, [(0, 10)]),
        (11, [(0, 10), (1, 11)]),
        (15, [(0, 10), (5, 15)]),
        (16, [(0, 10), (5, 15), (6, 16)]),
        (20, [(0, 10), (5, 15), (10, 20)]),
    ],
)
def test_windows_start_at_the_hops_and_the_last_ends_with_the_recording(total, expected):
    assert cut(total, 10, 5) == [(*window, 0) for window in expected]


def test_every_span_has_windows_of_its_own():
    found = cut(100, 10, 5, [(0, 12.0), (12, 15.0), (40, 50.0), (95, 300.0), (200, 300.0)])
    assert found == [(0, 10, 0), (2, 12, 0), (12, 15, 1), (40, 50, 2), (95, 100, 3)]


@given(data=st.data())
def test_blocks_of_any_size_give_the_same_windows_that_cover_all(data):
    total, size = data.draw(st.integers(1, 300)), data.draw(st.integers(1, 40))
    hop = data.draw(st.integers(1, size))
    blocks = data.draw(st.lists(st.integers(0, 90), max_size=30))
    edges = sorted(data.draw(st.sets(st.integers(0, 400), min_size=2, max_size=9)))
    spans = data.draw(st.sampled_from([None, [(a, float(b)) for a, b in zip(edges[::2], edges[1::2], strict=False)]]))
    found = cut(total, size, hop, spans, blocks)
    assert found == cut(total, size, hop, spans)
    heard = np.zeros(total, bool)
    for start, end, _ in found:
        assert 0 < end - start <= size
        heard[start:end] = True
    wanted = np.zeros(total, bool)
    for start, end in spans or [(0, total)]:
        wanted[start : int(end)] = True
    np.testing.assert_array_equal(heard, wanted)


@pytest.mark.parametrize("spans", [None, [(0, 50.0), (90_000, 90_200.0)]])
def test_no_more_is_held_than_a_window_a_hop_and_a_block(spans):
    cutter = Cutter(100, 50, spans)
    for _ in range(1000):
        cutter.feed(np.zeros(97, np.float32))
        assert sum(map(len, cutter._held)) <= 100 + 50 + 97
        assert all(block.base is None or len(block.base) <= 300 for block in cutter._held)


def test_silent_windows_are_not_given_to_the_model(levels, loud, sound):
    cutter, model = Cutter(1000, 1000), levels()
    cuts = cutter.feed(sound((1, 0), (1, 0.1), (0.7, 0), (0.3, 0.1), (0.9, 0), (0.1, 0.1)))
    windows = hear(model, cuts, loud)
    assert [window.probabilities is not None for window in windows] == [False, True, True, False]
    assert [window.speech for window in windows] == pytest.approx([0, 1, 0.3, 0.1], abs=0.064)
    assert len(model.heard) == 2
    assert all(window.speech is None and window.frames is None for window in hear(model, cuts, None))
    assert len(model.heard) == 6
    assert hear(model, [], loud) == []


def test_the_defaults(levels):
    assert window_and_hop(levels(4.0), None, None) == (4000, 2000)
    assert window_and_hop(levels(3.0), None, None) == (3000, 1500)
    assert window_and_hop(levels(30.0), None, None) == (4000, 2000)
    assert window_and_hop(levels(math.inf), None, None) == (4000, 2000)
    assert window_and_hop(levels(math.inf), 20, 0.5) == (20_000, 500)
    assert window_and_hop(levels(0.04), None, 0.04) == (40, 40)


@pytest.mark.parametrize(
    ("window", "hop", "message"),
    [
        (5, None, r"window is 5 s; expected more than 0 and at most 4, what the model hears at once"),
        (0, None, "window is 0 s"),
        (-1, None, "window is -1 s"),
        (math.nan, None, "window is nan s"),
        (None, 0, r"hop is 0 s; expected 0.05 to 4, the window"),
        (2, 3, "what lies between two windows would not be heard"),
        (2, math.nan, "hop is nan s"),
    ],
)
def test_windows_that_cannot_be(levels, window, hop, message):
    with pytest.raises(SerHfError, match=message):
        window_and_hop(levels(4.0), window, hop)


def test_an_endless_window_and_a_model_of_one_speaker_are_refused(levels):
    with pytest.raises(SerHfError, match="expected more than 0 and a number"):
        window_and_hop(levels(math.inf), math.inf, None)
    model = levels()
    model.one_speaker_a_call = True
    with pytest.raises(SerHfError, match="compares all clips of one speaker"):
        window_and_hop(model, None, None)
