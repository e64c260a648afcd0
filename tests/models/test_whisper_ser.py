"""Whisper's encoder over true lengths against transformers' own, and the classifier on it."""

import copy
import math

import pytest
import torch
from torch import nn
from transformers import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from ser_hf.models import WhisperSerConfig, WhisperSerForAudioClassification, encode
from ser_hf.models.whisper_ser import _spans

SMALL = {
    "d_model": 16,
    "encoder_layers": 2,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 24,
    "num_mel_bins": 8,
    "max_source_positions": 30,
    "classifier_proj_size": 12,
    "pad_token_id": 0,
    "vocab_size": 20,
}
LENGTHS = [60, 1, 2, 7, 24, 41]


def classifier(**settings) -> WhisperSerForAudioClassification:
    torch.manual_seed(0)
    model = WhisperSerForAudioClassification(WhisperSerConfig(**SMALL, num_labels=3, **settings))
    with torch.no_grad():  # larger than at the start of a training, so that all of it has a say
        for parameter in model.encoder.layers.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model.eval()


@pytest.fixture(scope="module")
def encoder() -> WhisperEncoder:
    return classifier().encoder


def clips(*lengths: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(length, 8, generator=generator) for length in lengths]


def padded(rows: list[torch.Tensor], junk: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    features = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=junk)
    mask = nn.utils.rnn.pad_sequence([torch.ones(len(row), dtype=torch.int64) for row in rows], batch_first=True)
    return features, mask


def stock(encoder: WhisperEncoder, frames: int) -> WhisperEncoder:
    """transformers' encoder of as many positions as a clip has, with the first rows of the table."""
    own = WhisperEncoder(WhisperConfig(**SMALL)).eval()
    own.load_state_dict(encoder.state_dict())
    own.embed_positions = nn.Embedding.from_pretrained(encoder.embed_positions.weight[: math.ceil(frames / 2)])
    own.config = copy.copy(own.config)
    object.__setattr__(own.config, "max_source_positions", frames / 2)  # it asks for twice as many frames, odd or not
    return own


def last(encoder: WhisperEncoder, states: list[torch.Tensor]) -> torch.Tensor:
    return encoder.layer_norm(states[-1])


@torch.no_grad()
@pytest.mark.parametrize("junk", [0.0, 1e3])
def test_each_clip_of_a_batch_has_what_the_stock_encoder_makes_of_it_alone(encoder, junk):
    rows = clips(*LENGTHS)
    states, heard = encode(encoder, *padded(rows, junk))
    assert heard.sum(dim=1).tolist() == [math.ceil(n / 2) for n in LENGTHS]
    found = last(encoder, states)
    for i, row in enumerate(rows):
        expected = stock(encoder, len(row))(row.T[None]).last_hidden_state[0]
        torch.testing.assert_close(found[i, : len(expected)], expected, rtol=0, atol=1e-5)
        alone, everything = encode(encoder, row[None])
        assert everything is None
        torch.testing.assert_close(last(encoder, alone)[0], expected, rtol=0, atol=1e-5)


@torch.no_grad()
def test_the_longest_input_is_that_of_the_unchanged_stock_encoder(encoder):
    (row,) = clips(60)
    own = WhisperEncoder(WhisperConfig(**SMALL)).eval()
    own.load_state_dict(encoder.state_dict())
    expected = own(row.T[None]).last_hidden_state
    for mask in (None, torch.ones(1, 60, dtype=torch.int64)):
        torch.testing.assert_close(last(encoder, encode(encoder, row[None], mask)[0]), expected, rtol=0, atol=1e-6)


def test_every_layer_is_given_before_the_norm_of_the_last(encoder):
    (row,) = clips(24)
    states, _ = encode(encoder, row[None])
    seen: list[torch.Tensor] = []
    own = stock(encoder, 24)
    hooks = [layer.register_forward_hook(lambda _, __, out: seen.append(out)) for layer in own.layers]
    own(row.T[None])
    assert len(states) == 1 + len(hooks)
    torch.testing.assert_close(states[1:], seen, rtol=0, atol=1e-5)


