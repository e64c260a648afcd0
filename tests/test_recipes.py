"""Every shipped YAML is loaded, every recipe is run for two steps, and the table of results names what is there."""

import csv
import re
import shlex
from pathlib import Path

import pytest
import timm
import torch
from accelerate.commands.config.config_args import load_config_from_file
from safetensors.torch import load_file, save_file

from ser_hf.baselines import BASELINES
from ser_hf.flows import train as flow
from ser_hf.flows.train import train
from ser_hf.reporting import load_results
from ser_hf.reporting.results_table import COLUMNS, SMOKE
from ser_hf.training import load_recipe, make_extractor, make_model, pairs

RECIPES = Path(__file__).parents[1] / "recipes"
OTHERS = ("accelerate", "studies")
NAMES = sorted(str(p.relative_to(RECIPES)) for p in RECIPES.rglob("*.yaml") if p.parent.name not in OTHERS)
HARDWARE = sorted(p.name for p in (RECIPES / "accelerate").glob("*.yaml"))
RESULTS = RECIPES / "results.csv"
ROWS = list(csv.DictReader(RESULTS.read_text(encoding="utf-8").splitlines())) if RESULTS.is_file() else []
TABLE = [row for row in ROWS if row["test_clips"]]
"""The measured ones; the others only say how a recipe is tried."""


def test_there_are_recipes():
    families = ("cnn_blstm_attention", "resnet34", "resnet50", "vgg19", "mobilenetv3")
    assert {f"from_scratch/{name}.yaml" for name in families} <= set(NAMES)
    assert {f"imagenet/{name}_imagenet.yaml" for name in ("resnet34", "vgg19")} <= set(NAMES)
    assert "cpu.yaml" in HARDWARE


def published_weights(backbone: str, folder: Path) -> Path:
    """A file as timm publishes it, of random weights: a test has no network."""
    path = folder / "model.safetensors"
    save_file(timm.create_model(backbone).state_dict(), path)
    return path


def pretrained(name: str) -> str | None:
    """The repository on the Hub a recipe starts from, if any."""
    recipe = load_recipe(RECIPES / name)
    return recipe.features.encoder or pairs(recipe.model.model_settings).get("pretrained")


def backbone_of(name: str) -> str | None:
    """The timm model of a recipe, if any."""
    recipe = load_recipe(RECIPES / name)
    return pairs(recipe.model.model_settings)["backbone"] if recipe.model.model == "timm_cnn" else None


IMAGE_NETWORKS = [name for name in NAMES if backbone_of(name)]
HUB = {name for name in NAMES if pretrained(name)}
PROBES = {name for name in HUB if load_recipe(RECIPES / name).features.encoder}
FITTED = {name for name in NAMES if load_recipe(RECIPES / name).model.model in BASELINES}
"""Those of scikit-learn, which run whole."""
FAMILY_OF = {"wav2vec2": "wav2vec2", "hubert": "hubert", "wavlm": "wavlm", "data2vec": "data2vec-audio"}
FAMILY_OF |= {"whisper": "whisper", "ast": "audio-spectrogram-transformer"}


