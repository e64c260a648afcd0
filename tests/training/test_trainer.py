"""What is settled before training starts, and what is kept of the trainer's log."""

from pathlib import Path

import datasets
import numpy as np
import pytest
import torch
import yaml
from accelerate.data_loader import prepare_data_loader
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score
from transformers import EarlyStoppingCallback, EvalPrediction

from ser_hf.base.errors import RecipeError
from ser_hf.features import FeatureRows
from ser_hf.flows.train import make_extractor, make_model
from ser_hf.training import build_trainer, configure, load_recipe
from ser_hf.training.ser_trainer import SerTrainer
from ser_hf.training.trainer import history, validation_scores
from ser_hf.training.weighted_sampling import EpochWeightedSampler, WeightedTrainer

SMALL = ["--n_mels", "32", "--model_settings", "conv_channels=[4,4,4,4]", "lstm_size=8"]


@pytest.fixture
def recipe(tmp_path: Path):
    def make(*words: str):
        needed = ["--corpora", "ravdess", "--protocol", "random", "--model", "cnn_blstm_attention"]
        return load_recipe(None, [*needed, *SMALL, "--output_dir", str(tmp_path / "run"), *words])

    return make


def trainer_of(recipe, rows=({"training": True},)):
    configure(recipe)
    extractor = make_extractor(recipe)
    return build_trainer(recipe, make_model(recipe, extractor), extractor, rows, rows)


@pytest.mark.parametrize(("precision", "autocast"), [("bf16", "bf16"), ("fp32", "no")])
def test_the_accelerator_works_at_the_precision_asked_for(recipe, monkeypatch, precision, autocast):
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no" if autocast == "bf16" else "bf16")
    assert trainer_of(recipe("--precision", precision)).accelerator.mixed_precision == autocast


def test_transformers_own_flag_wins_over_precision(recipe):
    assert trainer_of(recipe("--bf16", "true", "--precision", "fp32")).accelerator.mixed_precision == "bf16"


def test_label_smoothing_is_left_to_the_collator_and_still_told(recipe):
    told = recipe("--label_smoothing_factor", "0.2")
    trainer = trainer_of(told)
    assert (trainer.data_collator.label_smoothing, trainer.args.label_smoothing_factor) == (0.2, 0.0)
    assert trainer.label_smoother is None
    assert told.settings()["label_smoothing_factor"] == 0.2


def test_a_loss_that_decides_is_better_where_it_is_lower(recipe):
    for words, greater in (
        (["--metric_for_best_model", "loss"], False),
        (["--metric_for_best_model", "eval_loss"], False),
        (["--metric_for_best_model", "macro_f1"], True),
        ([], True),
    ):
        told = recipe(*words)
        configure(told)
        assert told.training.greater_is_better is greater


@pytest.mark.parametrize(
    ("key", "value"), [("num_train_epochs", "0"), ("gradient_accumulation_steps", "0"), ("learning_rate", "-1")]
)
def test_what_would_fail_later_is_refused_at_once(recipe, key, value):
    with pytest.raises(RecipeError, match=f"{key} is .*; expected more than 0"):
        configure(recipe(f"--{key}={value}"))


def test_patience_adds_early_stopping(recipe):
    def stoppers(trainer):
        return [c for c in trainer.callback_handler.callbacks if isinstance(c, EarlyStoppingCallback)]

    assert [s.early_stopping_patience for s in stoppers(trainer_of(recipe("--patience", "4")))] == [4]
    assert stoppers(trainer_of(recipe())) == []


def test_a_fresh_folder_starts_from_nothing_and_checkpoints_get_a_place(recipe, tmp_path):
    told = recipe()
    assert configure(told) is None
    assert told.training.output_dir == str(tmp_path / "run" / "checkpoints")


@pytest.mark.parametrize("trace", ["results.json", "checkpoints/checkpoint-3/trainer_state.json"])
def test_a_folder_that_holds_a_run_is_refused(recipe, tmp_path, trace):
    path = tmp_path / "run" / trace
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    with pytest.raises(RecipeError, match=r"already holds a run; .*--resume_from_checkpoint last.*--overwrite true"):
        configure(recipe())
    assert configure(recipe("--overwrite", "true")) is None
    assert path.exists(), "configure itself removes nothing"


