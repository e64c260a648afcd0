"""Copies of training clips in a run: beside every training clip, found again, learned from and never scored."""

import dataclasses

import numpy as np
import pytest

from ser_hf.base.errors import SerHfError
from ser_hf.data import class_weights
from ser_hf.features import _cached
from ser_hf.flows.train import prepare, train
from ser_hf.training import baseline, load_recipe

SPEEDS = ["--copies", "{speed: 0.9}", "{speed: 1.1}"]


def rows_of(recipe) -> dict[str, list[dict]]:
    parts = prepare(recipe).split.datasets
    columns = ["clip_id", "label", "source", "input_features"]
    return {name: list(part.select_columns(columns)) for name, part in parts.items()}


@pytest.mark.parametrize("method", ["none", "undersample", "class_weights"])
def test_every_training_clip_is_copied_and_no_other(tiny_recipe, method):
    words = ["--balance", method]
    plain, found = rows_of(load_recipe(tiny_recipe, words)), rows_of(load_recipe(tiny_recipe, [*words, *SPEEDS]))
    assert (found["validation"], found["test"]) == (plain["validation"], plain["test"])
    count = len(plain["train"])
    assert found["train"][:count] == plain["train"]
    clips = [row["clip_id"] for row in plain["train"]]
    assert [row["source"] for row in found["train"][count:]] == clips * 2
    slow = np.array(found["train"][count]["input_features"])
    assert slow.shape == np.shape(plain["train"][0]["input_features"])
    assert np.abs(slow - plain["train"][0]["input_features"]).max() > 0.01


def test_a_second_run_finds_the_features_of_copies_again(tiny_recipe, monkeypatch):
    recipe = load_recipe(tiny_recipe, SPEEDS)
    first = rows_of(recipe)
    monkeypatch.setattr(_cached.FeatureStep, "__call__", lambda *_, **__: pytest.fail("features were computed again"))
    assert rows_of(load_recipe(tiny_recipe, SPEEDS)) == first


def test_a_run_with_copies_says_so_in_results_report_and_card(tiny_recipe, tmp_path):
    words = ["--output_dir", str(tmp_path), "--num_train_epochs", "1", *SPEEDS]
    data = train(load_recipe(tiny_recipe, words))["data"]
    count = data["splits"]["train"]["clips"] // 3
    said = f"{2 * count} copies of training clips, each clip changed in 2 ways: speed 0.9, speed 1.1"
    assert data["copies"] == {"clips": 2 * count, "description": said}
    assert [split.get("copies") for split in data["splits"].values()] == [2 * count, None, None]
    assert sum(data["balance"]["after"].values()) == count
    for file in ("report.html", "README.md"):
        assert said in (tmp_path / file).read_text(encoding="utf-8")


def test_a_baseline_learns_from_copies_and_scores_clips(tiny_recipe, monkeypatch):
    seen = {}

    def fit(config, train, validation, weights, **_):
        seen.update(train=train, validation=validation, weights=weights)
        raise SerHfError("enough")

    monkeypatch.setattr(baseline, "fit", fit)
    words = [*SPEEDS, "--balance", "class_weights", "--model", "svm", "--features", "functionals"]
    recipe = load_recipe(tiny_recipe, words)
    recipe = dataclasses.replace(recipe, given=frozenset(), model=dataclasses.replace(recipe.model, model_settings=[]))
    data = prepare(recipe)
    for by_speaker in (False, True):
        with pytest.raises(SerHfError, match="enough"):
            baseline.fit_baseline(recipe, data.split.datasets, data.corpora.scheme, by_speaker=by_speaker)
        train, rows = seen["train"], data.split.datasets["train"]
        count = len(rows) // 3
        assert list(train.copies) == [False] * count + [True] * 2 * count
        assert train.groups == (rows["speaker"][:count] if by_speaker else rows["clip_id"][:count]) * 3
        voices = [f"{speaker}#{n}" for n in (1, 2) for speaker in rows["speaker"][:count]]
        assert train.speakers == [*rows["speaker"][:count], *voices]
        assert not seen["validation"].copies.any()
        np.testing.assert_allclose(seen["weights"], class_weights(train.labels[:count], 8))
