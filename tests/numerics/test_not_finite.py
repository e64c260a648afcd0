"""NaN and infinity end in one line wherever they come in, and never in an emotion."""

from types import SimpleNamespace

import datasets
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.torch import load_file, save_file
from transformers import EvalPrediction

from ser_hf.base.errors import AudioError, CheckpointError, DivergedError, NotFiniteError, RecipeError, SerHfError
from ser_hf.evaluation import ccc, evaluate_calibration, evaluate_votes, fit_temperature
from ser_hf.features import FeatureRows
from ser_hf.features.inputs import inputs_of
from ser_hf.inference.onnx_classifier import OnnxClassifier
from ser_hf.models import SerFeatureExtractor, WhisperSerFeatureExtractor, build_config, build_model
from ser_hf.training import load_checkpoint, load_recipe, mean_probabilities, outputs, predict
from ser_hf.training.trainer import validation_scores

BAD = [float("nan"), float("inf"), -float("inf")]
NAMES = ["one", "two", "three"]
LEVELS = st.sampled_from([0.0, 1.0, -1.0, 1e-45, 1e-38, 1e-20, 0.5, 3.0, 1e10, 1e30, -1e30, 3.4e38])
CLIPS = arrays(np.float32, st.integers(1, 700), elements=LEVELS)
EXTRACTORS = [
    SerFeatureExtractor(duration=0.1, n_mels=16, n_fft=256),
    SerFeatureExtractor(duration=0.1, n_mels=16, n_fft=256, normalisation="clip", trim_db=None),
    SerFeatureExtractor(duration=0.2, n_mels=16, n_fft=256, features="mfcc", n_mfcc=8, deltas=1, normalisation="none"),
    SerFeatureExtractor(
        duration=0.1, n_mels=16, n_fft=256, peak_normalise=False, normalisation="none", scale="linear", top_db=None
    ),
    SerFeatureExtractor(duration=0.1, n_mels=16, n_fft=256, peak_normalise=False),
    WhisperSerFeatureExtractor(feature_size=16, chunk_length=1),
]


@pytest.mark.parametrize("extractor", EXTRACTORS, ids=range(len(EXTRACTORS)))
@settings(max_examples=40)
@given(samples=CLIPS)
def test_any_finite_clip_gives_finite_features_or_an_error_with_its_name(extractor, samples):
    found, said = _heard(samples, extractor)
    if said:
        assert "call.wav" in said
        assert np.abs(samples).max() > 1e9 or len(samples) < 400
    assert all(np.isfinite(values).all() for values in found.values())


def _heard(samples, extractor) -> tuple[dict[str, np.ndarray], str]:
    try:
        return inputs_of([("call.wav", samples)], extractor)[0], ""
    except AudioError as error:
        return {}, str(error)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("extractor", EXTRACTORS, ids=range(len(EXTRACTORS)))
def test_a_clip_with_one_bad_sample_is_refused(extractor, bad):
    samples = np.ones(1000, np.float32)
    samples[500] = bad
    with pytest.raises(ValueError, match="NaN or infinity"):
        inputs_of([("call.wav", samples)], extractor)


def rows_with(value: float, **columns) -> datasets.Dataset:
    features = np.zeros((3, 16, 8), np.float32)
    features[1, 3, 3] = value
    kinds = datasets.Features(
        {"input_features": datasets.Array2D((16, 8), "float32"), "label": datasets.ClassLabel(names=NAMES)}
    )
    rows = datasets.Dataset.from_dict({"input_features": features, "label": [0, 1, 2]}, kinds)
    return rows.add_column("clip_id", [f"savee/{i}" for i in range(3)])


@pytest.mark.parametrize("bad", BAD)
def test_damaged_features_of_a_cache_are_told_of_by_clip(bad):
    rows = FeatureRows(rows_with(bad), training=True)
    assert np.isfinite(rows[0]["input_features"]).all()
    with pytest.raises(SerHfError, match=r"features of savee/1 hold NaN or infinity.*compute them again"):
        rows.__getitems__([0, 1, 2])


@pytest.fixture
def network():
    torch.manual_seed(0)
    labels = dict(enumerate(NAMES))
    config = build_config(
        "cnn_blstm_attention", conv_channels=[4, 4], conv_pools=[[1, 2], [2, 2]], id2label=labels, n_mels=16
    )
    return build_model(config).eval()


@pytest.mark.parametrize("bad", BAD)
def test_a_network_that_says_no_number_names_the_clip(network, bad):
    with torch.no_grad():
        network.classifier.bias[1] = bad if bad > 0 else float("nan")
    with pytest.raises(NotFiniteError, match=r"clip savee/0: the model's probabilities are NaN or infinite for 3 of 3"):
        predict(network, FeatureRows(rows_with(0.0), training=False))


def test_the_first_bad_input_has_its_number():
    def model(input_features):
        return {"logits": input_features[:, 0, :3] / input_features[:, 0, :3]}

    model.device = torch.device("cpu")
    inputs = [{"input_features": np.full((16, 8), value, np.float32)} for value in (1.0, 2.0, 0.0)]
    said = type("Said", (), {"device": torch.device("cpu"), "__call__": lambda self, **x: model(**x)})()
    assert outputs(said, inputs[:2]).probabilities.shape == (2, 3)
    with pytest.raises(NotFiniteError, match="input 3") as caught:
        outputs(said, inputs)
    assert caught.value.number == 2