def test_gradients_are_those_of_the_clips_one_by_one():
    encoder, rows = classifier().encoder, clips(7, 60, 24)
    weights = [torch.randn(math.ceil(len(row) / 2), 16, generator=torch.Generator().manual_seed(2)) for row in rows]

    def gradients(network, loss):
        network.zero_grad()
        loss.backward()
        return {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}

    states, _ = encode(encoder, *padded(rows, junk=5.0))
    together = last(encoder, states)
    found = gradients(encoder, sum((together[i, : len(w)] * w).sum() for i, w in enumerate(weights)))
    expected: dict[str, torch.Tensor] = {}
    for row, weight in zip(rows, weights, strict=True):
        own = stock(encoder, len(row))
        for name, one in gradients(own, (own(row.T[None]).last_hidden_state[0] * weight).sum()).items():
            expected[name] = expected.get(name, 0) + one
    assert found.keys() == expected.keys()
    for name, one in expected.items():
        torch.testing.assert_close(found[name], one, rtol=1e-4, atol=1e-4, msg=name)


@torch.no_grad()
@pytest.mark.parametrize("weighted", [False, True], ids=["last", "weighted"])
@pytest.mark.parametrize("pooling", ["mean", "mean_std", "attention"])
def test_logits_do_not_depend_on_neighbours_or_on_what_pads(pooling, weighted):
    model, rows = classifier(pooling=pooling, use_weighted_layer_sum=weighted), clips(*LENGTHS)
    together = model(*padded(rows, junk=-9.0)).logits
    some = model(*padded(rows[1:4])).logits
    alone = torch.cat([model(row[None]).logits for row in rows])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)
    torch.testing.assert_close(some, alone[1:4], rtol=0, atol=1e-5)
    assert alone.std(dim=0).min() > 1e-4, "the clips sound alike"


@torch.no_grad()
def test_an_even_sum_of_layers_is_the_mean_of_normed_layers():
    model, (row,) = classifier(pooling="mean", use_weighted_layer_sum=True), clips(24)
    states, _ = encode(model.encoder, row[None])
    normed = torch.stack([nn.functional.layer_norm(state, (16,)) for state in states]).mean(dim=0)
    expected = model.classifier(nn.functional.gelu(model.projector(normed.mean(dim=1))))
    torch.testing.assert_close(model(row[None]).logits, expected)


@torch.no_grad()
def test_bf16_is_close():
    model, rows = classifier(use_weighted_layer_sum=True), clips(*LENGTHS)
    exact = model(*padded(rows)).logits
    with torch.autocast("cpu", torch.bfloat16):
        rough = model(*padded(rows)).logits.float()
    assert rough.isfinite().all()
    torch.testing.assert_close(rough, exact, rtol=0.1, atol=0.05)


def test_bf16_learns():
    model = classifier(apply_spec_augment=True).train()
    features, mask = padded(clips(24, 60, 7))
    with torch.autocast("cpu", torch.bfloat16):
        loss = model(features, mask, labels=torch.tensor([0, 1, 2])).loss
    loss.backward()
    trained = [p for p in model.parameters() if p.requires_grad]
    assert all(p.grad is not None and p.grad.isfinite().all() for p in trained)


