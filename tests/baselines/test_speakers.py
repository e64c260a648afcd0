"""Speakers' statistics against loops over every number; what a machine hears of a speaker, and from how few clips."""

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler
from skops.io import dump

from ser_hf.base.errors import CheckpointError
from ser_hf.baselines import BASELINES, Baseline, Clips, FunctionalsExtractor, build_baseline, fit, load_baseline
from ser_hf.baselines.speakers import PRIOR, normalise_speakers, population

CLASSES = ("calm", "happy", "sad")


def clips(seed: int = 0, n: int = 90) -> Clips:
    """Nine speakers, each with a level and a spread of the own."""
    rng = np.random.default_rng(seed)
    labels, number = np.arange(n) % 3, np.arange(n) // 3 % 9
    features = rng.normal(size=(n, 20))
    features[np.arange(n), labels] += 2.0
    features = features * (1 + 0.2 * number[:, None]) + 5.0 * number[:, None] + np.linspace(-30, 30, 20)
    speakers = [f"s{i}" for i in number]
    return Clips(features, labels, speakers, speakers)


def machine(name: str = "logistic", **settings) -> Baseline:
    given = {"C": 0.1, "speaker_normalisation": True} | ({"gamma": 0.5} if name == "svm" else {}) | settings
    return fit(build_baseline(name, CLASSES, **given), clips(), clips(1, 30))[0]


def scored(fitted: Baseline, features, speakers=None, heard=None) -> np.ndarray:
    return fitted(torch.from_numpy(features)[:, :, None], speakers, heard).logits.numpy()


def by_map(features, speakers, heard, prior, mean_0, variance_0):
    """Gauvain and Lee's mean, and the variance with it, one number at a time."""
    out = np.empty_like(features)
    for i, speaker in enumerate(speakers):
        for d in range(features.shape[1]):
            told = [features[j, d] for j, other in enumerate(speakers) if other == speaker and heard[j]]
            n = len(told)
            m = sum(told) / n if n else 0.0
            v = sum((x - m) ** 2 for x in told) / n if n else 0.0
            mean = (n * m + prior * mean_0[d]) / (n + prior)
            variance = (n * v + prior * variance_0[d]) / (n + prior)
            out[i, d] = (features[i, d] - mean) / variance**0.5
    return out


def test_the_population_is_the_mean_of_speakers_whatever_their_clips():
    rng = np.random.default_rng(0)
    features, speakers = rng.normal(3.0, 2.0, size=(40, 5)), ["a"] * 5 + ["b"] * 35
    features[:, 4] = 7.0
    found = population(features, speakers)
    own = [features[:5], features[5:]]
    np.testing.assert_allclose(found.mean_, (own[0].mean(0) + own[1].mean(0)) / 2)
    np.testing.assert_allclose(found.var_, (own[0].var(0) + own[1].var(0)) / 2, atol=1e-12)
    assert found.scale_[4] == 1, "what never varies is not divided by"


@pytest.mark.parametrize("voices", ["", "#1"])
def test_copies_do_not_move_the_population_nor_the_temperature(voices):
    train, validation = clips(), clips(1, 30)
    config = build_baseline("logistic", CLASSES, C=0.1, speaker_normalisation=True)
    marks = np.ones(90, dtype=bool)
    names = [f"{speaker}{voices}" for speaker in train.speakers]
    both = train + Clips(train.features * 3 + 100, train.labels, names, train.groups, marks)
    known = train + validation
    found = fit(config, both, validation)[0].population
    np.testing.assert_allclose(found.mean_, population(known.features, known.speakers).mean_)
    np.testing.assert_allclose(found.var_, population(known.features, known.speakers).var_)
    wrong = Clips(validation.features, (validation.labels + 1) % 3, ["x"] * 30, validation.groups, marks[:30])
    assert (
        fit(config, train, validation + wrong)[0].config.temperature
        == fit(config, train, validation)[0].config.temperature
    )


