"""The temperature inside a network: folded into the class rows of its last layer, and known to all that load it."""

import copy

import numpy as np
import pytest
import torch
from scipy.special import softmax
from transformers import AutoModelForAudioClassification, pipeline

from ser_hf.audio import load
from ser_hf.baselines import load_baseline
from ser_hf.evaluation import fit_temperature
from ser_hf.finetuning import FAMILIES, TransformerSettings, load_extractor, load_transformer
from ser_hf.flows import train as flow
from ser_hf.flows.train import prepare, train
from ser_hf.inference import SerClassifier, export_onnx, open_model
from ser_hf.models import build_config, build_model
from ser_hf.reporting import load_results
from ser_hf.training import calibrate, fold_temperature, load_checkpoint, load_recipe, predict

SMALL = {
    "cnn_blstm_attention": {"conv_channels": [4, 4], "conv_pools": [[4, 2], [2, 2]], "lstm_size": 4},
    "timm_cnn": {"backbone": "test_resnet", "head_sizes": [6]},
    "embedding_mlp": {"embedding_size": 12},
}
RATED = {"targets": ["arousal", "valence"], "target_mean": [3.0, 2.0], "target_std": [1.0, 0.5]}


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("rated", [{}, RATED])
def test_class_logits_are_divided_and_ratings_are_not(name, rated):
    torch.manual_seed(0)
    model = build_model(build_config(name, n_mels=32, num_labels=3, **SMALL[name], **rated)).eval()
    inputs = torch.randn(6, 32, 12 if name == "embedding_mlp" else 48)
    with torch.no_grad():
        before = model(inputs)
        fold_temperature(model, 2.6)
        after = model(inputs)
    torch.testing.assert_close(after.logits, before.logits / 2.6, atol=1e-6, rtol=1e-6)
    assert torch.equal(after.logits.argmax(-1), before.logits.argmax(-1))
    if rated:
        assert torch.equal(after.dimensions, before.dimensions)
    assert model.config.calibration_temperature == 2.6


@pytest.mark.parametrize("family", FAMILIES)
def test_transformers_are_saved_with_it_and_loaded_by_transformers(family, save_transformer, tmp_path):
    source = save_transformer(family, tmp_path / "published")
    settings = TransformerSettings.of({"pretrained": str(source)})
    model = load_transformer(settings, {0: "sad", 1: "happy", 2: "angry"}).eval()
    extractor = load_extractor(str(source), None, None)
    inputs = extractor(np.random.default_rng(0).normal(size=16_000), sampling_rate=16_000, return_tensors="pt")
    with torch.no_grad():
        before = model(**inputs).logits
        fold_temperature(model, 1.7)
        model.save_pretrained(tmp_path / "saved")
        again = AutoModelForAudioClassification.from_pretrained(tmp_path / "saved").eval()
        torch.testing.assert_close(again(**inputs).logits, before / 1.7, atol=1e-6, rtol=1e-5)
    assert again.config.calibration_temperature == 1.7


@pytest.fixture(scope="module")
def known(tiny_recipe):
    """Clips with features that the tiny network can be asked about."""
    return prepare(load_recipe(tiny_recipe, []))


def test_it_is_fitted_in_evaluation_mode_on_the_rows_it_is_given(tiny_run, known):
    model, extractor = load_checkpoint(tiny_run.folder)
    fold_temperature(model, 0.2)  # five times too sure
    rows, before = known.split.datasets["train"], copy.deepcopy(model)
    inputs = flow.scoring_rows(rows, extractor)
    shares = predict(before, inputs).probabilities
    found = calibrate(model.train(), extractor, rows)
    assert not model.training
    assert found == pytest.approx(fit_temperature(np.log(shares), rows["label"][:]), rel=1e-3)
    assert found > 1
    np.testing.assert_allclose(predict(model, inputs).probabilities, softmax(np.log(shares) / found, axis=1), atol=1e-5)


def test_without_validation_nothing_changes_but_what_is_said(tiny_run):
    model, extractor = load_checkpoint(tiny_run.folder)
    model.config.calibration_temperature = 3.0  # of the checkpoint it went on from
    before = copy.deepcopy(model.state_dict())
    assert calibrate(model, extractor, None) == 1
    assert model.config.calibration_temperature == 1
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


