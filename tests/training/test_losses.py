"""Focal loss against its formula, through the models and the trainer; votes as soft labels."""

import datasets
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ser_hf.base.errors import RecipeError
from ser_hf.features import FeatureRows
from ser_hf.flows.train import make_extractor, make_model
from ser_hf.models import build_config, build_model
from ser_hf.training import build_trainer, configure, load_recipe
from ser_hf.training.losses import focal_loss, set_loss
from ser_hf.training.votes import count_votes

LOGITS = torch.randn(7, 4, generator=torch.Generator().manual_seed(1)) * 3
IDS = torch.tensor([0, 1, 2, 3, 0, 0, 2])
SOFT = torch.rand(7, 4, generator=torch.Generator().manual_seed(2)).softmax(dim=-1)
SMALL = ["conv_channels=[4,4]", "conv_pools=[[2,2],[2,2]]", "lstm_size=4", "dropout=0", "conv_dropout=0"]


@pytest.fixture
def recipe(tmp_path):
    def make(*words: str):
        needed = ["--corpora", "ravdess", "--protocol", "random", "--model", "cnn_blstm_attention", "--n_mels", "8"]
        needed += ["--model_settings", *SMALL, "--output_dir", str(tmp_path / "run"), "--precision", "fp32"]
        quiet = ["--eval_strategy", "no", "--save_strategy", "no", "--load_best_model_at_end", "false"]
        return load_recipe(None, [*needed, *quiet, "--report_to", "none", "--disable_tqdm", "true", *words])

    return make


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
def test_focal_loss_is_the_formula_of_lin(gamma):
    logits = LOGITS.double().numpy()
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    p_t = p[np.arange(7), IDS.numpy()]
    expected = np.mean(-((1 - p_t) ** gamma) * np.log(p_t))
    assert focal_loss(LOGITS, IDS, gamma).item() == pytest.approx(expected, rel=1e-5)
    assert focal_loss(LOGITS, F.one_hot(IDS, 4).float(), gamma).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("labels", [IDS, SOFT, SOFT * 1.7])
def test_without_gamma_it_is_cross_entropy(labels):
    torch.testing.assert_close(focal_loss(LOGITS, labels, 0.0), F.cross_entropy(LOGITS, labels))


def test_the_loss_of_a_mixed_clip_is_the_mixture():
    one, other = F.one_hot(IDS, 4).float(), F.one_hot(IDS.flip(0), 4).float()
    mixed = focal_loss(LOGITS, 0.3 * one + 0.7 * other, 2.0)
    torch.testing.assert_close(mixed, 0.3 * focal_loss(LOGITS, one, 2.0) + 0.7 * focal_loss(LOGITS, other, 2.0))


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_the_slope_is_right_and_finite_where_the_model_is_sure(gamma):
    logits = LOGITS.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: focal_loss(x, SOFT.double(), gamma), logits)
    sure = torch.tensor([[90.0, 0.0], [0.0, 90.0]], requires_grad=True)
    focal_loss(sure, torch.tensor([0, 0]), gamma).backward()
    assert torch.isfinite(sure.grad).all()


def model_of(loss: str, recipe):
    torch.manual_seed(0)
    model = build_model(build_config("timm_cnn", backbone="test_resnet", n_mels=32, num_labels=4))
    set_loss(model, recipe("--loss", loss).loss)
    return model


def test_a_model_trains_on_it_and_is_validated_by_cross_entropy(recipe):
    model, inputs = model_of("focal", recipe), torch.randn(7, 32, 40)
    output = model.train()(inputs, labels=SOFT)
    torch.testing.assert_close(output.loss, focal_loss(output.logits, SOFT, 2.0))
    output = model.eval()(inputs, labels=IDS)
    torch.testing.assert_close(output.loss, F.cross_entropy(output.logits, IDS))


def rows(count: int = 32, **columns) -> FeatureRows:
    features = np.random.default_rng(0).normal(size=(count, 8, 12)).astype(np.float32)
    labels = [i % 8 for i in range(count)]
    data = datasets.Dataset.from_dict({"input_features": list(features), "label": labels, **columns})
    typed = data.features | {"input_features": datasets.Array2D((8, 12), "float32")}
    return FeatureRows(data.cast(datasets.Features(typed)), training=True, votes=True)


def after_a_step(recipe, batch: int, accumulated: int) -> dict[str, torch.Tensor]:
    words = ["--loss", "focal", "--focal_gamma", "1.5", "--max_steps", "1", "--optim", "sgd", "--max_grad_norm", "0"]
    words += ["--train_sampling_strategy", "sequential", "--learning_rate", "0.5", "--warmup_steps", "0"]
    words += [f"--per_device_train_batch_size={batch}", f"--gradient_accumulation_steps={accumulated}"]
    told = recipe(*words)
    configure(told)
    torch.manual_seed(0)
    extractor = make_extractor(told)
    model = make_model(told, extractor)
    for module in model.modules():  # statistics of a batch differ from those of its parts
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.track_running_stats, module.forward = False, lambda x: x
    trainer = build_trainer(told, model, extractor, rows(), rows())
    trainer.train()
    return {name: value.detach() for name, value in model.named_parameters()}


def test_accumulated_batches_take_the_step_of_one_large_batch(recipe):
    whole, parts = after_a_step(recipe, 8, 1), after_a_step(recipe, 2, 4)
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, rtol=1e-4, atol=1e-6)


VOTES = [[0.0, 0.5, 0.5, 0, 0, 0, 0, 0], None] * 16


def test_votes_travel_with_the_rows_for_training_and_are_counted(recipe, caplog):
    told = recipe("--soft_labels", "votes")
    configure(told)
    with_votes = rows(label_distribution=VOTES)
    with caplog.at_level("WARNING"):
        extractor = make_extractor(told)
        trainer = build_trainer(told, make_model(told, extractor), extractor, with_votes, rows())
    assert "16 of 32 training clips have no votes; they keep their label" in caplog.text
    labels = trainer.data_collator(with_votes.__getitems__([0, 1, 3]))["labels"]
    assert labels.tolist() == [VOTES[0], np.eye(8)[1].tolist(), np.eye(8)[3].tolist()]
    assert count_votes(with_votes) == 16


def test_votes_are_left_alone_unless_asked_for():
    data = rows(label_distribution=VOTES).rows.with_format(None)
    assert set(FeatureRows(data, training=True)[0]) == {"input_features", "labels", "row", "training"}


@pytest.mark.parametrize("columns", [{}, {"label_distribution": [None] * 32}])
def test_votes_that_nobody_gave_are_refused(columns):
    with pytest.raises(RecipeError, match="soft_labels: votes, and no training clip has votes"):
        count_votes(rows(**columns))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--loss", "focla"], "unknown loss 'focla'; did you mean 'focal'"),
        (["--loss", "focal", "--focal_gamma", "-1"], "focal_gamma is -1.0; expected 0"),
        (["--loss", "focal", "--focal_gamma", "nan"], "focal_gamma is nan"),
        (["--focal_gamma", "2"], "focal_gamma is 2.0, and loss is cross_entropy; add `loss: focal`"),
        (["--soft_labels", "vote"], "unknown soft_labels 'vote'; did you mean 'votes'"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_any_clip_is_read(recipe, words, said):
    with pytest.raises(RecipeError, match=said):
        configure(recipe(*words))
