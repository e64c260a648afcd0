"""Frozen layers stay as they are, statistics included, and unfreezing goes by the epoch, resumed or not."""

import copy

import datasets
import numpy as np
import pytest
import torch
from transformers import TrainerCallback

from ser_hf.features import FeatureRows
from ser_hf.flows.train import make_extractor, make_model
from ser_hf.training import build_trainer, configure, load_recipe
from ser_hf.training.freezing import Freezing
from ser_hf.training.layers import body_blocks, body_layers, own_parameters

NETWORKS = {
    "cnn_blstm_attention": ["conv_channels=[4,4]", "conv_pools=[[2,2],[2,2]]", "lstm_size=4", "dense_size=4"],
    "timm_cnn": ["backbone=test_resnet"],
}
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def rows() -> FeatureRows:
    features = np.random.default_rng(0).normal(1, 2, size=(16, 32, 12)).astype(np.float32)
    data = datasets.Dataset.from_dict({"input_features": list(features), "label": [i % 8 for i in range(16)]})
    typed = data.features | {"input_features": datasets.Array2D((32, 12), "float32")}
    return FeatureRows(data.cast(datasets.Features(typed)), training=True)


@pytest.fixture
def trainer(tmp_path):
    def make(*words: str, model: str = "cnn_blstm_attention", folder: str = "run"):
        needed = ["--corpora", "ravdess", "--protocol", "random", "--model", model, "--n_mels", "32"]
        needed += ["--model_settings", *NETWORKS[model], "--output_dir", str(tmp_path / folder)]
        needed += ["--precision", "fp32", "--report_to", "none", "--disable_tqdm", "true", "--eval_strategy", "no"]
        needed += ["--load_best_model_at_end", "false", "--per_device_train_batch_size", "8", "--warmup_steps", "0"]
        needed += ["--lr_scheduler_type", "constant", "--learning_rate", "1e-2", "--save_total_limit", "9"]
        told = load_recipe(None, [*needed, *words])
        configure(told)
        torch.manual_seed(0)
        extractor = make_extractor(told)
        return build_trainer(told, make_model(told, extractor), extractor, rows(), rows())

    return make


def changed(model, before) -> set[str]:
    return {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}


@pytest.mark.parametrize("extra", [[], ["--l2", "0.1"], ["--weight_decay", "0.5"]])
@pytest.mark.parametrize(("family", "frozen"), [("cnn_blstm_attention", 2), ("timm_cnn", 3)])
def test_frozen_parameters_and_statistics_are_equal_after_training(trainer, family, frozen, extra):
    run = trainer("--freeze_layers", str(frozen), "--num_train_epochs", "2", *extra, model=family)
    model, before = run.model, copy.deepcopy(run.model.state_dict())
    names = {module: name for name, module in model.named_modules()}
    held = {f"{names[m]}." for layer in body_layers(model)[:frozen] for m in layer if names[m] != "input_norm"}
    run.train()
    moved = changed(model, before)
    still = {key for key in before if key.startswith(tuple(held))}
    assert any(key.endswith("running_mean") for key in still)
    assert moved & still == set()
    assert {f"input_norm.{name}" for name in STATISTICS} <= moved, "the norm of the input is new and measures"
    assert "input_norm.weight" not in moved
    free = {name for name, p in model.named_parameters() if p.requires_grad}
    assert free <= moved
    assert not any(group for group in run.optimizer.param_groups for p in group["params"] if not p.requires_grad)


class Watch(TrainerCallback):
    """Notes which blocks moved in every epoch, the head last."""

    def __init__(self, model) -> None:
        self.model, self.moved = model, []
        blocks = [[p for module in block for p in own_parameters(module)] for block in body_blocks(model)]
        body = {p for block in blocks for p in block}
        self.parts = [*blocks, [p for p in model.parameters() if p not in body]]

    def values(self) -> list[list[torch.Tensor]]:
        return [[p.detach().clone() for p in part] for part in self.parts]

    def on_epoch_begin(self, args, state, control, **kwargs) -> None:
        self.before = self.values()

    def on_epoch_end(self, args, state, control, **kwargs) -> None:
        pairs = zip(self.before, self.values(), strict=True)
        self.moved.append([any(not torch.equal(a, b) for a, b in zip(*pair, strict=True)) for pair in pairs])


