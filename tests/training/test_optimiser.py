"""Groups of parameters and their rates, the L2 penalty against torch's own, the decay by the epoch."""

import copy

import pytest
import torch
import yaml
from torch.nn import functional as F

from ser_hf.base.errors import RecipeError
from ser_hf.flows.train import make_extractor, make_model
from ser_hf.models import build_config, build_model
from ser_hf.training import build_trainer, check_layers, configure, load_recipe
from ser_hf.training.layers import body_blocks, own_parameters
from ser_hf.training.optimiser import parameter_groups

SMALL = {"conv_channels": [4, 4], "conv_pools": [[2, 2], [2, 2]], "lstm_size": 4, "dropout": 0.0, "conv_dropout": 0.0}


def small():
    torch.manual_seed(0)
    return build_model(build_config("cnn_blstm_attention", n_mels=16, num_labels=8, **SMALL))


@pytest.fixture
def recipe(tmp_path):
    def make(*words: str):
        needed = ["--corpora", "ravdess", "--protocol", "random", "--model", "cnn_blstm_attention", "--n_mels", "16"]
        settings = ["--model_settings", *(f"{key}={value}" for key, value in SMALL.items())]
        return load_recipe(
            None, [*needed, *settings, "--output_dir", str(tmp_path / "run"), "--precision", "fp32", *words]
        )

    return make


def trainer_of(recipe, model=None):
    configure(recipe)
    extractor, rows = make_extractor(recipe), ({"training": True},)
    trainer = build_trainer(recipe, model or make_model(recipe, extractor), extractor, rows, rows)
    trainer.create_optimizer()
    return trainer


def rates(model, optimiser) -> dict[str, float]:
    by_parameter = {p: group["lr"] for group in optimiser.param_groups for p in group["params"]}
    return {name: by_parameter[p] for name, p in model.named_parameters()}


def test_rates_fall_by_the_block_from_the_head_down(recipe):
    model = small()
    trainer = trainer_of(recipe("--learning_rate", "0.1", "--layer_decay", "0.5"), model)
    assert type(trainer.optimizer) is torch.optim.AdamW
    found = rates(model, trainer.optimizer)
    assert found["classifier.weight"] == found["classifier.bias"] == 0.1
    for depth, name in enumerate(["dense", "attention.score", "attention.hidden", "lstm", "encoder.blocks.1"], 1):
        values = {rate for key, rate in found.items() if key.startswith(f"{name}.")}
        assert values == {0.1 * 0.5**depth}, name
    lowest = {rate for key, rate in found.items() if key.startswith(("encoder.blocks.0.", "input_norm."))}
    assert lowest == {0.1 * 0.5**6}


def test_the_head_may_have_a_rate_of_its_own(recipe):
    model = small()
    trainer = trainer_of(recipe("--learning_rate", "1e-4", "--head_learning_rate", "1e-2"), model)
    found = rates(model, trainer.optimizer)
    assert {key for key, rate in found.items() if rate == 1e-2} == {"classifier.weight", "classifier.bias"}
    assert set(found.values()) == {1e-2, 1e-4}


def test_every_parameter_is_in_one_group_and_vectors_are_not_decayed():
    model = small()
    groups = parameter_groups(model, 1e-3, decay=0.9, weight_decay=0.1)
    held = [p for group in groups for p in group["params"]]
    assert len(held) == len(set(held)) == len(list(model.parameters()))
    for group in groups:
        assert {p.ndim > 1 for p in group["params"]} == {group["weight_decay"] > 0}


def test_what_does_not_learn_is_in_no_group():
    model = small()
    model.lstm.requires_grad_(False)
    held = {p for group in parameter_groups(model, 1e-3) for p in group["params"]}
    assert held == {p for p in model.parameters() if p.requires_grad}


def stepped(model, optimiser, penalty: float = 0.0, steps: int = 3):
    """The weights after a few steps, the penalty added to the loss by hand."""
    model.train()
    for step in range(steps):
        torch.manual_seed(step)
        loss = model(torch.randn(4, 16, 20), labels=torch.tensor([0, 1, 2, 3])).loss
        squares = sum((p**2).sum() for p in model.parameters() if p.ndim > 1)
        (loss + penalty / 2 * squares).backward()
        optimiser.step()
        optimiser.zero_grad()
    return dict(model.named_parameters())


