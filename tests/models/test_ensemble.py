"""Ensembles: what is averaged, what is learned, and what they can be of."""

import pytest
import torch
from torch.nn import functional as F

from ser_hf.models import MODELS, build_config, build_model
from ser_hf.models.ensemble import MEMBERS

SMALL = {"conv_channels": [4, 4], "conv_pools": [[4, 2], [2, 2]], "lstm_size": 4, "conv_dropout": 0.0, "dropout": 0.0}


def ensemble(**settings):
    torch.manual_seed(0)
    return build_model(build_config("ensemble", **{"n_mels": 16, "num_labels": 3, "settings": SMALL, **settings}))


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(5, 16, 20, generator=generator), torch.arange(5) % 3


def test_the_probabilities_are_those_of_the_members_averaged():
    model, (inputs, labels) = ensemble(members=3).eval(), batch()
    shares = torch.stack([member(inputs).logits.softmax(-1) for member in model.members])
    output = model(inputs, labels=labels)
    torch.testing.assert_close(output.logits.exp(), shares.mean(0))
    torch.testing.assert_close(output.loss, F.nll_loss(shares.mean(0).log(), labels))


def test_every_member_starts_and_learns_on_its_own():
    model, (inputs, labels) = ensemble(members=3).train(), batch()
    first, second, _ = (member.classifier.weight for member in model.members)
    assert not torch.equal(first, second)
    model.loss_function = F.cross_entropy
    expected = torch.stack([F.cross_entropy(member(inputs).logits, labels) for member in model.members]).mean()
    torch.testing.assert_close(model(inputs, labels=labels).loss, expected)
    model(inputs, labels=labels).loss.backward()
    together = first.grad.clone()
    model.zero_grad()
    F.cross_entropy(model.members[0](inputs).logits, labels).backward()
    torch.testing.assert_close(together, first.grad / 3)


def test_the_loss_of_the_recipe_is_that_of_every_member():
    model, (inputs, labels) = ensemble(members=2).train(), batch()
    model.loss_function = lambda logits, labels: F.cross_entropy(logits, labels, label_smoothing=0.3)
    found = [F.cross_entropy(m(inputs).logits, labels, label_smoothing=0.3) for m in model.members]
    torch.testing.assert_close(model(inputs, labels=labels).loss, torch.stack(found).mean())


def test_one_member_is_that_network():
    model, (inputs, _) = ensemble(members=1).eval(), batch()
    torch.testing.assert_close(model(inputs).logits.softmax(-1), model.members[0](inputs).logits.softmax(-1))


def test_attention_is_averaged_and_there_is_none_of_members_without():
    model, (inputs, _) = ensemble(members=2).eval(), batch()
    (weights,) = model(inputs, output_attentions=True).attentions
    both = [member(inputs, output_attentions=True).attentions[0] for member in model.members]
    torch.testing.assert_close(weights, (both[0] + both[1]) / 2)
    without = ensemble(settings=SMALL | {"use_attention": False}).eval()
    assert without(inputs, output_attentions=True).attentions is None
    of_images = ensemble(of="timm_cnn", settings={"backbone": "test_resnet"}).eval()
    assert of_images(inputs, output_attentions=True).attentions is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"of": "svm"}, "model setting of is 'svm', expected one of cnn_blstm_attention, timm_cnn"),
        ({"members": 0}, "model setting members is 0, expected a positive whole number"),
        ({"settings": {"lstm_sise": 4}}, "settings holds 'lstm_sise', which cnn_blstm_attention does not have; known"),
        ({"settings": {"n_mels": 4}}, "settings holds 'n_mels'"),
        ({"settings": {"dropout": 2}}, "model setting dropout is 2"),
    ],
)
def test_what_cannot_be_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        build_config("ensemble", n_mels=16, num_labels=3, **settings)


def test_an_ensemble_can_be_of_every_other_model():
    assert {*MEMBERS, "ensemble"} == set(MODELS)