def test_an_onnx_file_that_says_nan_is_refused():
    classifier = object.__new__(OnnxClassifier)
    classifier.labels = ("a", "b")
    classifier._session = SimpleNamespace(run=lambda _, given: [np.full((len(given["waveform"]), 2), np.nan)])
    with pytest.raises(NotFiniteError, match="probabilities are NaN"):
        classifier.score([np.zeros(4, np.float32)])


@pytest.mark.parametrize("bad", BAD)
def test_no_score_is_made_of_what_is_no_number(bad):
    shares, ids = np.full((30, 3), 1 / 3), np.arange(30) % 3
    shares[4, 0] = bad
    with pytest.raises(SerHfError, match=r"1 of 30 clips are NaN or infinite, first those of clip 5"):
        evaluate_calibration(shares, ids, before=shares, n_resamples=0)
    with pytest.raises(SerHfError, match="finite"):
        evaluate_votes([[1, 0, 0]] * 30, shares, [None] * 30)
    with pytest.raises(NotFiniteError, match="member 2 are NaN"):
        mean_probabilities([np.full((30, 3), 1 / 3), shares], [1, 1])
    with pytest.raises(NotFiniteError, match="logits are NaN"):
        validation_scores(EvalPrediction(shares, ids))
    with pytest.raises(NotFiniteError, match="ratings are NaN"):
        validation_scores(EvalPrediction((np.zeros((30, 3)), shares), (ids, np.zeros((30, 3)))))
    with pytest.raises(SerHfError, match="NaN or infinite"):
        ccc(np.linspace(0, 1, 30), shares[:, 0])


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_no_temperature_is_fitted_to_what_is_no_number(bad):
    logits = np.random.default_rng(0).normal(size=(60, 3))
    assert np.isfinite(fit_temperature(logits, np.arange(60) % 3))
    logits[7, 2] = bad
    with pytest.raises(SerHfError, match="no temperature"):
        fit_temperature(logits, np.arange(60) % 3)


@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=2, max_size=20), st.floats(-1e4, 1e4, width=32))
def test_ccc_of_any_finite_ratings_is_a_number(ratings, guess):
    assert -1 - 1e-9 <= ccc(ratings, [guess] * len(ratings)) <= 1 + 1e-9
    assert -1 - 1e-9 <= ccc(ratings, ratings[::-1]) <= 1 + 1e-9


def test_weights_with_nan_are_refused_by_name(tiny_run, tmp_path, save_transformer):
    from ser_hf.finetuning import TransformerSettings, load_transformer

    source = save_transformer("whisper_ser", tmp_path / "whisper")
    for folder, key in ((tiny_run.folder, "dense.weight"), (source, "encoder.conv1.weight")):
        copy = tmp_path / "copy" / folder.name
        copy.mkdir(parents=True)
        for name in ("config.json", "preprocessor_config.json"):
            (copy / name).write_bytes((folder / name).read_bytes())
        weights = load_file(folder / "model.safetensors")
        weights[key].view(-1)[3] = float("inf")
        save_file(weights, copy / "model.safetensors", {"format": "pt"})
        with pytest.raises(CheckpointError, match=rf"1 weights are not finite, e\.g\. {key}"):
            load_checkpoint(copy)
    with pytest.raises(RecipeError, match=r"1 weights are NaN or infinite, e\.g\. encoder.conv1.weight"):
        load_transformer(TransformerSettings(str(copy)), {0: "a", 1: "b"})


def test_a_diverged_training_stops_at_its_step_and_keeps_what_was_written(tiny_recipe, tiny_run, tmp_path, monkeypatch):
    from torch.nn import functional as F

    from ser_hf.flows.train import train

    seen = []

    def loss(logits, labels, **given):
        seen.append(len(logits))
        return F.cross_entropy(logits, labels) * (float("nan") if len(seen) == 15 else 1.0)

    monkeypatch.setattr("ser_hf.training.trainer.set_loss", lambda model, _: setattr(model, "loss_function", loss))
    recipe = load_recipe(tiny_recipe, ["--output_dir", str(tmp_path / "run"), "--precision", "fp32"])
    with pytest.raises(DivergedError) as caught:
        train(recipe)
    said = str(caught.value)
    assert len(seen) == 15  # and no epoch of NaN after it
    assert "the loss of step 15 is nan; the last finite loss was" in said
    assert "at step 14" in said
    assert "learning rate of" in said
    assert f"Kept is {tmp_path / 'run' / 'checkpoints' / 'checkpoint-12'}" in said
    assert "\n" not in said
    assert (tmp_path / "run" / "checkpoints" / "checkpoint-12" / "model.safetensors").is_file()
    assert not (tmp_path / "run" / "results.json").exists()


@pytest.mark.slow
def test_a_learning_rate_that_blows_up_is_told_of(tiny_recipe, tiny_run, tmp_path, capsys):
    from ser_hf.cli import main

    words = ["--output_dir", str(tmp_path / "run"), "--learning_rate", "1000", "--precision", "fp32"]
    assert main(["train", str(tiny_recipe), *words]) != 0
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert "training diverged" in said
    assert "lower --learning_rate" in said
    assert main(["train", str(tiny_recipe), *words[:2], "--learning_rate", "1e6"]) != 0
    assert "learning_rate" in capsys.readouterr().err
