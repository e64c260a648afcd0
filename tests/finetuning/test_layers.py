"""Layers of the stock families: what is frozen, what learns at which rate, and what is the head."""

from pathlib import Path

import pytest

from ser_hf.finetuning import FAMILIES, TransformerSettings, load_transformer
from ser_hf.training.freezing import Freezing
from ser_hf.training.layers import body_blocks, body_layers, own_parameters
from ser_hf.training.optimiser import parameter_groups

CLASSES = {0: "angry", 1: "happy", 2: "sad"}


@pytest.fixture(scope="module")
def published(save_transformer, tmp_path_factory) -> dict[str, Path]:
    return {name: save_transformer(name, tmp_path_factory.mktemp("published") / name) for name in FAMILIES}


@pytest.fixture(params=sorted(FAMILIES))
def name(request) -> str:
    return request.param


def load(published, name: str, **settings):
    return load_transformer(TransformerSettings.of({"pretrained": str(published[name]), **settings}), CLASSES)


def names(model, parameters) -> set[str]:
    named = {parameter: name for name, parameter in model.named_parameters()}
    return {named[parameter] for parameter in parameters}


@pytest.mark.parametrize("settings", [{}, {"lora_rank": 2}], ids=["whole", "lora"])
def test_the_head_is_what_is_new_and_the_encoder_is_all_else(published, name, settings):
    model = load(published, name, **settings)
    for found in (body_layers(model), body_blocks(model)):
        held = [p for layer in found for module in layer for p in own_parameters(module)]
        assert len(held) == len(set(held))
        encoder = {key for key, _ in model.named_parameters() if key.startswith(f"{FAMILIES[name].encoder}.")}
        assert names(model, held) == encoder


def test_every_transformer_layer_is_a_block_and_the_rate_falls_from_the_head_down(published, name):
    model = load(published, name)
    blocks = [names(model, [p for module in b for p in own_parameters(module)]) for b in body_blocks(model)]
    last, before = blocks[-1], blocks[-2]
    assert all(".1." in key or "norm" in key for key in last), last
    assert any(".0." in key for key in before), before
    rates = {}
    for group in parameter_groups(model, 1.0, decay=0.5, head_rate=3.0):
        rates |= dict.fromkeys(names(model, group["params"]), group["lr"])
    assert {rates[key] for key in last} == {0.5}
    assert {rates[key] for key in before} == {0.25}
    assert {rate for key, rate in rates.items() if key.startswith(("classifier", "projector"))} == {3.0}
    assert set(rates) == {key for key, p in model.named_parameters() if p.requires_grad}


def test_the_first_layers_are_frozen_and_what_never_learns_stays_so(published, name):
    model = load(published, name)
    fixed = {key for key, p in model.named_parameters() if not p.requires_grad}
    first = names(model, [p for module in body_layers(model)[0] for p in own_parameters(module)])
    Freezing(model, frozen=1)
    assert {key for key, p in model.named_parameters() if not p.requires_grad} == first | fixed


def test_a_number_per_head_is_no_layer(published):
    of_wavlm, of_wav2vec2 = (body_layers(load(published, name)) for name in ("wavlm", "wav2vec2"))
    model = load(published, "wavlm")
    of_gates = ("gru_rel_pos_linear.weight", "rel_attn_embed.weight")
    gates = [key for key, _ in model.named_parameters() if key.endswith(of_gates)]
    assert len(of_wavlm) == len(of_wav2vec2) + len(gates)


def test_one_block_more_learns_with_every_epoch(published, name):
    model = load(published, name)
    learning = {key for key, p in model.named_parameters() if p.requires_grad}
    freezing = Freezing(model, every=1)
    counts = []
    for epoch in range(len(freezing.blocks) + 1):
        freezing._hold({m for block in freezing.blocks[: freezing.frozen_blocks(epoch)] for m in block})
        counts.append(sum(p.requires_grad for p in model.parameters()))
    assert counts == sorted(counts)
    assert counts[0] < counts[1] < counts[-1] == len(learning)
