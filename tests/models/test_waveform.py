"""Waveform steps against librosa."""

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_hf.models.waveform import as_waveform, fix_length, peak_normalise, prepare, trim_silence

STEPS = [peak_normalise, trim_silence, lambda clip: fix_length(clip, 100), lambda clip: prepare(clip, 100)]


def burst(n: int, start: int, stop: int, floor: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    clip = rng.normal(0, floor, n)
    clip[start:stop] += rng.normal(0, 0.3, stop - start)
    return clip.astype(np.float32)


@given(
    n=st.integers(1, 20000),
    cut=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    floor=st.sampled_from([0.0, 1e-4, 1e-3, 1e-2]),
    top_db=st.sampled_from([10.0, 30.0, 60.0]),
)
@settings(max_examples=60, deadline=None)
def test_trim_gives_the_samples_of_librosa(n: int, cut: tuple[float, float], floor: float, top_db: float) -> None:
    start, stop = sorted(int(part * n) for part in cut)
    clip = burst(n, start, stop, floor)
    expected, _ = librosa.effects.trim(clip, top_db=top_db)
    np.testing.assert_array_equal(trim_silence(clip, top_db), expected)


def test_trim_cuts_silence_and_keeps_speech() -> None:
    clip = burst(48000, 16000, 32000, 1e-4)
    trimmed = trim_silence(clip, 30)
    assert 16000 <= trimmed.size <= 16000 + 2 * 2048
    assert trimmed.dtype == np.float32


def test_peak_becomes_one() -> None:
    clip = burst(1000, 0, 1000, 0) * 0.01
    assert np.abs(peak_normalise(clip)).max() == pytest.approx(1)
    np.testing.assert_allclose(peak_normalise(clip), clip / np.abs(clip).max(), rtol=1e-6)


@pytest.mark.parametrize(
    ("samples", "length", "expected"),
    [
        ([1, 2, 3], 3, [1, 2, 3]),
        ([1, 2, 3], 6, [0, 1, 2, 3, 0, 0]),
        ([1, 2, 3, 4], 2, [2, 3]),
        ([1, 2, 3, 4], 1, [2]),
        ([1, 2, 3, 4, 5], 2, [2, 3]),
        ([1], 4, [0, 1, 0, 0]),
    ],
)
def test_fix_length_is_symmetric(samples: list[float], length: int, expected: list[float]) -> None:
    np.testing.assert_array_equal(fix_length(np.array(samples, dtype=np.float32), length), expected)


@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize("trim_db", [None, 20.0, 60.0])
@pytest.mark.parametrize("length", [1, 999, 4000, 30000])
def test_prepare_is_the_steps_in_turn(normalise: bool, trim_db: float | None, length: int) -> None:
    clip = expected = 0.1 * burst(12000, 3000, 9000, 1e-3)
    before = clip.copy()
    if normalise:
        expected = peak_normalise(expected)
    if trim_db is not None:
        expected = trim_silence(expected, trim_db)
    prepared = prepare(clip, length, normalise=normalise, trim_db=trim_db)
    np.testing.assert_array_equal(prepared, fix_length(expected, length))
    assert prepared.dtype == np.float32
    place = np.full(length, np.nan, dtype=np.float32)
    assert prepare(clip, length, normalise=normalise, trim_db=trim_db, out=place) is place
    np.testing.assert_array_equal(place, prepared)
    np.testing.assert_array_equal(clip, before)


def test_squares_beyond_float32_leave_a_clip_whole() -> None:
    clip = 1e30 * burst(9000, 4000, 5000, 1e-4)
    np.testing.assert_array_equal(trim_silence(clip), clip)


def test_zeros_are_defined() -> None:
    zeros = np.zeros(5000, dtype=np.float32)
    np.testing.assert_array_equal(peak_normalise(zeros), zeros)
    np.testing.assert_array_equal(trim_silence(zeros), zeros)


def test_tiny_values_do_not_overflow() -> None:
    assert np.isfinite(peak_normalise(np.full(10, 1e-45, dtype=np.float32))).all()


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("clip", "reason"),
    [
        (np.zeros(0, dtype=np.float32), "empty"),
        (np.array([0.0, np.nan], dtype=np.float32), "1 non-finite"),
        (np.array([np.inf, -np.inf], dtype=np.float32), "2 non-finite"),
        (np.zeros((2, 100), dtype=np.float32), r"mono .*\(2, 100\)"),
        (np.zeros(100, dtype=np.int16), "int16"),
    ],
)
def test_bad_clips_are_refused(step, clip: np.ndarray, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        step(clip)


def test_other_float_types_become_float32() -> None:
    assert as_waveform(np.zeros(3)).dtype == np.float32
    assert fix_length([0.5, 0.25], 2).dtype == np.float32


def test_a_length_must_be_positive() -> None:
    with pytest.raises(ValueError, match="found 0"):
        fix_length(np.ones(3, dtype=np.float32), 0)
    with pytest.raises(ValueError, match="found -1"):
        prepare(np.ones(3, dtype=np.float32), -1)