@pytest.fixture(scope="module")
def runs(tiny_recipe, tmp_path_factory):
    """The tiny network, with a temperature and without, on 30 validation clips or so."""
    folder = tmp_path_factory.mktemp("calibrated")
    sizes = ["--validation_size", "0.3", "--test_size", "0.25"]
    patch = pytest.MonkeyPatch()
    for name in ("write_report", "write_model_card"):
        patch.setattr(flow, name, lambda _: None)
    for word in ("true", "false"):
        train(load_recipe(tiny_recipe, ["--calibrate", word, "--output_dir", str(folder / word), *sizes]))
    patch.undo()
    return folder


def test_scores_stay_and_the_run_says_what_changed(runs):
    with_it, without = (load_results(runs / word) for word in ("true", "false"))
    assert with_it["test"]["metrics"] == without["test"]["metrics"]
    assert with_it["test"]["confusion"] == without["test"]["confusion"]
    one, two = (results["test"]["calibration"] for results in (with_it, without))
    assert one["temperature"] != 1
    assert two["temperature"] == 1
    assert with_it["model"]["config"]["calibration_temperature"] == one["temperature"]
    for name in ("ece", "nll", "brier"):
        assert one[f"{name}_before"] == pytest.approx(two[name], abs=1e-4)
    model, _ = load_checkpoint(runs / "true")
    assert model.config.calibration_temperature == one["temperature"]


def test_every_way_to_ask_gives_the_calibrated_probabilities(runs, tones_root):
    clip = sorted(tones_root.rglob("*.wav"))[0]
    (scores,) = SerClassifier.from_pretrained(runs / "true")([clip])
    (raw,) = SerClassifier.from_pretrained(runs / "false")([clip])
    t = load_results(runs / "true")["test"]["calibration"]["temperature"]
    names = list(raw)
    expected = softmax(np.log([raw[name] for name in names]) / t)
    np.testing.assert_allclose([scores[name] for name in names], expected, atol=1e-5)
    heard = pipeline("audio-classification", model=str(runs / "true"), top_k=None)(load(clip, 16_000))
    assert {row["label"]: row["score"] for row in heard} == pytest.approx(scores, abs=1e-5)
    file = export_onnx(runs / "true", runs / "model.onnx")
    (by_onnx,) = open_model(file)([clip])
    assert by_onnx == pytest.approx(scores, abs=1e-5)


def test_training_in_bfloat16_leaves_no_trace_in_the_fit(tiny_recipe, known, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(flow, "write_report", lambda _: None)
    monkeypatch.setattr(flow, "write_model_card", lambda _: None)
    fitted = flow.calibrate

    def watch(model, *given):
        seen.append(fitted(model, *given))
        batch = torch.zeros(1, 32, 50)
        seen.append(model(batch).logits.dtype)
        with torch.no_grad():
            hidden = []
            model.classifier.register_forward_hook(lambda *said: hidden.append(said[-1].dtype))
            model(batch)
        seen.append(hidden[-1])

    monkeypatch.setattr(flow, "calibrate", watch)
    train(load_recipe(tiny_recipe, ["--output_dir", str(tmp_path), "--bf16", "true", "--num_train_epochs", "1"]))
    assert seen[1:] == [torch.float32, torch.float32]


def test_a_baseline_keeps_its_temperature_in_its_configuration(tones_root, tmp_path, monkeypatch):
    for name in ("write_report", "write_model_card"):
        monkeypatch.setattr(flow, name, lambda _: None)
    words = ["--data_root", str(tones_root), "--corpora", "ravdess", "savee", "--protocol", "random"]
    words += ["--validation_size", "0.3", "--test_size", "0.25", "--model_settings", "C=1", "gamma=0.5"]
    found = {}
    for word in ("true", "false"):
        folder = tmp_path / word
        found[word] = train(load_recipe("svm", [*words, "--calibrate", word, "--output_dir", str(folder)]))["test"]
        assert load_baseline(folder)[0].config.temperature == found[word]["calibration"]["temperature"]
    assert found["false"]["calibration"]["temperature"] == 1 != found["true"]["calibration"]["temperature"]
    assert found["true"]["metrics"] == found["false"]["metrics"]
    assert found["true"]["calibration"]["nll_before"] == pytest.approx(found["false"]["calibration"]["nll"], abs=1e-4)
