"""The whole flow on a tiny corpus: what a run leaves, that its numbers agree, and what decides the checkpoint."""

import json
import math
import os
import re
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from safetensors.torch import load_file
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
)

from ser_hf.base.alone import alone
from ser_hf.base.errors import RecipeError, SerHfError
from ser_hf.features import FeatureRows, LiveFeatureRows
from ser_hf.flows import train as flow
from ser_hf.flows.train import how_to_go_on, make_extractor, make_model, prepare, train
from ser_hf.labels import EMOTIONS
from ser_hf.reporting import load_results
from ser_hf.training import load_checkpoint, load_recipe, read_split, score

CLASSES = list(EMOTIONS[:8])
FILES = {
    "config.json",
    "model.safetensors",
    "preprocessor_config.json",
    "results.json",
    "predictions.parquet",
    "split.json",
    "report.html",
    "README.md",
    "recipe.yaml",
    "plots",
    "checkpoints",
}


@pytest.fixture(scope="module")
def results(tiny_run) -> dict:
    return load_results(tiny_run.folder)


@pytest.fixture(scope="module")
def predictions(tiny_run) -> list[dict]:
    return pq.read_table(tiny_run.folder / "predictions.parquet").to_pylist()


@pytest.fixture
def quick_train(monkeypatch, tiny_recipe, tmp_path):
    """Runs the tiny recipe without plots, report and card."""
    monkeypatch.setattr(flow, "write_report", lambda _: None)
    monkeypatch.setattr(flow, "write_model_card", lambda _: None)

    def run(*words: str, folder: Path = tmp_path / "run") -> tuple[dict, Path]:
        return train(load_recipe(tiny_recipe, ["--output_dir", str(folder), *words])), folder

    return run


def test_the_run_folder_holds_everything_and_no_litter(tiny_run):
    names = {path.name for path in tiny_run.folder.iterdir() if not path.name.endswith(".py")}
    assert names == FILES
    code = {path.name for path in tiny_run.folder.glob("*.py")}
    assert {"cnn_blstm_attention.py", "feature_extraction.py", "log_mel.py"} <= code
    assert list((tiny_run.folder / "plots").glob("*.png"))
    assert len(list((tiny_run.folder / "checkpoints").iterdir())) <= 2
    assert not [path for path in tiny_run.folder.rglob(".*") if path.is_file()], "temporary files were left"


def test_the_score_table_and_the_place_of_the_report_are_printed(tiny_run, results):
    accuracy = results["test"]["metrics"]["accuracy"]["value"]
    assert re.search(rf"{100 * accuracy:.1f}|{accuracy:.3f}", tiny_run.printed)
    assert tiny_run.printed.splitlines()[-1] == f"report: {tiny_run.folder}/report.html"


def test_results_are_what_the_run_was(results, tones_root):
    assert results["name"] == "tiny-random"
    assert results["synthetic"] is False
    assert (results["model"]["model_type"], results["data"]["classes"]) == ("cnn_blstm_attention", CLASSES)
    assert results["features"] | {"n_mels": 32, "duration": 0.5} == results["features"]
    assert [corpus["name"] for corpus in results["data"]["corpora"]] == ["ravdess", "savee"]
    ledger, splits = results["data"]["ledger"], results["data"]["splits"]
    assert (ledger["found"], ledger["used"]) == (120, 120)
    assert sum(split["clips"] for split in splits.values()) == 120
    assert all(sum(split["classes"].values()) == split["clips"] for split in splits.values())
    assert results["split"]["protocol"] == "random"
    assert results["split"]["speaker_independent"] is False
    training = results["training"]
    assert (training["epochs"], training["processes"], training["device"]) == (3.0, 1, "cpu")
    assert training["seconds"] > 0
    assert str(tones_root) not in json.dumps(results), "a path of this machine"


def test_recipe_yaml_says_what_was_done_and_runs_again(tiny_run, tones_root, results):
    settings = yaml.safe_load((tiny_run.folder / "recipe.yaml").read_text())
    assert settings == results["training"]["arguments"]
    again = load_recipe(tiny_run.folder / "recipe.yaml", ["--data_root", str(tones_root)])
    assert again.settings() == settings