@pytest.mark.parametrize("word", ["last", "true"])
def test_resuming_takes_the_last_checkpoint(recipe, tmp_path, word, whole_checkpoint):
    whole_checkpoint(tmp_path / "run", 9)
    last = whole_checkpoint(tmp_path / "run", 12)
    assert configure(recipe("--resume_from_checkpoint", word)) == str(last)


def test_resuming_from_a_named_checkpoint(recipe, tmp_path, whole_checkpoint):
    named = whole_checkpoint(tmp_path / "run", 9)
    whole_checkpoint(tmp_path / "run", 12)
    assert configure(recipe("--resume_from_checkpoint", str(named))) == str(named)


def test_a_run_is_not_resumed_as_another_one(recipe, tmp_path, whole_checkpoint):
    last = whole_checkpoint(tmp_path / "run", 12)
    settings = recipe("--seed", "1").settings()
    (tmp_path / "run" / "recipe.yaml").write_text(yaml.safe_dump(settings))
    resume = ["--resume_from_checkpoint", "last"]
    assert configure(recipe(*resume, "--num_train_epochs", "99", "--data_root", "/elsewhere")) == str(last)
    for words, key in ((["--n_mels", "64"], "n_mels"), (["--scheme", "4class"], "scheme"), (["--fold", "1"], "fold")):
        with pytest.raises(RecipeError, match=f"was begun with {key}: .*, and {key} is now {words[1]}; resume with"):
            configure(recipe(*resume, *words))


@pytest.mark.parametrize("word", ["last", "gone/checkpoint-1"])
def test_nothing_to_resume_is_said(recipe, word):
    with pytest.raises(RecipeError, match=r"no checkpoint to resume from in .*(checkpoints|gone/checkpoint-1)$"):
        configure(recipe("--resume_from_checkpoint", word))


def test_history_has_one_entry_per_epoch():
    log = [
        {"loss": 2.0, "grad_norm": 9.0, "learning_rate": 1e-3, "epoch": 1.0, "step": 6},
        {"eval_loss": 1.9, "eval_uar": 0.3, "eval_runtime": 0.1, "epoch": 1.0, "step": 6},
        {"loss": 1.5, "epoch": 2.0, "step": 12},
        {"eval_uar": 0.4, "epoch": 2.0, "step": 12},
        {"train_runtime": 3.0, "train_loss": 1.7, "epoch": 2.0, "step": 12},
    ]
    found = history(log)
    assert [entry["epoch"] for entry in found] == [1.0, 2.0]
    assert found[0] | {"eval_runtime": 0.1} == {
        "epoch": 1.0,
        "loss": 2.0,
        "learning_rate": 1e-3,
        "eval_loss": 1.9,
        "eval_uar": 0.3,
        "eval_runtime": 0.1,
    }
    assert found[1] == {"epoch": 2.0, "loss": 1.5, "eval_uar": 0.4}
    assert history([]) == []


def test_validation_scores_are_those_of_sklearn():
    rng = np.random.default_rng(0)
    labels, logits = np.repeat(np.arange(4), 10), rng.normal(size=(40, 4))
    logits[np.arange(40), labels] += 1
    found, predicted = validation_scores(EvalPrediction(logits, labels)), logits.argmax(axis=1)
    assert found == pytest.approx(
        {
            "accuracy": accuracy_score(labels, predicted),
            "uar": balanced_accuracy_score(labels, predicted),
            "macro_f1": f1_score(labels, predicted, average="macro"),
            "weighted_f1": f1_score(labels, predicted, average="weighted"),
        }
    )


LABELS = [0] * 80 + [2] * 15 + [5] * 5


@pytest.fixture(scope="module")
def feature_rows() -> FeatureRows:
    """100 clips of three classes; the only value of a clip's features is its number."""
    columns = {"input_features": np.arange(100, dtype=np.float32).reshape(-1, 1, 1), "label": LABELS}
    return FeatureRows(datasets.Dataset.from_dict(columns), training=True)


def test_class_weights_reach_the_collator_and_nothing_else_changes(recipe, feature_rows):
    trainer = trainer_of(recipe("--balance", "class_weights"), feature_rows)
    np.testing.assert_allclose(trainer.data_collator.class_weights[[0, 2, 5]], 100 / 3 / np.array([80, 15, 5]))
    assert trainer.data_collator.class_weights[[1, 3, 4, 6, 7]].tolist() == [0] * 5
    for words in ([], ["--balance", "undersample"], ["--balance", "weighted_sampler"]):
        assert trainer_of(recipe(*words), feature_rows).data_collator.class_weights is None


