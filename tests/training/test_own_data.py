"""Places of one's own, on the command line and in recipes, become corpora; names agree from the data to the answer."""

import json
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest

from ser_hf.base.errors import CorpusError
from ser_hf.cli import main
from ser_hf.corpora import CORPORA, scan
from ser_hf.inference import SerClassifier
from ser_hf.training import load_checkpoint, load_recipe, own_words
from ser_hf.training.own_data import own_settings


@pytest.mark.parametrize(
    ("words", "added"),
    [
        ("--seed 1", ""),
        ("--data_dirs ravdess=R", ""),
        ("--data_dirs calls=C ravdess=R podcasts=P.csv", "--corpora calls podcasts"),
        ("--data_dirs calls=C --corpora ravdess calls", ""),
        ("--dataset who/what:fine", "--data_dirs what=hf://who/what:fine --corpora what"),
        ("--dataset who/what --corpora what savee", "--data_dirs what=hf://who/what"),
        ("--dataset who/what --data_dirs calls=C", "--data_dirs calls=C what=hf://who/what --corpora calls what"),
        ("--dataset who/ravdess", "--data_dirs ravdess_dataset=hf://who/ravdess --corpora ravdess_dataset"),
        ("--dataset who/crema-d", "--data_dirs crema-d_dataset=hf://who/crema-d --corpora crema-d_dataset"),
    ],
)
def test_places_become_corpora(words, added):
    assert own_words(words.split()) == [*words.split(), *added.split()]


def test_a_dataset_in_a_recipe_is_its_corpus():
    assert own_settings({"dataset": "who/what", "data_dirs": {"savee": "S"}}) == {
        "dataset": "who/what",
        "corpora": ["what"],
        "data_dirs": {"savee": "S", "what": "hf://who/what"},
    }
    assert own_settings({"dataset": "who/what", "corpora": ["what", "savee"]})["corpora"] == ["what", "savee"]


def test_it_takes_the_place_of_the_recipes_corpora(tiny_recipe):
    recipe = load_recipe(tiny_recipe, ["--dataset", "who/what", "--labels", "W=angry", "0=sad"])
    assert (recipe.data.corpora, recipe.data.labels) == (["what"], ["W=angry", "0=sad"])
    assert "what=hf://who/what" in recipe.data.data_dirs
    assert recipe.settings()["dataset"] == "who/what"
    assert recipe.name.startswith("what-")


def test_a_place_of_this_machine_is_not_kept(tiny_recipe, tmp_path):
    (tmp_path / "calls").mkdir()
    recipe = load_recipe(tiny_recipe, ["--dataset", str(tmp_path / "calls")])
    assert recipe.data.corpora == ["calls"]
    assert str(tmp_path) not in json.dumps(recipe.settings())


def test_what_is_no_dataset_is_refused(tiny_recipe):
    with pytest.raises(CorpusError, match="--dataset nowhere: no such folder or file, and no USER/NAME"):
        load_recipe(tiny_recipe, ["--dataset", "nowhere"])


@pytest.mark.parametrize("words", [["W"], ["=angry"], ["W="]])
def test_a_mapping_without_a_side_is_refused(words, tiny_recipe, tmp_path, capsys):
    assert main(["train", str(tiny_recipe), "--output_dir", str(tmp_path / "run"), "--labels", *words]) == 2
    assert "expected" in capsys.readouterr().err


@pytest.fixture(scope="module")
def other_order(tones_root: Path, tmp_path_factory) -> Path:
    """The tones as a dataset of somebody: columns and classes of other names, in another order."""
    clips = scan(CORPORA["ravdess"], tones_root / "ravdess").clips
    names = sorted({clip.native_label[::-1] for clip in clips}, reverse=True)
    kind = datasets.ClassLabel(names=names)
    rows = {
        "speech": [{"bytes": clip.path.read_bytes(), "path": clip.path.name} for clip in clips],
        "mood": [kind.str2int(clip.native_label[::-1]) for clip in clips],
        "who": [clip.speaker for clip in clips],
    }
    struct = {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}
    features = datasets.Features({"speech": struct, "mood": kind, "who": datasets.Value("string")})
    folder = tmp_path_factory.mktemp("other") / "moods"
    datasets.Dataset.from_dict(rows, features).to_parquet(folder / "train.parquet")
    return folder


def test_ids_card_and_prediction_agree_by_name(other_order, tiny_recipe, tmp_path, capsys):
    columns = ["--speaker_column", "who", "--label_column", "mood", "--scheme", "own"]
    run = tmp_path / "run"
    words = ["train", str(tiny_recipe), "--dataset", str(other_order), *columns, "--output_dir", str(run)]
    assert main([*words, "--protocol", "random", "--num_train_epochs", "8", "--learning_rate", "1e-2"]) == 0
    model, _ = load_checkpoint(run)
    names = [model.config.id2label[i] for i in range(model.config.num_labels)]
    results = json.loads((run / "results.json").read_text())
    assert names == results["data"]["classes"] == sorted(names)
    truth = datasets.load_dataset("parquet", data_files=str(other_order / "train.parquet"), split="train")
    own = truth.features["mood"].names
    assert sorted(own) == names
    assert own != names
    rows = pq.read_table(run / "predictions.parquet").to_pylist()
    for row in rows:
        number = int(row["clip_id"].rpartition("/")[2])
        assert row["label"] == own[truth[number]["mood"]]
    classifier = SerClassifier.from_pretrained(run)
    heard = classifier([truth[int(row["clip_id"].rpartition("/")[2])]["speech"]["bytes"] for row in rows])
    assert [next(iter(scores)) for scores in heard] == [row["predicted"] for row in rows]
    assert results["test"]["metrics"]["accuracy"]["value"] > 2 / len(
        names
    )  # of tones it learns, so ids are not mixed up
    card = (run / "README.md").read_text()
    assert all(name in card for name in names)
    assert "unknown" in card
