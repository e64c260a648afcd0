"""Mixup: each result is a convex combination of two examples, and its label says of which and how."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.augment import mixup

SEEDS = st.integers(0, 2**32 - 1)
ALPHAS = st.floats(1e-3, 100)


def examples(count: int, seed: int, shape: tuple[int, ...] = (4, 5), dtype: torch.dtype = torch.float32):
    """Features, and for each example a class of its own."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, *shape, generator=generator, dtype=dtype), torch.eye(count, dtype=dtype)


@given(count=st.integers(1, 9), seed=SEEDS, alpha=ALPHAS)
def test_the_label_tells_how_the_features_were_mixed(count, seed, alpha):
    features, labels = examples(count, seed)
    mixed, soft = mixup(features, labels, alpha, np.random.default_rng(seed))
    assert torch.isfinite(mixed).all()
    torch.testing.assert_close(soft.sum(dim=1), torch.ones(count))
    torch.testing.assert_close(mixed, torch.einsum("bc,cij->bij", soft, features), atol=1e-5, rtol=1e-5)
    assert ((soft > 0).sum(dim=1) <= 2).all()
    assert (soft.diagonal() >= 0.5).all(), "the larger share is the example's own"


@given(seed=SEEDS, classes=st.integers(2, 8), alpha=ALPHAS)
def test_soft_labels_keep_their_sum(seed, classes, alpha):
    rng = np.random.default_rng(seed)
    labels = torch.from_numpy(rng.dirichlet(np.ones(classes), 6).astype(np.float32))
    _, soft = mixup(torch.zeros(6, 2, 3), labels, alpha, rng)
    torch.testing.assert_close(soft.sum(dim=1), torch.ones(6))
    assert (soft >= 0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(7,), (4, 5), (1, 4, 5)], ids=str)
def test_shapes_and_types_stay(dtype, shape):
    features, labels = examples(6, 0, shape, dtype)
    mixed, soft = mixup(features, labels, 0.4, np.random.default_rng(0))
    assert (mixed.shape, mixed.dtype) == (features.shape, dtype)
    assert (soft.shape, soft.dtype) == (labels.shape, dtype)


def test_the_generator_decides_and_the_input_stays():
    features, labels = examples(6, 0)
    before = features.clone(), labels.clone()
    one, same, other = (mixup(features, labels, 0.4, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert torch.equal(one[0], same[0])
    assert torch.equal(one[1], same[1])
    assert not torch.equal(one[0], other[0])
    assert torch.equal(features, before[0])
    assert torch.equal(labels, before[1])


def test_every_example_draws_its_own_share():
    features, labels = examples(64, 0)
    _, soft = mixup(features, labels, 0.4, np.random.default_rng(0))
    assert len(set(soft.diagonal().tolist())) > 50


@pytest.mark.parametrize(("alpha", "share"), [(1e-3, 1.0), (1e4, 0.5)])
def test_alpha_is_the_strength(alpha, share):
    features, labels = examples(64, 0)
    _, soft = mixup(features, labels, alpha, np.random.default_rng(0))
    assert soft.max(dim=1).values.median() == pytest.approx(share, abs=0.02)
