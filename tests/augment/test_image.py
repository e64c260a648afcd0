"""Rotation, zoom, brightness, noise and erasing: per example, bounded, drawn from the generator given."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.augment import brighten, cutmix, erase, mask, resize, rotate, shift, spectrogram_noise, stretch, zoom

SEEDS = st.integers(0, 2**32 - 1)
CHANGES = {
    "rotate": (rotate, 10.0),
    "zoom": (zoom, 0.2),
    "brighten": (brighten, 0.3),
    "spectrogram_noise": (spectrogram_noise, 0.1),
    "erase": (erase, 1.0),
    "stretch": (lambda x, most, rng: stretch(x, most, most, rng), 0.2),
    "shift": (lambda x, most, rng: shift(x, int(most), rng), 4),
    "time masks": (lambda x, most, rng: mask(x, 2, 2, int(most), rng), 4),
    "frequency masks": (lambda x, most, rng: mask(x, 1, 2, int(most), rng), 4),
}
NAMES = list(CHANGES)


def spectrograms(count: int = 4, mels: int = 16, frames: int = 20, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, mels, frames, generator=torch.Generator().manual_seed(seed))


def changed(name: str, features: torch.Tensor, seed: int = 0, strength: float | None = None) -> torch.Tensor:
    change, most = CHANGES[name]
    return change(features, most if strength is None else strength, np.random.default_rng(seed))


@pytest.mark.parametrize("name", NAMES)
@given(
    sizes=st.tuples(st.integers(1, 4), st.integers(1, 12), st.integers(1, 12)),
    kind=st.sampled_from(["noise", "silence", "constant", "one point", "loud", "faint", "decibels"]),
    dtype=st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]),
    seed=SEEDS,
)
def test_shape_type_and_finiteness_stay_whatever_the_spectrogram(name, sizes, kind, dtype, seed):
    noise = spectrograms(*sizes, seed=seed)
    features = {
        "noise": noise,
        "silence": torch.zeros(sizes),
        "constant": torch.ones(sizes),
        "one point": torch.zeros(sizes).index_put_((torch.tensor(0),) * 3, torch.tensor(1.0)),
        "loud": 1e3 * noise,
        "faint": 1e-30 * noise,
        "decibels": 20 * noise - 40,
    }[kind].to(dtype)
    before = features.clone()
    found = changed(name, features, seed)
    assert (found.shape, found.dtype) == (features.shape, dtype)
    assert torch.isfinite(found).all()
    assert torch.equal(features, before), "the input is left alone"
    assert torch.equal(found, changed(name, features, seed)), "a seed repeats"


@pytest.mark.parametrize("name", NAMES)
@given(seed=SEEDS)
def test_strength_0_is_identity(name, seed):
    features = spectrograms(seed=seed)
    torch.testing.assert_close(changed(name, features, seed, 0), features, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_seeds_differ_and_every_example_draws_its_own(name):
    features = spectrograms(1).expand(12, -1, -1)
    found = changed(name, features)
    assert not torch.equal(found, changed(name, features, seed=1))
    assert len({tuple(example.flatten().tolist()) for example in found}) > 5


def ramp(mels: int, frames: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The distance of every point from the middle, in bins and in frames, ``(1, mels, frames)`` each."""
    bins = torch.arange(mels, dtype=torch.float64) - (mels - 1) / 2
    steps = torch.arange(frames, dtype=torch.float64) - (frames - 1) / 2
    return bins[None, :, None].expand(1, mels, frames), steps[None, None, :].expand(1, mels, frames)


def slopes(plane: torch.Tensor) -> tuple[float, float]:
    """Rise per bin and per frame about the middle, where no edge is near."""
    middle = plane[0, 13:19, 21:27]
    return middle.diff(dim=0).mean().item(), middle.diff(dim=1).mean().item()


