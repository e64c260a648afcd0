"""What models cost: counted against formulas by hand, measured through the command, and as it was shipped."""

import json
from pathlib import Path

import pytest

from ser_hf.benchmarks import shipped_models
from ser_hf.benchmarks.models import cost, make
from ser_hf.cli import main
from ser_hf.models import MODELS
from ser_hf.training import load_recipe

RECIPES = Path(__file__).parents[2] / "recipes"
HEAD = "corpora: [ravdess]\nprotocol: random\nduration: 0.5\nn_fft: 512\nn_mels: 16\nper_device_train_batch_size: 4\n"
LSTM = "use_cnn: false, use_attention: false, lstm_layers: 2, lstm_size: 3, dense_size: 5"
CNN = "use_lstm: false, use_attention: false, conv_channels: [3], conv_pools: [[2, 2]], dense_size: 5"
FRAMES = 1 + 8000 // 256


def recipe(folder: Path, name: str, settings: str, model: str = "cnn_blstm_attention", head: str = "") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(f"{head}{HEAD}model: {model}\nmodel_settings: {{{settings}}}\n")
    return path


def cost_of(path: Path, seconds: float) -> tuple[int, int]:
    model, extractor, clip = make(load_recipe(path), seconds)
    return cost(model, extractor(clip, sampling_rate=16_000, return_tensors="pt"))


@pytest.mark.parametrize(
    ("settings", "macs", "parameters"),
    [
        (  # gates x units x (inputs + units), each direction, each layer; the dense layers
            LSTM,
            2 * 4 * 3 * (16 + 3 + 6 + 3) * FRAMES + 6 * 5 + 5 * 8,
            2 * 16 + 2 * 4 * 3 * (16 + 3 + 2 + 6 + 3 + 2) + 6 * 5 + 5 + 5 * 8 + 8,
        ),
        (CNN, 9 * 3 * 16 * FRAMES + 24 * 5 + 5 * 8, 2 * 16 + 9 * 3 + 2 * 3 + 24 * 5 + 5 + 5 * 8 + 8),
    ],
)
def test_operations_and_parameters_are_those_of_the_formulas(tmp_path, settings, macs, parameters):
    assert cost_of(recipe(tmp_path, "x", settings), 0.5) == (parameters, macs)


def test_a_folder_of_recipes_is_measured_and_what_cannot_be_is_named(tmp_path, capsys):
    recipe(tmp_path, "a_cnn", CNN, head="# A CNN, from scratch.\n# Source: Somebody, Journal 2020, doi 10.1/abc.\n")
    recipe(tmp_path, "b_lstm", LSTM)
    recipe(tmp_path, "c_bad", "backbone: resnet9999", "timm_cnn")
    words = ["--clips", "2", "--repeats", "2", "--seconds", "0.5", "--threads", "1"]
    assert main(["bench", "models", str(tmp_path), *words, "--output", str(tmp_path / "f.json")]) == 0
    shown, facts = capsys.readouterr().out, json.loads((tmp_path / "f.json").read_text())
    assert [(row["name"], row["batch_size"]) for row in facts["rows"]] == [("a_cnn", 4), ("b_lstm", 4)]
    assert [row["source"] for row in facts["rows"]] == ["Somebody, Journal 2020, doi 10.1/abc", ""]
    for row in facts["rows"]:
        assert row["family"] == "cnn_blstm_attention"
        assert row["bytes"] >= 4 * row["parameters"]
        assert row["latency_ms"] > 0
        assert row["train_clips_per_second"] > 0
        assert f"\n{row['name']}" in shown
    (note,) = facts["notes"]
    assert note.startswith("c_bad: not measured, unknown timm backbone 'resnet9999'")
    assert note in shown
    assert (facts["task"], facts["threads"]) == ("models", 1)


@pytest.mark.parametrize("folder", [[], ["nowhere"], [str(RECIPES.parent / "tests")]])
def test_a_folder_without_recipes_is_one_line(folder, capsys):
    assert main(["bench", "models", *folder]) == 2
    assert "no recipes in" in capsys.readouterr().err


@pytest.mark.parametrize("row", shipped_models()["rows"], ids=lambda row: row["name"])
def test_the_shipped_table_is_that_of_the_recipes(row):
    assert row["family"] in MODELS
    found = cost_of(RECIPES / row["recipe"], shipped_models()["settings"]["seconds"])
    assert found == (row["parameters"], row["macs"]), "measure again, see ser-hf bench --help"
