"""Pooling over time against a loop over clips, each without its padding."""

import pytest
import torch
from torch import nn

from ser_hf.models.pooling import POOLINGS, Pooling, even

LENGTHS = [9, 1, 4]


def batch(junk: float) -> tuple[torch.Tensor, torch.Tensor]:
    states = torch.randn(3, 9, 5, generator=torch.Generator().manual_seed(0))
    heard = torch.arange(9) < torch.tensor(LENGTHS)[:, None]
    return torch.where(heard[..., None], states, junk), heard


def naive(pool: Pooling, how: str, clip: torch.Tensor) -> torch.Tensor:
    """Of one clip ``(T, D)``."""
    share = torch.full((len(clip),), 1 / len(clip))
    if how == "attention":
        share = torch.tensor([pool.score(frame).item() for frame in clip]).exp()
        share /= share.sum()
    mean = sum(w * frame for w, frame in zip(share, clip, strict=True))
    variance = sum(w * (frame - mean) ** 2 for w, frame in zip(share, clip, strict=True))
    return mean if how == "mean" else torch.cat([mean, variance.clamp_min(1e-10).sqrt()])


@pytest.mark.parametrize("how", POOLINGS)
@pytest.mark.parametrize("junk", [0.0, 1e4])
@torch.no_grad()
def test_each_clip_is_pooled_over_its_own_frames(how, junk):
    torch.manual_seed(0)
    pool = Pooling(5, how, hidden=4)
    states, heard = batch(junk)
    found = pool(states, heard)
    assert found.shape == (3, 5 * POOLINGS[how])
    expected = torch.stack([naive(pool, how, states[i, :n]) for i, n in enumerate(LENGTHS)])
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(pool(states[:1]), expected[:1], rtol=0, atol=1e-5)


@pytest.mark.parametrize("how", POOLINGS)
def test_padding_gets_no_gradient_and_a_clip_of_one_frame_a_finite_one(how):
    states, heard = batch(2.0)
    states.requires_grad_()
    pool = Pooling(5, how)
    pool(states, heard).square().sum().backward()
    assert states.grad.isfinite().all()
    assert not states.grad[~heard].any()
    assert states.grad[0].any()


def test_frames_share_evenly():
    states, heard = batch(0.0)
    torch.testing.assert_close(even(states, heard)[2, :, 0], torch.tensor([0.25] * 4 + [0.0] * 5))
    torch.testing.assert_close(even(states, None)[2, :, 0], torch.full((9,), 1 / 9))


def test_attention_starts_as_a_linear_layer_and_others_have_no_weights():
    assert [type(layer) for layer in Pooling(5, "attention").score] == [nn.Linear, nn.Tanh, nn.Linear]
    assert not list(Pooling(5, "mean_std").parameters())