def test_the_splits_share_no_clip(tiny_run, results):
    members = read_split(tiny_run.folder)
    clips = [clip for split in members.values() for clip in split["clips"]]
    assert len(clips) == len(set(clips)) == 120
    assert {name: len(split["clips"]) for name, split in members.items()} == {
        name: split["clips"] for name, split in results["data"]["splits"].items()
    }


def test_the_scores_are_those_of_sklearn_on_the_predictions(tiny_run, results, predictions):
    test = results["test"]
    true, predicted = ([row[key] for row in predictions] for key in ("label", "predicted"))
    held = sorted(set(true))
    assert {name: metric["value"] for name, metric in test["metrics"].items()} == pytest.approx(
        {
            "accuracy": accuracy_score(true, predicted),
            "uar": balanced_accuracy_score(true, predicted),
            "macro_f1": f1_score(true, predicted, labels=held, average="macro"),
            "weighted_f1": f1_score(true, predicted, average="weighted", zero_division=0),
        }
    )
    assert test["confusion"] == confusion_matrix(true, predicted, labels=CLASSES).tolist()
    assert sum(map(sum, test["confusion"])) == test["n_clips"] == len(predictions)
    assert test["n_clips"] == results["data"]["splits"]["test"]["clips"]
    columns = precision_recall_fscore_support(true, predicted, labels=CLASSES, zero_division=0)
    for row, *expected in zip(test["per_class"], *columns, strict=True):
        assert [row["precision"], row["recall"], row["f1"], row["clips"]] == pytest.approx(expected)
    for row in test["per_corpus"]:
        own = [p for p in predictions if p["corpus"] == row["corpus"]]
        assert row["clips"] == len(own)
        assert row["accuracy"]["value"] == pytest.approx(sum(p["label"] == p["predicted"] for p in own) / len(own))
    for metric in test["metrics"].values():
        assert metric["clips"][0] <= metric["value"] <= metric["clips"][1]


def test_predictions_are_of_the_test_clips_and_of_the_saved_checkpoint(tiny_run, predictions):
    assert [row["clip_id"] for row in predictions] == read_split(tiny_run.folder)["test"]["clips"]
    assert all(sum(row[f"p_{name}"] for name in CLASSES) == pytest.approx(1, abs=1e-5) for row in predictions)


def test_the_loss_falls_and_tones_are_told_apart(results):
    history = results["training"]["history"]
    assert [entry["epoch"] for entry in history] == [1.0, 2.0, 3.0]
    assert all(math.isfinite(entry[key]) for entry in history for key in ("loss", "eval_loss", "eval_uar"))
    losses = [entry["loss"] for entry in history]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.9 * losses[0]


def test_the_checkpoint_kept_is_the_best_on_validation(tiny_run, tiny_recipe, results, tmp_path):
    history = results["training"]["history"]
    best = max(entry["eval_uar"] for entry in history)
    first = next(entry["epoch"] for entry in history if entry["eval_uar"] == best)
    assert (results["training"]["best_validation_uar"], results["training"]["best_epoch"]) == (best, first)
    recipe = load_recipe(tiny_recipe)
    rows = prepare(recipe).split.datasets["validation"]
    model, extractor = load_checkpoint(tiny_run.folder, "cpu")
    again = score(model, extractor, rows, CLASSES, tmp_path)["metrics"]["uar"]["value"]
    assert again == pytest.approx(best, abs=0.02)  # bfloat16 in training may turn a close call


def test_an_early_best_is_kept_over_a_late_last(quick_train, monkeypatch):
    scores = iter([0.9, 0.5, 0.4])
    monkeypatch.setattr("ser_hf.training.trainer.validation_scores", lambda _: {"uar": next(scores)})
    results, folder = quick_train()
    assert results["training"]["best_epoch"] == 1.0
    assert results["training"]["best_validation_uar"] == 0.9
    kept, last = sorted((folder / "checkpoints").iterdir(), key=lambda path: int(path.name.split("-")[1]))
    saved = load_file(folder / "model.safetensors")
    assert all(saved[k].equal(v) for k, v in load_file(kept / "model.safetensors").items())
    assert not all(saved[k].equal(v) for k, v in load_file(last / "model.safetensors").items())


