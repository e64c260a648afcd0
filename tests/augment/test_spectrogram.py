"""Masks and shifts of spectrograms: bounded, per example, and drawn from the generator given."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.augment import mask, shift, stretch

SEEDS = st.integers(0, 2**32 - 1)


def spectrograms(count: int = 3, mels: int = 8, frames: int = 10, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """No two values alike, none of them 0."""
    return torch.arange(1, count * mels * frames + 1, dtype=dtype).reshape(count, mels, frames)


def runs(hidden: np.ndarray) -> int:
    """How many separate bands there are."""
    return int(np.count_nonzero(np.diff(np.concatenate([[0], hidden.astype(int)])) == 1))


@given(
    sizes=st.tuples(st.integers(1, 4), st.integers(1, 12), st.integers(1, 12)),
    axis=st.sampled_from([1, 2]),
    count=st.integers(0, 4),
    width=st.integers(0, 20),
    value=st.sampled_from([0.0, -1.0]),
    seed=SEEDS,
)
def test_masks_hide_whole_bands_of_bounded_width(sizes, axis, count, width, value, seed):
    features = spectrograms(*sizes)
    found = mask(features, axis, count, width, np.random.default_rng(seed), value)
    assert (found.shape, found.dtype) == (features.shape, features.dtype)
    hidden = found != features
    assert (found[hidden] == value).all()
    for example in hidden.numpy():
        lines = example.any(axis=2 - axis)
        assert (example.all(axis=2 - axis) == lines).all(), "a band goes through the whole spectrogram"
        assert runs(lines) <= count
        assert lines.sum() <= count * min(width, sizes[axis])


@pytest.mark.parametrize(("count", "width"), [(0, 5), (2, 0)])
def test_no_mask_leaves_everything(count, width):
    features = spectrograms()
    assert torch.equal(mask(features, 1, count, width, np.random.default_rng(0)), features)


@pytest.mark.parametrize("axis", [1, 2])
def test_every_width_up_to_the_widest_is_drawn_and_every_place_is_hit(axis):
    features = spectrograms(2000)
    hidden = (mask(features, axis, 1, 3, np.random.default_rng(0)) == 0).numpy().any(axis=3 - axis)
    widths = np.bincount(hidden.sum(axis=1), minlength=4) / 2000
    np.testing.assert_allclose(widths, 0.25, atol=0.04)
    assert hidden.any(axis=0).all()


@pytest.mark.parametrize("axis", [1, 2])
def test_a_width_beyond_the_axis_hides_all_of_it_at_most(axis):
    found = mask(spectrograms(200, 4, 4), axis, 1, 1000, np.random.default_rng(0))
    widths = (found == 0).numpy().any(axis=3 - axis).sum(axis=1)
    assert set(widths) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    "change", [lambda x, rng: mask(x, 2, 2, 4, rng), lambda x, rng: shift(x, 4, rng)], ids=["mask", "shift"]
)
def test_the_generator_decides_and_the_input_stays(change):
    features = spectrograms(16)
    before = features.clone()
    one, same, other = (change(features, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(features, before)
    assert not all(torch.equal(example - example.min(), one[0] - one[0].min()) for example in one)


@given(count=st.integers(1, 4), frames=st.integers(1, 12), most=st.integers(0, 20), seed=SEEDS)
def test_a_shift_rolls_every_example_by_a_bounded_number_of_frames(count, frames, most, seed):
    features = spectrograms(count, 3, frames)
    found = shift(features, most, np.random.default_rng(seed))
    assert (found.shape, found.dtype) == (features.shape, features.dtype)
    for before, after in zip(features, found, strict=True):
        assert any(torch.equal(after, before.roll(n, dims=1)) for n in range(-most, most + 1))


def test_a_shift_goes_both_ways_and_as_far_as_it_may():
    features = spectrograms(500, 1, 50)
    first = shift(features, 3, np.random.default_rng(0)) - features
    steps = {int(example[0, 25]) for example in first}
    assert steps == {-3, -2, -1, 0, 1, 2, 3}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_the_type_stays(dtype):
    features = torch.ones(2, 4, 6, dtype=dtype)
    rng = np.random.default_rng(0)
    assert mask(features, 1, 1, 2, rng).dtype == shift(features, 2, rng).dtype == dtype


def test_stretching_moves_what_it_should_and_where():
    features = torch.full((64, 32, 40), -1.0)
    features[:, 8, 10] = 1.0  # a quarter up, a quarter along
    found = stretch(features, 0.2, 0.1, np.random.default_rng(0))
    mels, frames = np.unravel_index(found.flatten(1).argmax(dim=1).numpy(), (32, 40))
    assert found.shape == features.shape
    assert found.min() >= -1
    assert {*mels} <= {7, 8, 9}, "8.5 bins above the lower edge, by 0.9 to 1.1"
    assert {*frames} <= set(range(8, 13)), "9.5 frames before the middle, by 0.8 to 1.2"
    assert len({*mels}) > 1
    assert len({*frames}) > 2


def test_stretching_agrees_with_an_interpolation_of_its_own():
    features = torch.rand(1, 16, 50, generator=torch.Generator().manual_seed(0))
    found = stretch(features, 0.2, 0.0, np.random.default_rng(3))[0].numpy()
    factor = 1 + 0.2 * np.random.default_rng(3).uniform(-1, 1, 1)[0]
    places = (np.arange(50) + 0.5 - 25) / factor + 25 - 0.5
    expected = [np.interp(places, np.arange(50), line) for line in features[0].numpy()]
    np.testing.assert_allclose(found, expected, atol=1e-4)


@given(seed=SEEDS)
def test_no_stretching_is_identity_and_a_seed_repeats(seed):
    features = spectrograms()
    torch.testing.assert_close(stretch(features, 0.0, 0.0, np.random.default_rng(seed)), features)
    one, two = (stretch(features, 0.2, 0.1, np.random.default_rng(seed)) for _ in range(2))
    assert torch.equal(one, two)
