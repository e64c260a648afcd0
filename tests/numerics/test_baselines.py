"""NaN and infinity through the machines of scikit-learn: in their features, their files and what they say."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skops.io import dumps

from ser_hf.base.errors import AudioError, CheckpointError, NotFiniteError
from ser_hf.baselines import Clips, FunctionalsExtractor, build_baseline, fit
from ser_hf.features.inputs import inputs_of
from ser_hf.training import load_checkpoint, outputs

BAD = [float("nan"), float("inf"), -float("inf")]
KINDS = {"logistic": {"C": 0.1}, "svm": {"C": 1.0, "gamma": 1.0}}
LEVELS = st.sampled_from([0.0, 1.0, -1.0, 1e-45, 1e-20, 0.5, 3.0, 1e10, 1e30, -1e30, 3.4e38])


def clips(seed: int, n: int = 60) -> Clips:
    rng, labels = np.random.default_rng(seed), np.arange(n) % 3
    features = rng.normal(size=(n, 20)).astype(np.float32).astype(np.float64)
    features[np.arange(n), labels] += 2.0
    speakers = [f"s{i // 3 % 9}" for i in range(n)]
    return Clips(features, labels, speakers, speakers)


def machine(kind: str, **more):
    return fit(build_baseline(kind, ("calm", "happy", "sad"), **KINDS[kind], **more), clips(0), clips(1))[0]


def asked(model, heard: Clips) -> np.ndarray:
    inputs = [{"input_features": row[:, None]} for row in heard.features]
    return outputs(model, inputs, heard.speakers).probabilities


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("more", [{}, {"speaker_normalisation": True}])
def test_features_that_are_no_numbers_are_refused_by_clip(kind, more, bad, recwarn):
    spoilt = clips(2)
    spoilt.features[4, 3] = bad
    with pytest.raises(NotFiniteError, match="features of input 5 are NaN or infinite") as caught:
        asked(machine(kind, **more), spoilt)
    assert caught.value.number == 4
    config = build_baseline(kind, ("calm", "happy", "sad"), **KINDS[kind], **more)
    with pytest.raises(NotFiniteError, match="features of training clip 5"):
        fit(config, spoilt, clips(1))
    with pytest.raises(NotFiniteError, match="features of validation clip 5"):
        fit(config, clips(1), spoilt)
    assert not recwarn.list


def spoilt_file(kind: str, place: str, value, folder: Path, **more) -> Path:
    """A run folder whose machine has ``value`` at a place: ``step.attribute``; the first of its numbers."""
    model = machine(kind, **more)
    step, name = place.split(".")
    part = model.pipeline[int(step)]
    array = np.array(getattr(part, name))
    array.flat[0] = value
    setattr(part, name, array if array.ndim else float(array))
    model.save_pretrained(folder)
    FunctionalsExtractor("mfcc_mean").save_pretrained(folder)
    (folder / "model.skops").write_bytes(dumps(model.pipeline))
    return folder


PLACES = [
    *(("logistic", place) for place in ("0.mean_", "0.scale_", "1.coef_", "1.intercept_")),
    *(("svm", f"1.{name}") for name in ("support_vectors_", "_dual_coef_", "_intercept_", "_gamma")),
]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize(("kind", "place"), PLACES)
def test_a_file_with_numbers_that_are_none_is_refused(kind, place, bad, tmp_path):
    with pytest.raises(CheckpointError, match=r"in model\.skops are not what they should be; train it again"):
        load_checkpoint(spoilt_file(kind, place, bad, tmp_path))


@pytest.mark.parametrize(
    ("kind", "place", "value"),
    [
        *(("logistic", "0.scale_", value) for value in (0.0, -1.0)),
        *(("svm", "1._gamma", value) for value in (0.0, -1.0, 1e300, 1e-320)),
    ],
)
def test_numbers_that_make_every_clip_the_same_are_refused(kind, place, value, tmp_path):
    with pytest.raises(CheckpointError, match=r"(scale|gamma) in model\.skops are not what they should be"):
        load_checkpoint(spoilt_file(kind, place, value, tmp_path))


@pytest.mark.parametrize("kind", KINDS)
def test_complex_numbers_are_none(kind, tmp_path):
    model = machine(kind)
    model.pipeline[0].mean_ = model.pipeline[0].mean_.astype(complex)
    model.save_pretrained(tmp_path)
    FunctionalsExtractor("mfcc_mean").save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match=r"numbers in model\.skops"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(("place", "value"), [("0.scale_", 1e-320), ("0.mean_", 1e300)])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("more", [{}, {"speaker_normalisation": True}])
def test_numbers_that_overflow_are_told_of_by_clip(kind, place, value, more, tmp_path, recwarn):
    model, _ = load_checkpoint(spoilt_file(kind, place, value, tmp_path, **more))
    if more and place == "0.mean_":
        return  # every clip is moved as far, and a speaker's mean takes it back
    with pytest.raises(NotFiniteError, match=r"standardised features are NaN or infinite for 60 of 60 inputs"):
        asked(model, clips(2))
    assert not recwarn.list


@pytest.mark.parametrize("kind", KINDS)
def test_a_temperature_that_overflows_is_told_of(kind, tmp_path):
    machine(kind).save_pretrained(tmp_path)
    FunctionalsExtractor("mfcc_mean").save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    for temperature in (1e-320, float("nan"), float("inf"), 0):
        (tmp_path / "config.json").write_text(json.dumps({**config, "temperature": temperature}))
        with pytest.raises((NotFiniteError, CheckpointError), match=r"NaN or infinite|temperature is"):
            asked(load_checkpoint(tmp_path)[0], clips(2))


def test_sums_that_overflow_are_told_of():
    model = machine("logistic")
    model.pipeline[-1].intercept_ = np.array([1e300, 0.0, 0.0])
    with pytest.raises(NotFiniteError, match="probabilities are NaN or infinite for 60 of 60"):
        asked(model, clips(2))
    assert torch.isinf(model(torch.from_numpy(clips(2).features))["logits"]).any()


@pytest.mark.parametrize(
    "extractor",
    [FunctionalsExtractor("mfcc_mean"), FunctionalsExtractor(n_mels=26, peak_normalise=False)],
    ids=["mfcc_mean", "functionals"],
)
@settings(max_examples=15, deadline=None)
@given(samples=arrays(np.float32, st.integers(1, 3000), elements=LEVELS))
def test_any_finite_clip_gives_finite_functionals_or_an_error_with_its_name(extractor, samples):
    found, said = heard(samples, extractor)
    if said:
        assert "call.wav" in said
        assert np.abs(samples).max() > 1e9
    assert np.isfinite(found).all()


def heard(samples: np.ndarray, extractor: FunctionalsExtractor) -> tuple[np.ndarray, str]:
    try:
        return inputs_of([("call.wav", samples)], extractor)[0]["input_features"], ""
    except AudioError as error:
        return np.zeros(0), str(error)