def test_patience_stops_and_another_metric_may_decide(quick_train, monkeypatch):
    found = iter([{"uar": 0.1 * n, "accuracy": 0.9 - 0.1 * n} for n in range(1, 9)])
    monkeypatch.setattr("ser_hf.training.trainer.validation_scores", lambda _: next(found))
    words = ["--metric_for_best_model", "accuracy", "--patience", "2", "--num_train_epochs", "8"]
    training = quick_train(*words)[0]["training"]
    assert training["epochs"] == 3.0
    assert (training["best_epoch"], training["best_validation_uar"]) == (1.0, 0.1)


def test_without_validation_the_last_weights_are_kept_and_no_epoch_is_called_best(quick_train):
    words = ["--eval_strategy", "no", "--save_strategy", "no", "--load_best_model_at_end", "false"]
    training = quick_train(*words, "--num_train_epochs", "1")[0]["training"]
    assert (training["best_epoch"], training["best_validation_uar"]) == (None, None)


def test_the_trainer_never_sees_a_test_clip(quick_train, monkeypatch):
    seen: list[FeatureRows] = []
    real = flow.build_trainer

    def spy(recipe, model, extractor, *rows):
        seen.extend(rows[:2])
        return real(recipe, model, extractor, *rows)

    parts = {}
    split = flow.make_split

    def spy_split(*given):
        parts["split"] = split(*given)
        return parts["split"]

    monkeypatch.setattr(flow, "build_trainer", spy)
    monkeypatch.setattr(flow, "make_split", spy_split)
    quick_train("--num_train_epochs", "1")
    train_rows, validation_rows = seen
    assert (train_rows.training, validation_rows.training) == (True, False)
    given = {x["input_features"].tobytes() for rows in seen for x in rows.__getitems__(list(range(len(rows))))}
    tested = FeatureRows(parts["split"].datasets["test"], training=False)
    hidden = {x["input_features"].tobytes() for x in tested.__getitems__(list(range(len(tested))))}
    assert len(given) == len(train_rows) + len(validation_rows)
    assert len(hidden) == len(tested)
    assert not given & hidden


def test_the_same_seed_gives_the_same_run_and_another_one_does_not(quick_train, tmp_path, results, predictions):
    again, folder = quick_train(folder=tmp_path / "again")
    assert pq.read_table(folder / "predictions.parquet").to_pylist() == predictions
    assert again["test"] == results["test"]
    losses = [[entry["loss"] for entry in r["training"]["history"]] for r in (again, results)]
    assert losses[0] == losses[1]
    other, _ = quick_train("--seed", "7", "--num_train_epochs", "1", folder=tmp_path / "other")
    assert other["training"]["history"][0]["loss"] != losses[0][0]
    assert other["data"]["splits"] == again["data"]["splits"], "the seed of the split is another one"


def test_a_run_goes_on_from_its_last_checkpoint(tiny_run, quick_train, tmp_path, results):
    folder = tmp_path / "longer"
    shutil.copytree(tiny_run.folder, folder)
    with pytest.raises(RecipeError, match="already holds a run"):
        quick_train(folder=folder)
    longer, _ = quick_train("--resume_from_checkpoint", "last", "--num_train_epochs", "4", folder=folder)
    history = longer["training"]["history"]
    assert [entry["epoch"] for entry in history] == [1.0, 2.0, 3.0, 4.0]
    assert history[:3] == results["training"]["history"]
    assert longer["training"]["epochs"] == 4.0


def test_two_runs_do_not_meet_in_one_folder(quick_train, tmp_path):
    with (
        alone(tmp_path / "run"),
        pytest.raises(SerHfError, match=rf"run is in use by process {os.getpid()} on .*; wait"),
    ):
        quick_train(folder=tmp_path / "run")
    assert list((tmp_path / "run").iterdir()) == []


def test_overwriting_clears_what_the_earlier_run_wrote_and_nothing_else(tiny_run, quick_train, tmp_path):
    folder = tmp_path / "over"
    shutil.copytree(tiny_run.folder, folder)
    (folder / "notes.txt").write_text("mine")
    quick_train("--overwrite", "true", "--num_train_epochs", "1", folder=folder)
    assert (folder / "notes.txt").read_text() == "mine"
    assert not (folder / "plots").exists(), "the earlier run's plots are still there"
    assert len(list((folder / "checkpoints").iterdir())) == 1


