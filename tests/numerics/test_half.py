"""float16 and its range: what is too large or too small for it is told of, or kept in float32."""

import io
import json
import shutil

import datasets
import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file, save_file

from ser_hf.base.errors import AudioError, NotFiniteError
from ser_hf.features import FeatureRows, add_features
from ser_hf.inference import SerClassifier, export_small
from ser_hf.models import SerFeatureExtractor
from ser_hf.models.cnn_blstm_attention import CnnBlstmAttentionForAudioClassification as Network
from ser_hf.training import load_checkpoint, outputs

NOISE = np.random.default_rng(0).normal(0, 0.3, 8000).astype(np.float32)
LINEAR = {"peak_normalise": False, "normalisation": "none", "scale": "linear", "top_db": None}


def rows(*gains: float, stream: bool = False):
    given = []
    for i, gain in enumerate(gains):
        soundfile.write(file := io.BytesIO(), gain * NOISE, 16_000, format="WAV", subtype="FLOAT")
        given.append({"bytes": file.getvalue(), "path": f"clip{i}.wav"})
    found = datasets.Dataset.from_dict({"audio": given, "label": [0] * len(gains)})
    return found.to_iterable_dataset() if stream else found


def extractor(**settings) -> SerFeatureExtractor:
    return SerFeatureExtractor(duration=0.5, n_mels=16, n_fft=256, **settings)


def computed(given, maker: SerFeatureExtractor, dtype: str = "float16") -> np.ndarray:
    found = add_features(given, maker, dtype=dtype)
    if isinstance(found, datasets.IterableDataset):
        return np.stack([np.asarray(row["input_features"]) for row in found])
    return np.stack([row["input_features"] for row in FeatureRows(found, training=False)])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("gain", "said"), [(1e4, "are not finite: they are too large"), (1e-4, "are too small")])
def test_features_that_float16_does_not_hold_are_refused_by_clip(gain, said, stream):
    maker = extractor(**LINEAR)
    with pytest.raises(AudioError, match=rf"^the features of clip1\.wav {said} for float16; use dtype='float32'$"):
        computed(rows(1.0, gain, stream=stream), maker)
    assert np.isfinite(computed(rows(1.0, gain, stream=stream), maker, "float32")).all()


@pytest.mark.parametrize(
    "settings", [{}, {"normalisation": "clip"}, {"features": "mfcc", "n_mfcc": 8, "normalisation": "none"}, LINEAR]
)
def test_what_it_holds_is_as_near_as_it_can_be(settings):
    given = rows(1.0, 0.0, 0.03)
    exact, half = (computed(given, extractor(**settings), dtype) for dtype in ("float32", "float16"))
    assert np.abs(exact - half).max() <= 1e-3 * np.abs(exact).max()


@pytest.mark.parametrize(("last", "clean"), [(65_504.0, True), (65_519.0, True), (65_520.0, False), (70_000.0, False)])
def test_the_limit_is_that_of_float16(last, clean):
    from ser_hf.features._step import FeatureStep

    step, values = FeatureStep(extractor(), "cpu", "float16"), np.full((1, 2, 2), last, np.float32)
    if clean:
        assert np.isfinite(step._rounded(values, ["a.wav"])).all()
        return
    with pytest.raises(AudioError, match="too large for float16"):
        step._rounded(values, ["a.wav"])


@pytest.fixture
def copied(tiny_run, tmp_path):
    """A function that copies the run with other weights: key -> what they are multiplied by."""

    def make(**factors: float):
        folder = tmp_path / "run"
        shutil.copytree(tiny_run.folder, folder)
        weights = load_file(folder / "model.safetensors")
        for key, factor in factors.items():
            weights[key.replace("__", ".")].mul_(factor)
        save_file(weights, folder / "model.safetensors", {"format": "pt"})
        return folder

    return make


def probabilities(folder) -> np.ndarray:
    return SerClassifier.from_pretrained(folder, "cpu").score([NOISE, NOISE[::-1].copy()]).probabilities


@pytest.mark.parametrize("factor", [1e-6, 1e-9, 1e7])
def test_a_small_folder_says_the_same_whatever_the_range_of_its_weights(copied, factor, tmp_path):
    run = copied(dense__weight=factor, dense__bias=factor, classifier__weight=1 / factor)
    small = export_small(run, tmp_path / "small")
    kept = load_file(small / "model.safetensors")
    assert kept["dense.weight"].dtype == kept["classifier.weight"].dtype == torch.float32
    assert np.abs(probabilities(small) - probabilities(run)).max() <= 0.01


def test_a_network_that_overflows_in_float16_says_no_emotion(copied):
    model, maker = load_checkpoint(copied(classifier__weight=1e6, dense__weight=1e6), "cpu")
    inputs = [{"input_features": x} for x in maker([NOISE], sampling_rate=16_000)["input_features"]]
    assert np.isfinite(outputs(model, inputs).probabilities).all()
    try:
        with torch.autocast("cpu", torch.float16), pytest.raises(NotFiniteError, match="use another checkpoint, or f"):
            outputs(model, inputs)
    except RuntimeError as error:
        pytest.skip(f"this CPU has no such kernel: {error}")


@pytest.mark.slow
def test_an_onnx_file_of_a_network_that_overflows_is_not_written(copied, tmp_path, capsys):
    from ser_hf.cli import main

    run = copied(classifier__weight=1e30, dense__weight=1e30)
    assert not np.isfinite(raw(run)).all()
    assert main(["export", str(run), "--output", str(tmp_path / "x.onnx")]) == 2
    assert "NaN or infinite" in capsys.readouterr().err.strip().splitlines()[-1]
    assert not (tmp_path / "x.onnx").exists()


def raw(run) -> np.ndarray:
    model, maker = load_checkpoint(run, "cpu")
    assert isinstance(model, Network)
    features = maker([NOISE], sampling_rate=16_000, return_tensors="pt")["input_features"]
    with torch.inference_mode():
        return model(features).logits.softmax(-1).numpy()


def test_a_folder_of_half_weights_that_overflow_is_refused(copied, tmp_path):
    small = export_small(copied(), tmp_path / "small")
    weights = load_file(small / "model.safetensors")
    weights["dense.weight"].view(-1)[0] = float("inf")  # what a plain cast makes of 1e5
    save_file(weights, small / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=r"1 weights are not finite, e\.g\. dense\.weight"):
        load_checkpoint(small)
    assert json.loads((small / "config.json").read_text())["model_type"] == "cnn_blstm_attention"
