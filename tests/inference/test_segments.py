"""The steps from windows to segments, each against a loop over samples or windows."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_hf.inference.segments import Run, cells, merged, pieces, probabilities, regions, smoothed, spoken
from ser_hf.inference.windows import Window

RATE, FRAME = 1000, 32
SPANS = [(0, 700), (700, 1300), (1500, 2200)]


@st.composite
def windows(draw):
    """Windows of 200 samples or less in three spans, some of them not heard, with frames of speech or without."""
    looked, found = draw(st.booleans()), []
    for span, (first, last) in enumerate(SPANS):
        starts = draw(st.lists(st.integers(first, last - 50), min_size=1, max_size=4, unique=True))
        for start in sorted(starts):
            end = min(start + 200, last)
            frames = np.array(draw(st.lists(st.booleans(), min_size=7, max_size=7)))[: -(-(end - start) // FRAME)]
            share = draw(st.none() | st.integers(0, 10))
            said = None if share is None else np.array([share / 10, 1 - share / 10], np.float32)
            speech = float(frames.sum() * FRAME / RATE) + 0.01
            found.append(Window(start, end, span, frames if looked else None, speech if looked else None, said, None))
    return found


def runs(values):
    """Stretches of equal values that are not None, as (start, end, value)."""
    found = []
    for at, value in enumerate(values):
        if value is not None and found and found[-1][1:] == (at, value):
            found[-1] = (found[-1][0], at + 1, value)
        elif value is not None:
            found.append((at, at + 1, value))
    return found


@settings(max_examples=40)
@given(windows(), st.sampled_from([1, 3, 5]))
def test_smoothing_is_the_mean_of_the_neighbours_of_a_span_weighted_by_speech(given_windows, width):
    found = smoothed(given_windows, 2, width)
    for i, window in enumerate(given_windows):
        near = given_windows[max(0, i - width // 2) : i + width // 2 + 1]
        near = [one for one in near if one.span == window.span and one.probabilities is not None]
        weights = [1 if one.speech is None else one.speech for one in near]
        if window.probabilities is None:
            assert np.isnan(found[i]).all()
        else:
            expected = np.average([one.probabilities for one in near], axis=0, weights=weights)
            assert found[i] == pytest.approx(expected, abs=1e-6)


def test_nothing_at_all_has_a_shape():
    assert probabilities([], 4).shape == smoothed([], 4, 3).shape == (0, 4)
    assert pieces([], [], np.zeros((0, 4)), [(0, 10)], 0.0) == []


@settings(max_examples=40)
@given(windows())
def test_a_cell_goes_half_way_to_the_next_middle_and_cells_fill_the_spans(given_windows):
    found = cells(given_windows, SPANS)
    for number, (first, last) in enumerate(SPANS):
        own = [i for i, window in enumerate(given_windows) if window.span == number]
        assert (found[own[0]][0], found[own[-1]][1]) == (first, last)
        for i, j in pairwise(own):
            middles = [(given_windows[k].start + given_windows[k].end) / 2 for k in (i, j)]
            assert found[i][1] == found[j][0] == int(sum(middles) / 2 + 0.5)


@settings(max_examples=40)
@given(windows())
def test_speech_is_taken_from_the_window_that_answers(given_windows):
    own = cells(given_windows, SPANS)
    heard: list[bool | None] = [None] * SPANS[-1][1]
    for window, (low, high) in zip(given_windows, own, strict=True):
        for at in range(max(low, window.start), min(high, window.end)) if window.frames is not None else ():
            heard[at] = True if window.frames[(at - window.start) // FRAME] else None
    assert spoken(given_windows, own, RATE) == [(start, end) for start, end, _ in runs(heard)]


def test_frames_begin_at_whole_samples_whatever_the_rate():
    window = Window(10, 3010, 0, np.array([False, True, False, True, True]), 0.1, None, None)
    found = spoken([window], [(0, 4000)], 22_050)  # a frame has 705.6 samples
    assert found == [(716, 1421), (2127, 3010)]
    assert all(type(edge) is int for stretch in found for edge in stretch)


@settings(max_examples=40)
@given(st.sets(st.integers(0, 2500), max_size=12), st.sampled_from([0, 0.05, 0.1, 0.15, 0.2, 0.3, 1]))
def test_a_region_is_wider_than_speech_and_holds_its_pauses(edges, pause):
    ordered = sorted(edges)
    speech = list(zip(ordered[::2], ordered[1::2], strict=False))
    inside = np.zeros(SPANS[-1][1] + 2000, bool)
    for (start, end), after in zip(speech, [*speech[1:], (10**6, 0)], strict=False):
        inside[max(0, start - 100) : end + 100] = True
        if after[0] - end < max(round(pause * RATE), 200):
            inside[end : after[0]] = True
    values = [None] * SPANS[-1][1]
    for number, (first, last) in enumerate(SPANS):
        for at in range(first, last):
            values[at] = number if inside[at] else None
    found = regions(speech, SPANS, RATE, pause)
    assert [at for start, end in found for at in range(start, end)] == [
        i for i, v in enumerate(values) if v is not None
    ]
    cut = [(start, end) for start, end, _ in runs(values)]
    touching = [gap for (_, a), (b, _) in pairwise(speech) if (gap := b - a) == 200]
    assert found == cut or touching, "regions that touch and are not joined stay two"


def test_speech_that_is_as_far_apart_as_a_pause_is_parted():
    assert regions([(500, 600), (899, 1000)], [(0, 2000)], RATE, 0.3) == [(400, 1100)]
    assert regions([(500, 600), (900, 1000)], [(0, 2000)], RATE, 0.3) == [(400, 700), (800, 1100)]
    assert regions([(500, 600), (799, 1000)], [(0, 2000)], RATE, 0) == [(400, 1100)]
    assert regions([(500, 600), (800, 1000)], [(0, 2000)], RATE, 0) == [(400, 700), (700, 1100)]
    assert regions([(50, 600)], [(0, 650)], RATE) == [(0, 650)]


@settings(max_examples=40)
@given(windows(), st.sets(st.integers(0, 2300), max_size=10), st.sampled_from([0, 0.7, 1.0]))
def test_a_piece_is_what_one_window_says_of_one_stretch_of_speech(given_windows, edges, sure_from):
    own, shares = cells(given_windows, SPANS), probabilities(given_windows, 2)
    ordered = sorted(edges)
    speech = list(zip(ordered[::2], ordered[1::2], strict=False))
    values = [None] * 2300
    for number, (start, end) in enumerate(speech):
        for i, (low, high) in enumerate(own):
            for at in range(max(start, low), min(end, high)) if not np.isnan(shares[i]).any() else ():
                values[at] = (number, i)
    expected = []
    for start, end, (_, i) in runs(values):
        label = int(shares[i].argmax()) if shares[i].max() >= sure_from else 2
        expected.append(Run(start, end, label, given_windows[i].span, [(i, end - start)]))
    assert pieces(own, given_windows, shares, speech, sure_from) == expected


def run(start, end, label, span=0):
    return Run(start, end, label, span, [(start, end - start)])


@pytest.mark.parametrize(
    ("given_runs", "expected"),
    [
        ([run(0, 10, 0), run(10, 30, 0)], [(0, 30, 0)]),
        ([run(0, 10, 0), run(11, 30, 0)], [(0, 10, 0), (11, 30, 0)]),
        ([run(0, 10, 0), run(10, 30, 0, 1)], [(0, 10, 0), (10, 30, 0)]),
        ([run(0, 10, 0), run(10, 20, 1), run(20, 30, 2)], [(0, 10, 0), (10, 20, 1), (20, 30, 2)]),
        ([run(0, 10, 0), run(10, 19, 1), run(19, 29, 2)], [(0, 19, 0), (19, 29, 2)]),
        ([run(0, 10, 0), run(10, 19, 1), run(19, 30, 2)], [(0, 10, 0), (10, 30, 2)]),
        ([run(0, 10, 0), run(10, 19, 1), run(19, 30, 0)], [(0, 30, 0)]),
        ([run(0, 10, 0), run(10, 19, 1), run(20, 40, 2)], [(0, 19, 0), (20, 40, 2)]),
        ([run(0, 10, 0), run(11, 19, 1), run(19, 40, 2)], [(0, 10, 0), (11, 40, 2)]),
        ([run(0, 10, 0), run(11, 19, 1), run(20, 40, 2)], [(0, 10, 0), (11, 19, 1), (20, 40, 2)]),
        ([run(0, 5, 0), run(5, 9, 1), run(9, 15, 2)], [(0, 15, 2)]),
        ([run(90, 100, 0), run(100, 109, 1), run(109, 120, 2)], [(90, 100, 0), (100, 120, 2)]),
        ([run(90, 100, 0), run(100, 109, 1), run(109, 119, 2)], [(90, 109, 0), (109, 119, 2)]),
        ([], []),
    ],
)
def test_runs_of_one_label_are_joined_and_short_ones_go_to_the_longer_neighbour(given_runs, expected):
    assert [(one.start, one.end, one.label) for one in merged(given_runs, 10)] == expected


def test_what_is_absorbed_decides_nothing():
    given_runs = [run(0, 10, 0), run(10, 19, 1), run(19, 30, 0)]
    (found,) = merged(given_runs, 10)
    assert given_runs == [run(0, 10, 0), run(10, 19, 1), run(19, 30, 0)], "what is given stays as it is"
    assert found.parts == [(0, 10), (19, 11)]