@pytest.mark.parametrize("optim", ["adamw_torch", "adamw_torch_fused"])
def test_l2_is_the_penalty_of_torchs_adam_and_of_half_the_squares_in_the_loss(recipe, optim):
    model = small()
    by_loss, by_torch = copy.deepcopy(model), copy.deepcopy(model)
    trainer = trainer_of(recipe("--l2", "0.05", "--learning_rate", "1e-2", "--optim", optim), model)
    assert type(trainer.optimizer) is torch.optim.Adam
    found = stepped(model, trainer.optimizer)
    expected = stepped(by_loss, torch.optim.Adam(by_loss.parameters(), lr=1e-2), penalty=0.05)
    matrices = [p for p in by_torch.parameters() if p.ndim > 1]
    vectors = [p for p in by_torch.parameters() if p.ndim <= 1]
    reference = torch.optim.Adam([{"params": matrices, "weight_decay": 0.05}, {"params": vectors}], lr=1e-2)
    torchs = stepped(by_torch, reference)
    for name, value in found.items():
        torch.testing.assert_close(value, torchs[name], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(value, expected[name], rtol=1e-3, atol=1e-4)


def test_l2_of_sgd_is_torchs_too_and_decoupled_decay_is_another_thing(recipe):
    sgd = trainer_of(recipe("--l2", "0.05", "--optim", "sgd"))
    assert type(sgd.optimizer) is torch.optim.SGD
    assert {group["weight_decay"] for group in sgd.optimizer.param_groups} == {0.05, 0}
    results = []
    for words in (["--l2", "0.5"], ["--weight_decay", "0.5", "--layer_decay", "0.9999999"]):
        model = small()
        results.append(stepped(model, trainer_of(recipe(*words, "--learning_rate", "1e-2"), model).optimizer))
    first, second = (result["lstm.weight_hh_l0"] for result in results)
    assert not torch.allclose(first, second, atol=1e-3)


def test_nothing_asked_for_leaves_transformers_its_optimiser(recipe):
    trainer = trainer_of(recipe("--weight_decay", "0.1"))
    assert trainer.optimizer_cls_and_kwargs is None
    assert {group["weight_decay"] for group in trainer.optimizer.param_groups} == {0.1, 0}


def test_a_block_of_every_family_has_one_rate(recipe):
    model = build_model(build_config("timm_cnn", backbone="test_resnet", n_mels=16, num_labels=3))
    by_parameter = {p: g["lr"] for g in parameter_groups(model, 1.0, decay=0.5) for p in g["params"]}
    for depth, block in enumerate(reversed(body_blocks(model)), 1):
        assert {by_parameter[p] for module in block for p in own_parameters(module)} == {0.5**depth}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--freeze_layers", "-1"], r"freeze_layers is -1; expected 0 .off. or more"),
        (["--gradual_unfreezing", "-2"], "gradual_unfreezing is -2"),
        (["--layer_decay", "0"], "layer_decay is 0.0; expected more than 0, up to 1"),
        (["--layer_decay", "1.5"], "layer_decay is 1.5"),
        (["--layer_decay", "nan"], "layer_decay is nan"),
        (["--learning_rate_decay", "0"], "learning_rate_decay is 0.0; expected more than 0, up to 1"),
        (["--head_learning_rate", "0"], "head_learning_rate is 0.0; expected more than 0"),
        (["--l2", "-0.1"], "l2 is -0.1; expected 0"),
        (["--l2", "inf"], "l2 is inf"),
        (["--l2", "0.1", "--weight_decay", "0.1"], "l2 is 0.1 and weight_decay is 0.1: .*; choose one of them"),
        (["--l2", "0.1", "--optim", "adafactor"], "go with optim adamw_torch, .* or adagrad, not with adafactor"),
        (
            ["--learning_rate_decay", "0.9", "--lr_scheduler_type", "reduce_lr_on_plateau"],
            "learning_rate_decay is by the epoch, and lr_scheduler_type reduce_lr_on_plateau by the score",
        ),
    ],
)
def test_values_that_cannot_be_are_refused_before_any_clip_is_read(recipe, words, said):
    with pytest.raises(RecipeError, match=said):
        configure(recipe(*words))


def test_a_misspelt_key_is_refused_with_the_nearest(recipe):
    with pytest.raises(RecipeError, match="unknown key 'freeze_layer'; did you mean 'freeze_layers'"):
        recipe("--freeze_layer", "2")


def test_more_frozen_layers_than_there_are_is_refused(recipe):
    told = recipe("--freeze_layers", "7")
    with pytest.raises(RecipeError, match="freeze_layers is 7, and cnn_blstm_attention has 6 layers with weights"):
        check_layers(told, make_model(told, make_extractor(told)))
    check_layers(recipe("--freeze_layers", "6"), small())


def test_a_run_is_not_resumed_with_other_layers_frozen(recipe, tmp_path, whole_checkpoint):
    whole_checkpoint(tmp_path / "run", 3)
    settings = recipe("--freeze_layers", "2").settings()
    (tmp_path / "run" / "recipe.yaml").write_text(yaml.safe_dump(settings))
    with pytest.raises(RecipeError, match="was begun with freeze_layers: 2, and freeze_layers is now 1"):
        configure(recipe("--resume_from_checkpoint", "last", "--freeze_layers", "1"))


def test_the_loss_falls_with_every_rate(recipe):
    model = small()
    optimiser = trainer_of(recipe("--layer_decay", "0.7", "--learning_rate", "3e-2"), model).optimizer
    torch.manual_seed(0)
    inputs, labels = torch.randn(8, 16, 20), torch.arange(8)
    losses = []
    for _ in range(30):
        loss = F.cross_entropy(model(inputs).logits, labels)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