def test_the_precision_told_is_the_one_used(quick_train):
    results, _ = quick_train("--precision", "bf16", "--num_train_epochs", "1", "--label_smoothing_factor", "0.1")
    assert results["training"]["precision"] == "bf16"
    assert results["training"]["arguments"]["label_smoothing_factor"] == 0.1
    assert {t.dtype.is_floating_point and t.itemsize for t in load_file(_ / "model.safetensors").values()} <= {4, False}


def test_a_run_is_pushed_once_as_a_whole(quick_train, monkeypatch):
    pushed = []

    def push_run(folder, repository, **more):
        pushed.append((repository, more["private"], (folder / "results.json").is_file()))

    monkeypatch.setattr(flow, "push_run", push_run)
    words = ["--push_to_hub", "true", "--hub_model_id", "tester/tiny", "--hub_private_repo", "true"]
    results, _ = quick_train(*words, "--num_train_epochs", "1")
    assert pushed == [("tester/tiny", True, True)]
    assert not {"push_to_hub", "hub_model_id"} & set(results["training"]["arguments"])


def test_a_push_without_a_repository_is_refused_before_training(quick_train, tmp_path):
    with pytest.raises(RecipeError, match="push_to_hub needs a repository: add --hub_model_id USER/NAME"):
        quick_train("--push_to_hub", "true")
    assert not (tmp_path / "run").exists()


def rows_of(recipe) -> dict[str, list[dict]]:
    parts = prepare(recipe).split.datasets
    return {
        name: list(part.select_columns(["clip_id", "label", "source", "input_features"]))
        for name, part in parts.items()
    }