def watched(run, **how) -> list[int]:
    """The number of blocks that moved in every epoch, which are always the upper ones and the head."""
    watch = Watch(run.model)
    run.add_callback(watch)
    run.train(**how)
    assert all(moved == sorted(moved) and moved[-1] for moved in watch.moved)
    return [sum(moved) - 1 for moved in watch.moved]


UNFREEZE = ["--gradual_unfreezing", "2", "--num_train_epochs", "6", "--layer_decay", "0.8"]


def test_one_block_more_learns_every_so_many_epochs_and_a_resumed_run_goes_on(trainer, tmp_path):
    whole = trainer(*UNFREEZE)
    assert watched(whole) == [0, 0, 1, 1, 2, 2]
    assert all(p.requires_grad for p in whole.model.parameters()), "the model is left as it was"
    start = tmp_path / "run" / "checkpoints" / "checkpoint-6"
    resumed = trainer(*UNFREEZE, folder="other")
    assert watched(resumed, resume_from_checkpoint=str(start)) == [1, 2, 2]
    for name, value in whole.model.state_dict().items():
        torch.testing.assert_close(resumed.model.state_dict()[name], value, msg=name)


def test_blocks_that_wait_keep_their_statistics(trainer):
    run = trainer("--gradual_unfreezing", "1", "--num_train_epochs", "1")
    before = copy.deepcopy(run.model.state_dict())
    run.train()
    assert {key for key in changed(run.model, before) if "running" in key} == {
        "input_norm.running_mean",
        "input_norm.running_var",
    }


def test_frozen_for_good_stays_frozen_when_the_rest_is_unfrozen(trainer):
    run = trainer("--gradual_unfreezing", "1", "--num_train_epochs", "7", "--freeze_layers", "2")
    model = run.model
    assert watched(run) == [0, 1, 2, 3, 4, 4, 4]
    frozen = [p for layer in body_layers(model)[:2] for module in layer for p in own_parameters(module)]
    assert not any(p.requires_grad for p in frozen)


def test_the_schedule():
    model = torch.nn.Module()
    model.body, model.classifier = (
        torch.nn.Sequential(*(torch.nn.Linear(2, 2) for _ in range(3))),
        torch.nn.Linear(2, 2),
    )
    assert [Freezing(model, every=2).frozen_blocks(epoch) for epoch in range(8)] == [3, 3, 2, 2, 1, 1, 0, 0]
    assert Freezing(model).frozen_blocks(0) == 0


def rate_of_steps(run, **how) -> list[float]:
    seen = []

    class Rates(TrainerCallback):
        def on_pre_optimizer_step(self, args, state, control, optimizer=None, **kwargs) -> None:
            seen.append(optimizer.param_groups[0]["lr"])

    run.add_callback(Rates())
    run.train(**how)
    return seen


def test_the_rate_falls_by_the_epoch_and_a_resumed_run_goes_on(trainer, tmp_path):
    words = ["--learning_rate_decay", "0.9", "--num_train_epochs", "4"]
    expected = [0.01 * 0.9**epoch for epoch in (0, 0, 1, 1, 2, 2, 3, 3)]
    assert rate_of_steps(trainer(*words)) == pytest.approx(expected)
    start = tmp_path / "run" / "checkpoints" / "checkpoint-4"
    assert rate_of_steps(trainer(*words, folder="o"), resume_from_checkpoint=str(start)) == pytest.approx(expected[4:])


def test_the_decay_multiplies_another_schedule(trainer):
    linear = ["--lr_scheduler_type", "linear", "--num_train_epochs", "2"]
    plain, both = (
        rate_of_steps(trainer(*linear)),
        rate_of_steps(trainer(*linear, "--learning_rate_decay", "0.5", folder="o")),
    )
    assert both == pytest.approx([rate * 0.5**epoch for rate, epoch in zip(plain, (0, 0, 1, 1), strict=True)])