@pytest.fixture
def stand_in(save_transformer, tmp_path):
    """A function that gives the words by which a recipe starts from a tiny checkpoint of the family it names."""

    def words(name: str) -> list[str]:
        if name not in HUB:
            return []
        family = FAMILY_OF[str(pretrained(name)).split("/")[1].split("-")[0]]
        large = {"whisper": {"encoder_layers": 6}, "audio-spectrogram-transformer": {"max_length": 600}}
        folder = save_transformer(family, tmp_path / family, **large.get(family, {}))
        return ["--encoder", str(folder)] if name in PROBES else ["--model_settings", f"pretrained={folder}"]

    return words


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_names_no_place(name):
    settings = load_recipe(RECIPES / name).settings()
    starts = {"model_settings", "encoder"} if name in HUB else set()
    named = [str(value) for key, value in settings.items() if key not in starts]
    assert not any("/" in value for value in named)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_names_its_paper(name):
    assert re.search(r"^# Source: .+\.$", (RECIPES / name).read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_runs_for_two_steps(name, tones_root, tmp_path, monkeypatch, stand_in):
    monkeypatch.setattr(flow, "write_report", lambda _: None)
    flags = next((row["smoke_flags"] for row in ROWS if row["recipe"] == name), "" if name in FITTED else SMOKE)
    words = ["--data_root", str(tones_root), "--output_dir", str(tmp_path / "run"), *shlex.split(flags)]
    recipe = load_recipe(RECIPES / name, [*words, *stand_in(name)])
    if recipe.model.imagenet:
        weights = published_weights(pairs(recipe.model.model_settings)["backbone"], tmp_path)
        recipe = load_recipe(RECIPES / name, [*words, "--imagenet_weights", str(weights)])
    train(recipe)
    results = load_results(tmp_path / "run")
    assert results["recipe"] == name
    assert results["data"]["ledger"]["found"] == sum({"ravdess": 64, "savee": 56}[c] for c in recipe.data.corpora)
    if results["model"]["library"] == "transformers":
        assert sum(entry.get("loss") is not None for entry in results["training"]["history"]) >= 1
    assert (tmp_path / "run" / "README.md").read_text(encoding="utf-8").startswith("---\n")


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if "vgg" in n else n for n in IMAGE_NETWORKS])
def test_a_recipe_of_an_image_network_starts_from_a_local_file(name, tmp_path):
    backbone = backbone_of(name)
    path = published_weights(backbone, tmp_path)
    recipe = load_recipe(RECIPES / name, ["--imagenet_weights", str(path)])
    assert recipe.settings()["imagenet_weights"] == path.name, "without the folders of this machine"
    published, loaded = load_file(path), make_model(recipe, make_extractor(recipe)).backbone.state_dict()
    first = f"{timm.get_pretrained_cfg(backbone).first_conv}.weight"
    published[first] = published[first].sum(1, keepdim=True)
    assert all(torch.equal(tensor, published[key]) for key, tensor in loaded.items())


def test_the_two_recipes_of_one_network_differ_in_the_weights_it_starts_from():
    scratch, imagenet = (load_recipe(RECIPES / f / "efficientnet_lite0.yaml") for f in ("from_scratch", "imagenet"))
    assert imagenet.settings() == {**scratch.settings(), "imagenet": True}


@pytest.mark.parametrize("name", HARDWARE)
def test_accelerate_reads_its_configurations(name):
    config = load_config_from_file(str(RECIPES / "accelerate" / name))
    assert config.num_processes >= 1
    assert config.mixed_precision == "no", "the recipe decides"


def test_the_table_has_its_columns():
    header = RESULTS.read_text(encoding="utf-8").splitlines()[0]
    assert tuple(header.split(",")) == COLUMNS


@pytest.mark.parametrize("name", sorted(set(NAMES) - HUB))  # those of pretrained weights need the Hub and a GPU
def test_every_recipe_has_a_row_that_is_measured_or_only_says_how_it_is_tried(name):
    rows = [row for row in ROWS if row["recipe"] == name]
    assert rows
    for row in rows:
        assert row["smoke_flags"].startswith("" if name in FITTED else SMOKE)
        assert row in TABLE or not any(row[column] for column in COLUMNS[3:-1]), "measured in part"


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row['recipe']}-{row['protocol']}{row['fold']}")
def test_a_row_names_a_recipe_and_its_numbers_can_be(row):
    named = re.findall(r"[\w/]+\.yaml", row["recipe"])  # several of an ensemble, e.g. "svm.yaml + 2 x cnn.yaml"
    assert named
    for name in named:
        assert name in NAMES
        recipe = load_recipe(RECIPES / name, ["--protocol", row["protocol"], *shlex.split(row["smoke_flags"])])
        assert recipe.training.max_steps == (2 if row["smoke_flags"] else -1)
    assert row["fold"] == "" or all(int(part) >= 1 for part in row["fold"].replace(",", "-").split("-"))
    assert int(row["test_clips"]) > 0
    assert int(row["test_speakers"]) > 0
    assert row["speaker_independent"] == str(row["protocol"] not in ("random", "kfold"))
    numbers = {column: float(row[column]) for column in COLUMNS[7:17] if row[column]}
    assert all(0 <= number <= 1 for number in numbers.values())
    assert numbers["accuracy_low"] <= numbers["accuracy"] <= numbers["accuracy_high"]
    assert numbers["uar_low"] <= numbers["uar"] <= numbers["uar_high"]
    assert float(row["epochs"]) > 0 or not row["smoke_flags"]
    assert float(row["seconds"]) > 0
    assert set(row["precision"].split(", ")) <= {"bf16", "fp32", "fp64"}
    assert row["hardware"]
    assert row["commit"]


def test_no_row_stands_twice():
    keys = [(row["recipe"], row["corpora"], row["protocol"], row["fold"]) for row in ROWS]
    assert len(keys) == len(set(keys))
