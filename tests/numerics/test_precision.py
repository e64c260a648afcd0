"""How far half precision is from float32: features never differ, networks within stated bounds.

The networks are small and random, with logits as wide apart as a trained network's: their last layer is scaled so that
logits have a deviation of 3 over clips and classes.
"""

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from ser_hf.audio import load
from ser_hf.models import MODELS, SerFeatureExtractor, build_config, build_model
from ser_hf.training.calibrating import last_linear

SMALL = {
    "cnn_blstm_attention": {"conv_channels": [4, 4, 4, 4], "lstm_size": 8, "functionals": True},
    "timm_cnn": {"backbone": "resnet18"},
}
TRANSFORMERS = (*("whisper_ser", "wav2vec2", "hubert", "wavlm", "data2vec-audio", "audio-spectrogram-transformer"),)
HALVES = {"bf16 autocast": torch.bfloat16, "fp16 autocast": torch.float16, "bf16 weights": torch.bfloat16}
BOUNDS = {"bf16 autocast": 0.05, "fp16 autocast": 0.01, "bf16 weights": 0.05}
"""Largest difference of a probability from that of float32."""
LABELS = dict(enumerate(("angry", "happy", "neutral", "sad")))


def clips_of(folder: Path | None) -> list[np.ndarray]:
    """Eight clips of 1 s: real ones, or tones that fall and rise in noise."""
    if folder is not None:
        files = sorted(file for file in (folder / "ravdess").rglob("03-01-*") if file.is_file())
        return [load(str(file), 16_000)[12_000:28_000] for file in files[:: len(files) // 8][:8]]
    rng, t = np.random.default_rng(0), np.arange(16_000) / 16_000
    tones = (np.sin(2 * np.pi * (150 + 60 * i) * t * (1 + 0.3 * t)) for i in range(8))
    return [(0.5 * tone + 0.05 * rng.normal(size=len(t))).astype(np.float32) for tone in tones]


@cache
def tiny_transformers():
    spec = importlib.util.spec_from_file_location("tiny", Path(__file__).parents[1] / "tiny_transformers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def network(kind: str, clips: list[np.ndarray], folder: Path):
    """A network in evaluation mode and what it takes of the clips."""
    torch.manual_seed(0)
    if kind in MODELS and kind not in TRANSFORMERS:
        extractor = SerFeatureExtractor(duration=1.0, n_mels=64)
        config = build_config(kind, **SMALL[kind], n_mels=64, id2label=LABELS)
        model, inputs = build_model(config), extractor(clips, sampling_rate=16_000, return_tensors="pt")
    else:
        from ser_hf.finetuning import TransformerSettings, load_extractor, load_transformer

        source = str(tiny_transformers().save(kind, folder / kind))
        model, extractor = load_transformer(TransformerSettings(source), LABELS), load_extractor(source)
        inputs = extractor(clips, sampling_rate=16_000, return_tensors="pt")
    model.eval()
    with torch.inference_mode():
        spread = model(**inputs)["logits"].std()
    with torch.no_grad():
        last_linear(model)[1].weight.mul_(3 / spread)
    return model, inputs


def shares(model, inputs, how: str | None) -> torch.Tensor:
    with torch.inference_mode():
        if how is None:
            return model(**inputs)["logits"].softmax(-1)
        if how.endswith("autocast"):
            with torch.autocast("cpu", HALVES[how]):
                return model(**inputs)["logits"].float().softmax(-1)
        half = {k: v.to(HALVES[how]) if v.is_floating_point() else v for k, v in inputs.items()}
        return model.to(HALVES[how])(**half)["logits"].float().softmax(-1)


def difference(kind: str, how: str, clips: list[np.ndarray], folder: Path) -> float:
    """The largest difference of a probability from float32's."""
    model, inputs = network(kind, clips, folder)
    exact = shares(model, inputs, None)
    assert exact.amax(dim=1).mean() > 0.4  # of four classes: nearly as sure as a trained one
    found = shares(model, inputs, how)
    assert found.isfinite().all()
    return float((found - exact).abs().max())


def _supported(error: RuntimeError) -> bool:
    return "not implemented for" not in str(error) and "not supported" not in str(error)


def _measured(kind: str, how: str, clips: list[np.ndarray], folder: Path) -> float:
    try:
        return difference(kind, how, clips, folder)
    except RuntimeError as error:
        if _supported(error):
            raise
        pytest.skip(f"this CPU has no such kernel: {error}")


@pytest.mark.parametrize("how", HALVES)
@pytest.mark.parametrize("kind", ["cnn_blstm_attention", "whisper_ser"])
def test_half_precision_is_near_float32(kind, how, tmp_path):
    assert _measured(kind, how, clips_of(None), tmp_path) <= BOUNDS[how]


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize("how", HALVES)
@pytest.mark.parametrize("kind", [*SMALL, *TRANSFORMERS])
def test_half_precision_is_near_float32_on_real_clips(kind, how, shared_data, tmp_path):
    assert _measured(kind, how, clips_of(shared_data), tmp_path) <= BOUNDS[how]


@pytest.mark.real
@pytest.mark.parametrize("how", ["bf16 autocast", "fp16 autocast"])
def test_the_model_of_the_package_says_nearly_the_same_of_real_clips(how, shared_data):
    from ser_hf.inference import SerClassifier

    heard, clips = SerClassifier.default("cpu"), clips_of(shared_data)
    exact = heard.score(clips).probabilities
    with torch.autocast("cpu", HALVES[how]):
        found = heard.score(clips).probabilities
    assert 0 < np.abs(found - exact).max() <= BOUNDS[how]


@pytest.mark.parametrize("how", [torch.bfloat16, torch.float16])
def test_features_are_computed_in_float32_whatever_is_around_them(how):
    extractor, clips = SerFeatureExtractor(duration=1.0), clips_of(None)
    wanted = extractor(clips, sampling_rate=16_000)["input_features"]
    before = torch.get_default_dtype()
    try:
        torch.set_default_dtype(how)
        with torch.autocast("cpu", how):
            found = extractor(clips, sampling_rate=16_000)["input_features"]
    finally:
        torch.set_default_dtype(before)
    assert found.dtype == np.float32
    assert 40 * np.abs(found - wanted).max() <= 1e-5  # dB: of 80, on a scale from -1 to 1


@pytest.mark.parametrize(("dtype", "bound"), [(np.float64, 1e-5), (np.float16, 2.5)])
def test_samples_of_another_precision_give_features_as_near_as_they_are(dtype, bound):
    extractor, clips = SerFeatureExtractor(duration=1.0, top_db=40.0), clips_of(None)
    wanted = extractor(clips, sampling_rate=16_000)["input_features"]
    found = extractor([clip.astype(dtype) for clip in clips], sampling_rate=16_000)["input_features"]
    assert found.dtype == np.float32
    assert 20 * np.abs(found - wanted).max() <= bound