def test_a_weighted_sampler_draws_every_class_equally_often(recipe, feature_rows):
    trainer = trainer_of(recipe("--balance", "weighted_sampler", "--use_cpu", "true"), feature_rows)
    assert isinstance(trainer, WeightedTrainer)
    assert type(trainer_of(recipe("--balance", "oversample"), feature_rows)) is SerTrainer
    loader = trainer.get_train_dataloader()
    drawn = []
    for epoch in range(30):
        loader.set_epoch(epoch)
        for batch in loader:
            drawn += batch["labels"].argmax(dim=1).tolist()
    assert len(drawn) == 30 * 100
    np.testing.assert_allclose(np.bincount(drawn, minlength=8)[[0, 2, 5]] / 3000, 1 / 3, atol=0.03)
    seen = [batch["input_features"] for batch in trainer.get_eval_dataloader()]
    assert torch.cat(seen).flatten().tolist() == list(range(100)), "validation is not sampled"


def shares(processes: int, epoch: int, seed: int = 3) -> list[list[int]]:
    """The clips that each process sees of one epoch, as accelerate shares it out."""
    weights = np.ones(96)
    weights[:6] = 30
    seen = []
    for process in range(processes):
        torch.manual_seed(process)  # their global generators differ
        sampler = EpochWeightedSampler(weights, seed)
        loader = torch.utils.data.DataLoader(range(96), batch_size=8, sampler=sampler)
        loader = prepare_data_loader(loader, num_processes=processes, process_index=process, put_on_device=False)
        loader.set_epoch(epoch)
        seen.append(torch.cat(list(loader)).tolist())
    return seen


def test_processes_share_one_draw_out():
    (alone,) = shares(1, epoch=0)
    first, second = shares(2, epoch=0)
    assert len(alone) == 96
    assert len(set(alone)) < 80, "drawn with replacement"
    batches = [alone[i : i + 8] for i in range(0, 96, 8)]
    assert [first[i : i + 8] for i in range(0, 48, 8)] == batches[::2]
    assert [second[i : i + 8] for i in range(0, 48, 8)] == batches[1::2]


def test_draws_differ_by_epoch_and_seed_and_repeat():
    for processes in (1, 2):
        assert shares(processes, epoch=4) == shares(processes, epoch=4)
        assert shares(processes, epoch=4) != shares(processes, epoch=5)
        assert shares(processes, epoch=4) != shares(processes, epoch=4, seed=9)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--balance", "undersampel"], "unknown balance 'undersampel'; did you mean 'undersample'"),
        (["--balance_to", "5"], "balance_to is 5, and balance is none; only undersample and oversample have a number"),
        (["--balance", "class_weights", "--balance_to", "5"], "balance_to is 5, and balance is class_weights"),
        (["--balance", "oversample", "--balance_to", "0"], "balance_to is 0; expected 1 or more clips per class"),
        (
            ["--balance", "weighted_sampler", "--train_sampling_strategy", "sequential"],
            "weighted_sampler draws by weight, not by train_sampling_strategy: sequential",
        ),
        (
            ["--copies", "{speed: 0.9}", "--balance", "oversample"],
            "oversample and copies both add .*; choose one",
        ),
        (["--copies", "{speed: 0.9}", "--waveform_augment", "{gain: 6}"], "copies are made once, .*; choose one"),
        (["--copies", "{speed: 0.9}", "{sped: 1.1}"], "copies, entry 2: unknown step 'sped'; did you mean 'speed'"),
    ],
)
def test_a_balance_that_cannot_be_is_refused_before_any_clip_is_read(recipe, words, said):
    with pytest.raises(RecipeError, match=said):
        configure(recipe(*words))


def test_a_run_is_not_resumed_with_another_balance(recipe, tmp_path, whole_checkpoint):
    whole_checkpoint(tmp_path / "run", 12)
    settings = recipe("--balance", "oversample").settings()
    (tmp_path / "run" / "recipe.yaml").write_text(yaml.safe_dump(settings))
    with pytest.raises(RecipeError, match="was begun with balance: oversample, and balance is now None"):
        configure(recipe("--resume_from_checkpoint", "last"))
