"""Layers and blocks are found by the order of a model's modules, whatever its family."""

import pytest
import timm
import torch
from torch import nn
from transformers import Wav2Vec2Config, Wav2Vec2ForSequenceClassification

from ser_hf.models import build_config, build_model
from ser_hf.training.layers import body_blocks, body_layers, has_matrix, own_parameters


def model_of(name: str, **settings) -> nn.Module:
    return build_model(build_config(name, num_labels=3, n_mels=32, **settings))


def names(model: nn.Module, layers) -> list[list[str]]:
    found = {module: name for name, module in model.named_modules()}
    return [[found[module] for module in layer] for layer in layers]


def test_vgg_has_a_layer_for_every_convolution_in_the_order_of_the_forward():
    with torch.device("meta"):
        model = model_of("timm_cnn", backbone="vgg19", hidden_head=False, head_sizes=[8])
    layers = body_layers(model)
    assert names(model, layers)[0] == ["input_norm", "backbone.features.0"]
    weights = [[m for m in layer if has_matrix(m)] for layer in layers]
    assert [w for (w,) in weights] == [m for m in model.backbone.features if isinstance(m, nn.Conv2d)]
    assert len(layers) == len(body_blocks(model)) == 16


def test_normalisation_goes_with_the_layer_before_it():
    with torch.device("meta"):
        model = model_of("timm_cnn", backbone="vgg11_bn", hidden_head=False)
    assert names(model, body_layers(model))[:2] == [
        ["input_norm", "backbone.features.0", "backbone.features.1"],
        ["backbone.features.4", "backbone.features.5"],
    ]
    assert len(body_blocks(model)) == 8


def test_a_residual_network_has_a_block_for_every_residual_block():
    with torch.device("meta"):
        model = model_of("timm_cnn", backbone="resnet34")
    blocks = names(model, body_blocks(model))
    assert blocks[0] == ["input_norm", "backbone.conv1", "backbone.bn1"]
    assert len(blocks) == 1 + 3 + 4 + 6 + 3
    assert all(name.startswith("backbone.layer2.0.") for name in blocks[4])
    assert len(body_layers(model)) == 33 + 3, "33 convolutions of 3 x 3 and the stem, and 3 of 1 x 1 in the shortcuts"


def test_the_own_family_has_blocks_lstm_attention_and_dense_layer():
    model = model_of("cnn_blstm_attention", conv_channels=[4, 8], conv_pools=[[2, 2], [2, 1]], lstm_size=8)
    heads = [block[0] for block in names(model, body_layers(model))]
    assert heads == ["input_norm", "encoder.blocks.1.0", "lstm", "attention.hidden", "attention.score", "dense"]


def test_a_speech_transformer_has_convolutions_projection_and_blocks():
    config = Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=16, conv_dim=(8, 8),
        conv_stride=(5, 2), conv_kernel=(10, 3), num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2,
        classifier_proj_size=8,
    )  # fmt: skip
    model = Wav2Vec2ForSequenceClassification(config)
    blocks = body_blocks(model)
    named = {module: name.removeprefix("wav2vec2.") for name, module in model.named_modules()}
    assert [next(named[module] for module in block if has_matrix(module)) for block in blocks] == [
        "feature_extractor.conv_layers.0.conv",
        "feature_extractor.conv_layers.1.conv",
        "feature_projection.projection",
        "encoder.pos_conv_embed.conv",
        *(f"encoder.layers.{i}.attention.k_proj" for i in range(3)),
    ]
    held = {p for block in blocks for module in block for p in own_parameters(module)}
    assert {name.split(".")[0] for name, p in model.named_parameters() if p not in held} == {"projector", "classifier"}


@pytest.mark.parametrize("backbone", ["test_resnet", "test_vit", "test_convnext", "test_efficientnet", "densenet121"])
def test_every_parameter_is_in_one_layer_and_one_block_or_in_the_head(backbone):
    kwargs = {"img_size": [32, 32]} if backbone == "test_vit" else None
    with torch.device("meta"):
        model = model_of("timm_cnn", backbone=backbone, backbone_kwargs=kwargs, head_sizes=[8])
    for found in (body_layers(model), body_blocks(model)):
        held = [p for layer in found for module in layer for p in own_parameters(module)]
        assert len(held) == len(set(held))
        assert set(held) | set(model.classifier.parameters()) == set(model.parameters())
    assert all(sum(map(has_matrix, layer)) == 1 for layer in body_layers(model))


def test_a_network_without_a_named_head_ends_with_it():
    model = timm.create_model("test_resnet", num_classes=3)
    assert model.fc not in {module for layer in body_layers(model) for module in layer}