@pytest.mark.parametrize("prior", [0.5, 4.0])
def test_statistics_are_shrunk_towards_the_population(prior):
    train, new = clips(), clips(2, 45)
    heard = np.random.default_rng(3).random(45) < 0.3
    heard[[speaker == "s1" for speaker in new.speakers]] = False
    known = population(train.features, train.speakers)
    found = normalise_speakers(known.transform(new.features), new.speakers, prior, heard)
    expected = by_map(new.features, new.speakers, heard, prior, known.mean_, known.var_)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    nothing = np.array([speaker == "s1" for speaker in new.speakers])
    np.testing.assert_allclose(found[nothing], known.transform(new.features)[nothing])


def test_all_clips_and_no_prior_are_the_plain_z_score():
    new = clips(2, 45)
    known = population(clips().features, clips().speakers)
    found = normalise_speakers(known.transform(new.features), new.speakers, 0.0, np.ones(45, dtype=bool))
    np.testing.assert_allclose(found, normalise_speakers(new.features, new.speakers), atol=1e-9)
    for speaker in set(new.speakers):
        own = np.array(new.speakers) == speaker
        np.testing.assert_allclose(found[own], StandardScaler().fit_transform(new.features[own]), atol=1e-9)


@pytest.mark.parametrize("name", BASELINES)
def test_a_speaker_of_whom_nothing_is_heard_is_scored_by_the_pipeline_as_it_stands(name):
    fitted, new = machine(name), clips(2, 45)
    found = scored(fitted, new.features, new.speakers, np.zeros(45, dtype=bool))
    expected = fitted.pipeline.decision_function(new.features) / fitted.config.temperature
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("name", BASELINES)
def test_from_one_clip_on_a_machine_can_be_asked(name):
    fitted, new = machine(name), clips(2, 45)
    assert fitted.config.adaptation_prior == PRIOR
    for number in (1, 2, 5):
        few = new.features[:number]
        named = scored(fitted, few, ["x"] * number)
        assert np.isfinite(named).all()
        np.testing.assert_array_equal(scored(fitted, few), named)


def test_hearing_a_speaker_helps():
    fitted, new = machine(), clips(2, 270)
    right = [
        (scored(fitted, new.features, new.speakers, heard).argmax(axis=1) == new.labels).mean()
        for heard in (np.zeros(270, dtype=bool), np.ones(270, dtype=bool))
    ]
    assert right[1] > right[0]


def test_the_population_is_saved_with_the_machine_and_needed(tmp_path):
    fitted, new = machine("svm"), clips(2, 45)
    fitted.save_pretrained(tmp_path)
    FunctionalsExtractor("mfcc_mean").save_pretrained(tmp_path)
    again, _ = load_baseline(tmp_path)
    heard = np.arange(45) < 20
    np.testing.assert_array_equal(
        scored(again, new.features, new.speakers, heard), scored(fitted, new.features, new.speakers, heard)
    )
    broken = fitted.pipeline
    broken[0].scale_ = broken[0].scale_[1:]
    dump(broken, tmp_path / "model.skops")
    with pytest.raises(CheckpointError, match="scaler in model"):
        load_baseline(tmp_path)
    dump(broken[1:], tmp_path / "model.skops")
    with pytest.raises(CheckpointError, match="holds StandardScaler, SVC; expected StandardScaler, StandardScaler"):
        load_baseline(tmp_path)


def test_a_machine_of_before_has_no_population_and_keeps_its_rule(tmp_path):
    old, new = machine("svm", adaptation_prior=0), clips(2, 45)
    old.pipeline = old.pipeline[1:]  # as it was saved then
    old.save_pretrained(tmp_path)
    FunctionalsExtractor("mfcc_mean").save_pretrained(tmp_path)
    text = (tmp_path / "config.json").read_text()
    (tmp_path / "config.json").write_text(text.replace('  "adaptation_prior": 0,\n', ""))
    assert "adaptation_prior" not in (tmp_path / "config.json").read_text()
    again, _ = load_baseline(tmp_path)
    assert again.population is None
    values = again.pipeline.decision_function(normalise_speakers(new.features, new.speakers))
    np.testing.assert_allclose(scored(again, new.features, new.speakers), values / again.config.temperature, atol=1e-5)