def test_the_loss_takes_ids_and_shares():
    model, (features, mask) = classifier(), padded(clips(24, 7))
    ids = torch.tensor([2, 0])
    by_id = model(features, mask, labels=ids).loss
    torch.testing.assert_close(model(features, mask, labels=nn.functional.one_hot(ids, 3).float()).loss, by_id)
    assert model(features, mask).loss is None


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((1, 61, 8), "expected 60 frames or fewer, found 61; cut the clip"),
        ((1, 8, 60), r"expected input_features of shape \(batch, n_frames, 8\), found \(1, 8, 60\); does the feature"),
        ((60, 8), r"found \(60, 8\)"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(shape, said):
    with pytest.raises(ValueError, match=said) as caught:
        classifier()(torch.zeros(shape))
    assert "\n" not in str(caught.value)


def test_an_unknown_pooling_is_refused():
    with pytest.raises(ValueError, match="pooling is 'max', expected one of mean, mean_std, attention"):
        WhisperSerConfig(pooling="max")


def hidden_share(model: WhisperSerForAudioClassification, features, mask, axis: int) -> list[float]:
    """Shares of frames (or, by ``axis`` 0, of bands) at the clip's mean, over the clip's own frames."""
    masked, shares = model._masked(features, mask), []
    for i, length in enumerate(mask.sum(dim=1).tolist()):
        clip, mean = masked[i, :length], features[i, :length].mean()
        shares.append(torch.isclose(clip, mean, atol=1e-4).all(dim=axis).float().mean().item())
    return shares


def test_masks_fall_on_about_their_share_of_frames_in_training_alone():
    model = classifier(apply_spec_augment=True, mask_time_prob=0.2, mask_time_length=2, mask_feature_prob=0.0)
    features, mask = padded(clips(60, 30), junk=7.0)
    assert torch.equal(model._masked(features, mask), features), "in eval mode"
    model.train()
    torch.manual_seed(0)
    shares = torch.tensor([hidden_share(model, features, mask, axis=1) for _ in range(200)]).mean(dim=0)
    torch.testing.assert_close(shares, torch.full((2,), 0.18), rtol=0, atol=0.03)  # some spans overlap
    masked = model._masked(features, mask)
    assert not torch.equal(masked, features)
    assert torch.equal(masked[1, 30:], features[1, 30:]), "a mask lies on padding"
    model.config.apply_spec_augment = False
    assert torch.equal(model._masked(features, mask), features)


def test_masks_fall_on_bands():
    model = classifier(apply_spec_augment=True, mask_time_prob=0.0, mask_feature_prob=0.25, mask_feature_length=2)
    features, mask = padded(clips(60, 30))
    shares = [hidden_share(model.train(), features, mask, axis=0) for _ in range(100)]
    torch.testing.assert_close(torch.tensor(shares).mean(), torch.tensor(0.25), rtol=0, atol=0.03)


def test_scores_in_eval_mode_do_not_change_and_in_training_they_do():
    model = classifier(apply_spec_augment=True, mask_time_prob=0.3, classifier_dropout=0.0)
    given = padded(clips(60, 30))
    assert torch.equal(model(*given).logits, model(*given).logits)
    model.train()
    assert not torch.equal(model(*given).logits, model(*given).logits)


def test_spans_lie_within_the_length():
    assert _spans(0, 0.5, 10) == _spans(20, 0.0, 10) == []
    for length in (1, 3, 10, 100):
        for start, end in (span for _ in range(50) for span in _spans(length, 0.5, 10)):
            assert 0 <= start < end <= length
            assert end - start == min(10, length)


def test_layers_are_dropped_in_training_alone():
    model, (row,) = classifier(encoder_layerdrop=1.0), clips(24)
    states, _ = encode(model.encoder, row[None])
    assert not torch.equal(states[0], states[-1])
    states, _ = encode(model.encoder.train(), row[None])
    assert len(states) == 3
    assert torch.equal(states[0], states[-1])


def test_a_weighted_sum_that_a_checkpoint_lacks_starts_even(tmp_path):
    classifier().save_pretrained(tmp_path)
    loaded = WhisperSerForAudioClassification.from_pretrained(tmp_path, use_weighted_layer_sum=True)
    torch.testing.assert_close(loaded.layer_weights.data, torch.full((3,), 1 / 3))


def test_positions_are_whispers_sinusoids_and_never_learn():
    from transformers.models.whisper.modeling_whisper import sinusoids

    model = classifier()
    torch.testing.assert_close(model.encoder.embed_positions.weight, sinusoids(30, 16))
    assert not model.encoder.embed_positions.weight.requires_grad
