"""The CNN-BLSTM with attention: switches and attention weights."""

import pytest
import torch

from ser_hf.models import build_config, build_model

SIZES = {"conv_channels": [4, 6, 8], "conv_pools": [[2, 2], [2, 2], [2, 1]], "lstm_size": 5, "attention_size": 7}


def model(**settings):
    torch.manual_seed(0)
    return build_model(build_config("cnn_blstm_attention", num_labels=4, **{"n_mels": 20, **SIZES, **settings})).eval()


@pytest.mark.parametrize("use_cnn", [True, False])
@pytest.mark.parametrize("use_lstm", [True, False])
@pytest.mark.parametrize("use_attention", [True, False])
def test_every_combination_of_parts_runs(use_cnn: bool, use_lstm: bool, use_attention: bool) -> None:
    net = model(use_cnn=use_cnn, use_lstm=use_lstm, use_attention=use_attention)
    assert net(torch.randn(3, 20, 17)).logits.shape == (3, 4)
    names = " ".join(key for key, _ in net.named_parameters())
    assert ("encoder" in names, "lstm" in names, "attention" in names) == (use_cnn, use_lstm, use_attention)


def test_default_sizes_are_those_of_the_paper_outline() -> None:
    net = build_model(build_config("cnn_blstm_attention", num_labels=8))
    assert [block[0].out_channels for block in net.encoder.blocks] == [32, 64, 128, 256]
    assert (net.lstm.hidden_size, net.lstm.bidirectional) == (128, True)
    assert net.attention.hidden.out_features == 128


def test_one_direction_has_half_the_width() -> None:
    assert model().dense.in_features == 10
    assert model(bidirectional=False).dense.in_features == 5


def test_a_forward_lstm_does_not_look_ahead() -> None:
    net = model(use_cnn=False, bidirectional=False)
    inputs = torch.randn(1, 20, 12)
    changed = inputs.clone()
    changed[:, :, 8:] += 1
    before, after = (net.lstm(x.transpose(1, 2))[0] for x in (inputs, changed))
    torch.testing.assert_close(before[:, :8], after[:, :8])
    assert not torch.allclose(before[:, 8:], after[:, 8:])


def test_attention_weights_sum_to_one_and_are_given_when_asked() -> None:
    net = model()
    inputs = torch.randn(3, 20, 17)
    output = net(inputs, output_attentions=True)
    (weights,) = output.attentions
    assert weights.shape == (3, 5)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3))
    assert net(inputs).attentions is None
    torch.testing.assert_close(net(inputs).logits, output.logits)


def test_pooling_is_the_weighted_mean() -> None:
    pool = model().attention
    sequence = torch.randn(2, 6, 10)
    pooled, weights = pool(sequence, torch.ones(2, 6, dtype=torch.bool))
    torch.testing.assert_close(pooled, (weights[..., None] * sequence).sum(1))


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ({"conv_channels": [4]}, "one .mel, time. pair"),
        ({"conv_pools": [[2, 2, 2]] * 3}, "pair"),
        ({"conv_pools": [[2, 0]] * 3}, "conv_pools holds 0"),
        ({"lstm_size": 0}, "lstm_size"),
        ({"dropout": 1.0}, "dropout"),
    ],
)
def test_bad_settings_are_refused(setting: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        model(**setting)


def test_a_batch_of_one_clip_can_be_trained_on():
    net = model(functionals=True).train()
    loss = net(torch.randn(1, 20, 40), labels=torch.tensor([1])).loss
    loss.backward()
    assert torch.isfinite(loss)