@pytest.mark.parametrize("seed", range(4))
def test_rotation_turns_a_plane_by_the_angle_drawn_in_bins_and_frames(seed):
    angle = np.radians(10) * np.random.default_rng(seed).uniform(-1, 1, 1)[0]
    bins, frames = ramp(32, 48)
    assert slopes(rotate(bins, 10, np.random.default_rng(seed))) == pytest.approx((np.cos(angle), np.sin(angle)))
    assert slopes(rotate(frames, 10, np.random.default_rng(seed))) == pytest.approx((-np.sin(angle), np.cos(angle)))


def test_angles_go_both_ways_and_as_far_as_they_may():
    _, frames = ramp(32, 48)
    turned = rotate(frames.expand(400, -1, -1), 8, np.random.default_rng(0))
    angles = np.degrees([np.arctan2(*slopes(example[None])) for example in turned])
    assert np.abs(angles).max() == pytest.approx(8, abs=0.2)
    np.testing.assert_allclose(np.histogram(angles, 4, (-8, 8))[0] / 400, 0.25, atol=0.07)


def test_zoom_magnifies_a_part_and_shows_nothing_from_beyond_the_edges():
    bins, frames = ramp(32, 48)
    for plane, axis in ((bins, 0), (frames, 1)):
        found = zoom(plane.expand(300, -1, -1), 0.5, np.random.default_rng(0))
        rises = np.array([slopes(example[None])[axis] for example in found])
        assert rises.min() >= 1 / 1.5 - 1e-6
        assert rises.max() <= 1 + 1e-6
        assert rises.min() < 0.7
        assert found.min() >= plane.min()
        assert found.max() <= plane.max()
        reached = (found.amin(dim=(1, 2)) == plane.min()) | (found.amax(dim=(1, 2)) == plane.max())
        assert reached.float().mean() < 0.1, "no edge goes on beyond itself"
        assert len({round(example[15, 23].item(), 3) for example in found}) > 100, "everywhere, not the middle only"


def test_brightness_adds_a_constant_of_the_examples_own_deviation():
    features = torch.cat([spectrograms(200), 10 * spectrograms(200) + 3])
    added = brighten(features, 0.5, np.random.default_rng(0)) - features
    torch.testing.assert_close(added, added[:, :1, :1].expand_as(added), atol=1e-5, rtol=1e-5)
    share = added[:, 0, 0] / features.std(dim=(1, 2), correction=0)
    assert share.abs().max().item() == pytest.approx(0.5, abs=0.01)
    assert share.mean().item() == pytest.approx(0, abs=0.05)


def test_noise_is_white_gaussian_in_the_examples_own_deviations():
    features = torch.cat([spectrograms(2, 100, 100), 10 * spectrograms(2, 100, 100) + 3])
    noise = (spectrogram_noise(features, 0.1, np.random.default_rng(0)) - features).double()
    share = noise.std(dim=(1, 2)) / features.std(dim=(1, 2))
    torch.testing.assert_close(share, torch.full_like(share, 0.1), rtol=0.03, atol=0)
    within = (noise.abs() < noise.std(dim=(1, 2), keepdim=True)).double().mean().item()
    assert within == pytest.approx(0.6827, abs=0.01)
    assert abs(np.corrcoef(noise[0].flatten(), noise[1].flatten())[0, 1]) < 0.03


def test_levels_mean_the_same_on_every_scale():
    features = spectrograms()
    for name in ("brighten", "spectrogram_noise", "erase", "rotate", "zoom"):
        decibels = changed(name, 40 * features - 40)
        torch.testing.assert_close(decibels, 40 * changed(name, features) - 40, atol=1e-3, rtol=1e-4)