def test_statistics_are_of_the_training_split_and_travel_with_the_checkpoint(quick_train, tiny_recipe):
    words = ["--normalisation", "statistics", "--num_train_epochs", "1"]
    results, folder = quick_train(*words)
    recipe = load_recipe(tiny_recipe, words)
    rows = {name: np.array(part["input_features"]) for name, part in prepare(recipe).split.datasets.items()}
    np.testing.assert_allclose(rows["train"].mean(axis=(0, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(rows["train"].std(axis=(0, 2)), 1, atol=1e-4)
    assert abs(rows["test"].mean(axis=(0, 2))).max() > 1e-3, "the test split has a mean of its own"
    _, extractor = load_checkpoint(folder, "cpu")
    assert (extractor.normalisation, len(extractor.mean)) == ("statistics", 32)
    assert results["features"]["normalisation"] == "statistics"


def test_mfcc_with_slopes_reach_the_model(quick_train):
    words = ["--features", "mfcc", "--n_mfcc", "13", "--deltas", "1", "--normalisation", "clip"]
    _, folder = quick_train(*words, "--num_train_epochs", "1")
    model, extractor = load_checkpoint(folder, "cpu")
    assert (extractor.feature_size, model.config.n_mels) == (26, 26)


@pytest.mark.parametrize("method", ["undersample", "oversample", "class_weights", "weighted_sampler"])
def test_balancing_changes_the_training_split_and_no_other(tiny_recipe, method):
    plain = rows_of(load_recipe(tiny_recipe))
    changed = rows_of(load_recipe(tiny_recipe, ["--balance", method]))
    assert (changed["validation"], changed["test"]) == (plain["validation"], plain["test"])
    before, after = (Counter(row["label"] for row in rows["train"]) for rows in (plain, changed))
    if method == "undersample":
        assert set(after.values()) == {min(before.values())}
        assert all(row in plain["train"] for row in changed["train"])
    elif method == "oversample":
        assert set(after.values()) == {max(before.values())}
        assert changed["train"][: len(plain["train"])] == plain["train"]
    else:
        assert changed == plain


def test_oversampled_copies_have_features_of_their_own_and_come_from_training_clips(tiny_recipe):
    train = rows_of(load_recipe(tiny_recipe, ["--balance", "oversample", "--balance_to", "16"]))["train"]
    originals = {row["clip_id"]: row for row in train if row["source"] is None}
    copies = [row for row in train if row["source"] is not None]
    assert len(train) == 8 * 16
    assert len(copies) == len(train) - len(originals) > 0
    for copy in copies:
        source = originals[copy["source"]]
        assert copy["label"] == source["label"]
        assert np.shape(copy["input_features"]) == np.shape(source["input_features"])
        assert np.abs(np.subtract(copy["input_features"], source["input_features"])).max() > 0.01


def test_a_balanced_run_says_so_in_results_report_and_card(tiny_run, results, tiny_recipe, tmp_path):
    words = ["--output_dir", str(tmp_path), "--num_train_epochs", "1", "--balance", "oversample"]
    plain, balanced = results["data"], train(load_recipe(tiny_recipe, words))["data"]
    assert plain["balance"]["method"] == "none"
    assert plain["balance"]["before"] == plain["balance"]["after"] == plain["splits"]["train"]["classes"]
    assert balanced["balance"]["method"] == "oversample"
    assert balanced["balance"]["before"] == plain["splits"]["train"]["classes"]
    assert balanced["balance"]["after"] == balanced["splits"]["train"]["classes"]
    assert len(set(balanced["balance"]["after"].values())) == 1
    members = read_split(tmp_path)
    assert any("#" in clip for clip in members["train"]["clips"])
    assert not any("#" in clip for name in ("validation", "test") for clip in members[name]["clips"])
    said = balanced["balance"]["description"]
    assert re.fullmatch(r"oversampled to \d+ clips per class with \d+ augmented copies of training clips", said)
    for file in ("report.html", "README.md"):
        assert said in (tmp_path / file).read_text(encoding="utf-8")
        assert "training split only" not in (tiny_run.folder / file).read_text(encoding="utf-8").lower()
    assert (tmp_path / "plots" / "balance.png").is_file()
    assert not (tiny_run.folder / "plots" / "balance.png").exists()


@pytest.mark.parametrize("method", ["class_weights", "weighted_sampler"])
def test_training_by_weights_learns(quick_train, method):
    results, _ = quick_train("--balance", method)
    losses = [entry["loss"] for entry in results["training"]["history"]]
    assert losses[-1] < 0.9 * losses[0]
    assert results["data"]["balance"]["method"] == results["training"]["arguments"]["balance"] == method


def test_augmented_waveforms_are_heard_in_training_alone_and_repeat(quick_train, results):
    words = ["--waveform_augment", "{noise: 0.5}"]
    noisy, _ = quick_train(*words)
    again, _ = quick_train(*words, "--overwrite", "true")
    losses, plain = ([e["loss"] for e in r["training"]["history"]] for r in (noisy, results))
    assert losses == [e["loss"] for e in again["training"]["history"]]
    assert losses[0] != plain[0]
    assert noisy["test"] == again["test"]


def test_every_epoch_hears_its_own_augmentation(quick_train, monkeypatch):
    epochs = []
    monkeypatch.setattr(LiveFeatureRows, "set_epoch", lambda self, epoch: epochs.append(epoch))
    quick_train("--waveform_augment", "{gain: 6}")
    assert list(dict.fromkeys(epochs)) == [0, 1, 2], "transformers tells it more than once"


def test_copies_are_made_once_or_anew(tiny_recipe, tmp_path):
    words = ["--waveform_augment", "{gain: 6}", "--balance", "oversample", "--output_dir", str(tmp_path)]
    with pytest.raises(RecipeError, match="choose one of them"):
        train(load_recipe(tiny_recipe, words))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--n_mels", "-1"], "n_mels is -1"),
        (["--model_settings", "lstm_size=0"], "lstm_size"),
        (["--model_settings", "lstm_size=many"], "lstm_size"),
        (["--model_settings", "lstm_sise=8"], "did you mean 'lstm_size'"),
        (["--imagenet", "true"], "imagenet weights are for model 'timm_cnn', not 'cnn_blstm_attention'"),
        (["--model", "timm_cn"], "did you mean 'timm_cnn'"),
    ],
)
def test_settings_that_cannot_be_are_refused(tiny_recipe, words, said):
    recipe = load_recipe(tiny_recipe, words)
    with pytest.raises(RecipeError) as caught:
        make_model(recipe, make_extractor(recipe))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_how_to_go_on_is_said_as_it_is_done(tmp_path):
    assert how_to_go_on(tmp_path) == "there is no checkpoint yet: the same command begins anew"
    (tmp_path / "results.json").write_text("{}")
    assert "--overwrite true begins anew" in how_to_go_on(tmp_path)
