"""Ratings as targets: learned where there is something to learn, masked where nobody rated, mixed as labels are."""

import csv
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from ser_hf.base.errors import RecipeError, SerHfError
from ser_hf.cli import main
from ser_hf.corpora import CORPORA, scan
from ser_hf.evaluation import ccc
from ser_hf.flows.train import prepare
from ser_hf.inference import SerClassifier, export_onnx
from ser_hf.labels import EMOTIONS
from ser_hf.models import build_config, build_model, ccc_loss
from ser_hf.training import load_recipe
from ser_hf.training.arguments import AugmentArguments
from ser_hf.training.collator import SerCollator
from ser_hf.training.targets import Targets


@pytest.fixture(scope="module")
def rated(tones_root, tmp_path_factory):
    """A table of the tones: arousal follows the pitch, valence nothing; dominance is known of none."""
    folder = tmp_path_factory.mktemp("rated")
    clips = scan(CORPORA["ravdess"], tones_root / "ravdess").clips + scan(CORPORA["tess"], tones_root / "tess").clips
    rng = np.random.default_rng(0)
    with (folder / "rated.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["FileName", "EmoClass", "SpkrID", "EmoAct", "EmoVal", "EmoDom"])
        for i, clip in enumerate(clips):
            arousal = 4 + 0.5 * EMOTIONS.index(clip.emotion)
            writer.writerow(
                [clip.path, clip.emotion, clip.speaker, "" if i % 7 == 3 else arousal, f"{rng.normal(3, 1):.3f}", ""]
            )
    return folder / "rated.csv"


@pytest.fixture(scope="module")
def words(rated, tiny_recipe):
    return [str(tiny_recipe), "--dataset", str(rated), "--protocol", "random", "--test_size", "0.3"]


@pytest.fixture(scope="module")
def run(words, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "rated"
    targets = ["--targets", "arousal", "valence", "--num_train_epochs", "12"]
    assert main(["train", *words, *targets, "--output_dir", str(folder)]) == 0
    return folder


def test_what_can_be_learned_is_and_chance_is_not(run):
    results = json.loads((run / "results.json").read_text())
    found = results["test"]["dimensions"]
    assert found["arousal"]["ccc"]["value"] > 0.6
    assert found["valence"]["ccc"]["value"] < 0.4
    assert 0 < found["arousal"]["n_clips"] < results["test"]["n_clips"] == found["valence"]["n_clips"]
    assert found["arousal"]["ccc"]["clips"][0] < found["arousal"]["ccc"]["value"] < found["arousal"]["ccc"]["clips"][1]


def test_the_table_of_predictions_gives_the_scores(run):
    rows = pq.read_table(run / "predictions.parquet").to_pandas()
    found = json.loads((run / "results.json").read_text())["test"]["dimensions"]["arousal"]
    assert rows["arousal"].isna().sum() == len(rows) - found["n_clips"] > 0
    assert ccc(rows["arousal"], rows["arousal_predicted"]) == pytest.approx(found["ccc"]["value"], abs=1e-6)


def test_report_card_and_table_show_them(run, words, capsys):
    page, card = (run / "report.html").read_text(), (run / "README.md").read_text()
    value = f"{json.loads((run / 'results.json').read_text())['test']['dimensions']['arousal']['ccc']['value']:.3f}"
    assert value in page
    assert "| arousal | " in card
    assert value in card


def test_a_clip_is_rated_on_the_scale_of_the_data(run, rated, capsys):
    rows = pq.read_table(run / "predictions.parquet").to_pylist()
    with rated.open() as file:
        paths = {row["FileName"].rpartition("/")[2]: row["FileName"] for row in csv.DictReader(file)}
    clips = [paths[row["clip_id"].rpartition("/")[2]] for row in rows]
    heard = SerClassifier.from_pretrained(run).listen(clips)
    np.testing.assert_allclose(
        [h.dimensions["arousal"] for h in heard], [r["arousal_predicted"] for r in rows], atol=1e-4
    )
    assert main(["predict", str(run), clips[0], "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert set(said["dimensions"]) == {"arousal", "valence"}
    assert main(["predict", str(run), clips[0]]) == 0
    assert "; arousal " in capsys.readouterr().out


def test_means_and_deviations_are_those_of_the_training_split(run, words):
    config = json.loads((run / "config.json").read_text())
    train = prepare(load_recipe(words[0], [*words[1:], "--targets", "arousal", "valence"])).split.datasets["train"]
    arousal = [value for value in train["arousal"] if value is not None]
    assert config["targets"] == ["arousal", "valence"]
    assert config["target_mean"] == pytest.approx([np.mean(arousal), np.mean(train["valence"])])
    assert config["target_std"] == pytest.approx([np.std(arousal), np.std(train["valence"])])


def test_ratings_alone_choose_the_checkpoint_by_their_ccc(words, tmp_path):
    run = tmp_path / "alone"
    options = ["--targets", "arousal", "--target_weight", "1", "--num_train_epochs", "3", "--mixup_alpha", "0.4"]
    assert main(["train", *words, *options, "--output_dir", str(run)]) == 0
    history = json.loads((run / "results.json").read_text())["training"]
    by_epoch = {entry["epoch"]: entry["eval_ccc"] for entry in history["history"]}
    assert history["best_epoch"] == max(by_epoch, key=by_epoch.get)
    assert "the classes were not trained" in json.loads((run / "results.json").read_text())["caveat"]


def test_a_run_goes_on_with_its_ratings(run, words, tmp_path):
    recipe = load_recipe(words[0], [*words[1:], "--init_from", str(run), "--targets", "valence", "arousal"])
    from ser_hf.training import make_extractor, make_model
    from ser_hf.training.checkpoint import load_checkpoint

    old, _ = load_checkpoint(run)
    targets = Targets(("valence", "arousal"), (0.0, 0.0), (1.0, 1.0))
    new = make_model(recipe, make_extractor(recipe), None, targets)
    assert torch.equal(new.classifier.weight[-2:], old.classifier.weight[[-1, -2]])
    assert torch.equal(new.classifier.weight[:-2], old.classifier.weight[:-2])


def test_an_onnx_file_would_lose_them(run, tmp_path):
    with pytest.raises(SerHfError, match="rates arousal, valence as well, which an ONNX file of ours does not hold"):
        export_onnx(run, tmp_path / "x.onnx")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--targets", "arousel"], "targets: unknown dimension 'arousel'; did you mean 'arousal'"),
        (["--targets", "arousal", "arousal"], "one is named twice"),
        (["--target_weight", "0.3"], "target_weight is of the targets, and there are none"),
        (["--targets", "arousal", "--target_weight", "0"], "target_weight is 0.0; expected"),
        (["--targets", "arousal", "--target_weight", "2"], "target_weight is 2.0; expected"),
        (["--targets", "dominance"], "targets: no training clip has a rating of dominance; leave it out"),
        (["--metric_for_best_model", "ccc"], "unknown metric_for_best_model 'ccc'"),
    ],
)
def test_what_cannot_be_rated_is_refused(words, tmp_path, options, message, capsys):
    assert main(["train", *words, *options, "--output_dir", str(tmp_path / "run")]) == 2
    assert message in capsys.readouterr().err


def test_transformers_have_no_ratings():
    from ser_hf.training.targets import check_targets

    recipe = load_recipe(
        None, ["--model", "transformer", "--corpora", "tess", "--protocol", "random", "--targets", "arousal"]
    )
    with pytest.raises(RecipeError, match="model 'transformer' has no head for ratings"):
        check_targets(recipe)


def test_the_loss_is_one_minus_the_ccc_of_those_rated():
    rng = np.random.default_rng(0)
    true, guess = rng.normal(4, 1, (20, 2)), rng.normal(4, 1, (20, 2))
    true[:5, 1] = np.nan
    wanted = np.mean([1 - ccc(true[:, i], guess[:, i]) for i in range(2)])
    assert ccc_loss(torch.tensor(guess), torch.tensor(true)).item() == pytest.approx(wanted)


@pytest.mark.parametrize("true", [[[np.nan], [np.nan]], [[1.0], [np.nan]], [[2.0], [2.0]]])
def test_without_two_ratings_that_differ_the_loss_is_nothing_and_its_slope_finite(true):
    guess = torch.full((2, 1), 2.0, requires_grad=True)
    loss = ccc_loss(guess, torch.tensor(true))
    loss.backward()
    assert loss.item() == 0
    assert torch.isfinite(guess.grad).all()


def test_ratings_are_mixed_with_the_shares_of_the_labels():
    rows = [
        {
            "input_features": np.full((4, 6), i, np.float32),
            "labels": i % 2,
            "targets": [float(i), np.nan],
            "training": True,
        }
        for i in range(8)
    ]
    batch = SerCollator(2, AugmentArguments(mixup_alpha=0.5))(rows)
    np.testing.assert_allclose(batch["targets"][:, 0], batch["input_features"][:, 0, 0], rtol=1e-5)
    assert torch.isnan(batch["targets"][:, 1]).all()
    plain = SerCollator(2)([{**row, "training": False} for row in rows])
    assert plain["targets"][:, 0].tolist() == [float(i) for i in range(8)]


def test_a_model_without_targets_is_as_it_was():
    config = build_config("cnn_blstm_attention", n_mels=8, num_labels=3)
    model = build_model(config).eval()
    said = model(torch.zeros(2, 8, 40), labels=torch.tensor([0, 1]))
    assert said.dimensions is None
    assert said.logits.shape == (2, 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"targets": ["arousal"]}, "one target_mean and one target_std"),
        ({"target_weight": 2.0}, "target_weight is 2.0, expected 0 to 1"),
    ],
)
def test_settings_that_do_not_pair(settings, message):
    with pytest.raises(ValueError, match=message):
        build_config("timm_cnn", **settings)