def test_erasing_sets_one_rectangle_of_bounded_area_to_the_mean():
    features = spectrograms(400, 32, 32)
    found = erase(features, 0.5, np.random.default_rng(0))
    hidden = (found != features).numpy()
    areas = hidden.mean(axis=(1, 2))
    assert (areas > 0).mean() == pytest.approx(0.5, abs=0.08)
    assert areas[areas > 0].min() >= 0.015
    assert areas.max() <= 0.36
    for example, (before, after) in zip(hidden, zip(features, found, strict=True), strict=True):
        rows, columns = example.any(axis=1), example.any(axis=0)
        np.testing.assert_array_equal(example, np.outer(rows, columns))
        assert np.count_nonzero(np.diff(np.flatnonzero(rows)) != 1) == 0
        assert np.count_nonzero(np.diff(np.flatnonzero(columns)) != 1) == 0
        torch.testing.assert_close(after[example], before.mean().expand(int(example.sum())), atol=1e-5, rtol=1e-5)
    assert hidden.any(axis=(0, 1)).all(), "every frame is reached"
    assert hidden.any(axis=(0, 2)).all(), "every bin is reached"


def test_resizing_is_without_aliasing_and_keeps_what_has_the_size():
    images = torch.randn(2, 3, 64, 48, generator=torch.Generator().manual_seed(0))
    assert resize(images, 64, 48) is images
    assert resize(images, 32, 24).shape == (2, 3, 32, 24)
    stripes = torch.zeros(1, 1, 64, 64)
    stripes[:, :, ::2] = 1
    assert (resize(stripes, 16, 16)[..., 1:-1, :] - 0.5).abs().max() < 0.02
    last = images.to(memory_format=torch.channels_last)
    assert resize(last, 32, 24).is_contiguous(memory_format=torch.channels_last)


@given(
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 12), st.integers(1, 12)), alpha=st.floats(0.05, 20), seed=SEEDS
)
def test_cutmix_weighs_labels_by_the_area_really_pasted(sizes, alpha, seed):
    features = torch.arange(sizes[0], dtype=torch.float32)[:, None, None].expand(sizes).contiguous()
    found, soft = cutmix(features, torch.eye(sizes[0]), alpha, np.random.default_rng(seed))
    assert (found.shape, found.dtype) == (features.shape, features.dtype)
    torch.testing.assert_close(soft.sum(dim=1), torch.ones(sizes[0]))
    assert (soft >= 0).all()
    for example, label in zip(found, soft, strict=True):
        counted = torch.bincount(example.flatten().long(), minlength=sizes[0]) / (sizes[1] * sizes[2])
        torch.testing.assert_close(label, counted)


def test_cutmix_pastes_one_rectangle_from_the_same_place():
    features = torch.arange(64 * 16 * 20, dtype=torch.float32).reshape(64, 16, 20)
    found, soft = cutmix(features, torch.eye(64), 1.0, np.random.default_rng(0))
    place = torch.arange(16 * 20).reshape(16, 20)
    assert torch.equal(found.long() % 320, place.expand(64, -1, -1))
    assert ((soft > 0).sum(dim=1) <= 2).all()
    assert len(set(soft.diagonal().tolist())) > 40, "every example draws its own share"
    for number, example in enumerate(found):
        other = (example.long() // 320 != number).numpy()
        np.testing.assert_array_equal(other, np.outer(other.any(axis=1), other.any(axis=0)))


@given(seed=SEEDS, classes=st.integers(2, 8))
def test_cutmix_keeps_the_sum_of_soft_labels_and_repeats(seed, classes):
    labels = torch.from_numpy(np.random.default_rng(seed).dirichlet(np.ones(classes), 6).astype(np.float32))
    one, two = (cutmix(spectrograms(6), labels, 1.0, np.random.default_rng(seed)) for _ in range(2))
    torch.testing.assert_close(one[1].sum(dim=1), torch.ones(6))
    assert torch.equal(one[0], two[0])
    assert torch.equal(one[1], two[1])


@pytest.mark.gpu
@pytest.mark.parametrize("name", NAMES)
def test_a_gpu_gives_the_same(name):
    features = spectrograms()
    found = changed(name, features.cuda())
    assert found.is_cuda
    if name != "spectrogram_noise":  # drawn there
        torch.testing.assert_close(found.cpu(), changed(name, features), atol=1e-3, rtol=1e-3)
