"""Functionals against NumPy and librosa's cepstrum; padding has no share in them, in attention or in the mean."""

import librosa
import numpy as np
import pytest
import torch

from ser_hf.models import build_config, build_model
from ser_hf.models.functionals import Functionals, valid_frames

LEVEL = -1.0


def spectrograms(clips: int, n_mels: int = 12, frames: int = 40, seed: int = 0) -> torch.Tensor:
    return torch.rand(clips, n_mels, frames, generator=torch.Generator().manual_seed(seed)) * 1.8 - 0.9


def padded(clips: torch.Tensor, before: int, after: int) -> torch.Tensor:
    return torch.nn.functional.pad(clips, (before, after), value=LEVEL)


def expected(clip: np.ndarray, n_mfcc: int, share: float) -> np.ndarray:
    rows = np.concatenate([clip, librosa.feature.mfcc(S=clip, n_mfcc=n_mfcc)])
    steps = np.diff(rows, axis=1)
    parts = [rows.mean(1), rows.std(1), *np.percentile(rows, [5, 25, 50, 75, 95], axis=1)]
    return np.concatenate([*parts, np.abs(steps).mean(1), steps.std(1), [share]])


@pytest.mark.parametrize("frames", [2, 3, 40])
def test_functionals_are_those_of_numpy(frames):
    clips = spectrograms(3, frames=frames)
    layer = Functionals(12, 5)
    found = layer(clips, valid_frames(clips))
    assert found.shape == (3, layer.size)
    for row, clip in zip(found, clips.numpy(), strict=True):
        np.testing.assert_allclose(row, expected(clip, 5, 1.0), atol=2e-3)


@pytest.mark.parametrize(("before", "after"), [(0, 7), (5, 0), (10, 3)])
def test_padding_changes_the_share_of_valid_frames_alone(before, after):
    clips, layer = spectrograms(4), Functionals(12, 5)
    plain = layer(clips, valid_frames(clips))
    longer = padded(clips, before, after)
    found = layer(longer, valid_frames(longer))
    torch.testing.assert_close(found[:, :-1], plain[:, :-1], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found[:, -1], torch.full((4,), 40 / (40 + before + after)))


def test_neighbours_of_other_lengths_change_nothing():
    layer, long, short = Functionals(12, 5), spectrograms(1), padded(spectrograms(1, frames=10, seed=1), 10, 20)
    both = torch.cat([long, short])
    together = layer(both, valid_frames(both))
    alone = torch.cat([layer(clip, valid_frames(clip)) for clip in (long, short)])
    torch.testing.assert_close(together, alone)


def test_one_frame_and_nothing_but_padding_are_finite():
    for clips in (spectrograms(2, frames=1), torch.full((2, 12, 9), LEVEL), padded(spectrograms(2, frames=1), 3, 3)):
        clips.requires_grad_()
        found = Functionals(12, 5)(clips, valid_frames(clips))
        found.sum().backward()
        assert found.isfinite().all()
        assert clips.grad.isfinite().all()


@pytest.mark.parametrize("scale", [0.01, 1.0, 80.0])
def test_padding_is_found_at_any_level(scale):
    clips = padded(spectrograms(2, seed=3), 3, 5) * scale
    found = valid_frames(clips)
    assert not found[:, :3].any()
    assert not found[:, -5:].any()
    assert found[:, 3:-5].all()


def test_mixed_clips_are_valid_where_one_of_them_is():
    long, short = padded(spectrograms(1), 0, 10), padded(spectrograms(1, frames=20, seed=1), 10, 20)
    assert valid_frames(0.3 * long + 0.7 * short).equal(valid_frames(long) | valid_frames(short))


def test_a_clip_of_padding_alone_is_valid_throughout():
    assert valid_frames(torch.full((1, 12, 9), LEVEL)).all()


@pytest.mark.parametrize("downsampling", ["pool", "stride"])
@pytest.mark.parametrize("frames", [8, 41, 64])
def test_attention_is_on_valid_frames_alone_and_sums_to_one(downsampling, frames):
    config = build_config(
        "cnn_blstm_attention",
        n_mels=12,
        num_labels=4,
        conv_channels=[4, 4],
        conv_pools=[[2, 2], [2, 2]],
        lstm_size=4,
        downsampling=downsampling,
    )
    model = build_model(config).eval()
    clips = padded(spectrograms(2, frames=frames), 8, 20)
    (weights,) = model(clips, output_attentions=True).attentions
    assert weights.shape == (2, -(-(frames + 28) // 4))
    torch.testing.assert_close(weights.sum(1), torch.ones(2))
    inside = torch.zeros(weights.shape[1], dtype=torch.bool)
    inside[8 // 4 : -(-(8 + frames) // 4)] = True
    assert (weights[:, inside] > 0).all()
    assert (weights[:, ~inside] == 0).all()


def test_the_mean_is_over_valid_frames_alone():
    settings = {"n_mels": 12, "num_labels": 4, "use_cnn": False, "use_lstm": False, "use_attention": False}
    model = build_model(build_config("cnn_blstm_attention", **settings)).eval()
    clips = spectrograms(3)
    torch.testing.assert_close(model(padded(clips, 4, 9)).logits, model(clips).logits)


def test_a_model_with_functionals_learns_saves_and_loads_the_same(tmp_path):
    settings = {"conv_channels": [4], "conv_pools": [[2, 2]], "lstm_size": 4, "functionals_size": 16, "n_mfcc": 3}
    config = build_config("cnn_blstm_attention", n_mels=12, num_labels=2, functionals=True, dropout=0.0, **settings)
    model, clips = build_model(config), spectrograms(8)
    labels = torch.tensor([0, 1] * 4)
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    losses = []
    for _ in range(20):
        loss = model(clips, labels=labels).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    model.eval().save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path).eval()
    torch.testing.assert_close(again(clips).logits, model(clips).logits, atol=0, rtol=0)


@pytest.mark.parametrize(
    ("setting", "said"),
    [({"downsampling": "pol", "n_mfcc": 3}, "'pol', expected pool or stride"), ({"n_mfcc": 13}, "0 to n_mels, 12")],
)
def test_settings_out_of_range_are_refused(setting, said):
    with pytest.raises(ValueError, match=said):
        build_config("cnn_blstm_attention", n_mels=12, **{"functionals": True} | setting)
