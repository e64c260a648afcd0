"""The classifier with hidden layers: its layers, and batches of one clip."""

import pytest
import torch
from torch import nn

from ser_hf.models import TimmCnnConfig, TimmCnnForAudioClassification
from ser_hf.models.dense_head import HeadNorm, dense_head

PAPER = {"head_sizes": [128, 64], "head_dropout": 0.6}


def test_without_hidden_layers_it_is_one_linear_layer():
    head = dense_head(512, (), 8, 0.0)
    assert isinstance(head, nn.Linear)
    assert (head.in_features, head.out_features) == (512, 8)
    assert isinstance(TimmCnnForAudioClassification(TimmCnnConfig(backbone="test_resnet")).classifier, nn.Linear)


def test_the_head_of_the_paper():
    head = dense_head(512, [128, 64], 7, 0.6)
    kinds = [nn.Linear, nn.ReLU, HeadNorm, nn.Dropout]
    assert [type(layer) for layer in head] == [*kinds, *kinds, nn.Linear]
    assert [(m.in_features, m.out_features) for m in head if isinstance(m, nn.Linear)] == [
        (512, 128),
        (128, 64),
        (64, 7),
    ]
    assert [m.p for m in head if isinstance(m, nn.Dropout)] == [0.6, 0.6]


def test_its_normalisation_is_torchs_for_two_clips_and_more():
    torch.manual_seed(0)
    ours, theirs = HeadNorm(5), nn.BatchNorm1d(5)
    for training in (True, True, False):
        x = torch.randn(6, 5) * 3 + 1
        torch.testing.assert_close(ours.train(training)(x), theirs.train(training)(x))
    assert all(torch.equal(a, b) for a, b in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True))


def test_the_last_batch_of_an_epoch_may_be_one_clip():
    norm = HeadNorm(5).train()
    norm(torch.randn(8, 5) + 2)
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    one = torch.randn(1, 5)
    found = norm.train()(one)
    assert all(torch.equal(value, before[name]) for name, value in norm.state_dict().items())
    torch.testing.assert_close(found, norm.eval()(one))
    model = TimmCnnForAudioClassification(TimmCnnConfig(backbone="test_resnet", n_mels=32, num_labels=3, **PAPER))
    model.train()(torch.randn(1, 32, 40), labels=torch.tensor([1])).loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in model.classifier.parameters())


def test_the_head_is_saved_and_loaded(tmp_path):
    torch.manual_seed(0)
    model = TimmCnnForAudioClassification(TimmCnnConfig(backbone="test_resnet", n_mels=32, num_labels=3, **PAPER))
    model.train()(torch.randn(8, 32, 40))
    model.eval().save_pretrained(tmp_path)
    loaded = TimmCnnForAudioClassification.from_pretrained(tmp_path)
    assert (loaded.config.head_sizes, loaded.config.head_dropout) == ([128, 64], 0.6)
    inputs = torch.randn(2, 32, 40)
    torch.testing.assert_close(loaded(inputs).logits, model(inputs).logits)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"head_sizes": [128, 0]}, r"head_sizes is \[128, 0\], expected positive whole numbers"),
        ({"head_sizes": [8], "head_dropout": 1.0}, r"head_dropout is 1.0, expected a number in \[0, 1\)"),
        ({"head_dropout": 0.6}, "head_dropout is 0.6, and there are no head_sizes; give them, or set drop_rate"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        TimmCnnConfig(backbone="test_resnet", **settings)
