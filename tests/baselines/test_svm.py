"""The machine against scikit-learn; what it chooses, on what; its checkpoint, and what is refused in place of one."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from skops.io import dump

from ser_hf.base.errors import CheckpointError, SerHfError
from ser_hf.baselines import Baseline, Clips, FunctionalsExtractor, build_baseline, fit, load_baseline
from ser_hf.baselines.speakers import normalise_speakers
from ser_hf.training import load_checkpoint

CLASSES = ("calm", "happy", "sad")


def clips(seed: int = 0, n: int = 90, classes: int = 3, offset: float = 0.0) -> Clips:
    """Twenty features, overlapping classes, nine speakers each with an offset of their own."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    speakers = [f"s{i // 3 % 9}" for i in range(n)]
    own = np.array([int(s[1]) for s in speakers])[:, None] * offset
    features = rng.normal(size=(n, 20)) + own
    features[np.arange(n), labels] += 2.0
    return Clips(features, labels, speakers, speakers)


def machine(**settings) -> Baseline:
    config = build_baseline("svm", CLASSES, **({"C": 3, "gamma": 0.5} | settings))
    return fit(config, clips(), clips(1, 30))[0]


def tensor(features: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(features)[:, :, None]


def test_decisions_are_those_of_scikit_learn():
    given, new = clips(), clips(2, 60)
    reference = make_pipeline(StandardScaler(), SVC(C=3, gamma=0.5 / 20, break_ties=True))
    both = given + clips(1, 30)  # what was held out for the temperature is learned from in the end
    reference.fit(both.features, both.labels)
    shares = machine()(tensor(new.features)).logits.softmax(-1).numpy()
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(shares.argmax(axis=1), reference.predict(new.features))


def test_two_classes_have_shares_too():
    config = build_baseline("svm", ("calm", "happy"), C=1, gamma=1)
    fitted, *_ = fit(config, clips(classes=2), clips(1, 30, 2))
    new = clips(2, 40, 2)
    shares = fitted(tensor(new.features)).logits.softmax(-1).numpy()
    np.testing.assert_array_equal(shares.argmax(axis=1), fitted.pipeline.predict(new.features))


def test_a_class_without_training_clips_has_no_share():
    config = build_baseline("svm", ("calm", "happy", "sad", "angry"), C=1, gamma=1)
    fitted, *_ = fit(config, clips(), clips(1, 30))
    shares = fitted(tensor(clips(2, 10).features)).logits.softmax(-1).numpy()
    assert shares.shape == (10, 4)
    assert (shares[:, 3] == 0).all()


def test_the_temperature_makes_the_validation_labels_likelier():
    fitted, validation = machine(), clips(1, 30)
    scaled = fitted(tensor(validation.features)).logits.softmax(-1).numpy()
    plain = torch.from_numpy(fitted.decision(validation.features)).softmax(-1).numpy()
    assert fitted.config.temperature != 1.0
    assert log_loss(validation.labels, scaled) < log_loss(validation.labels, plain)


def test_auto_settings_are_chosen_among_the_candidates_by_the_inner_folds():
    config = build_baseline("svm", CLASSES)
    fitted, tried, _ = fit(config, clips(), clips(1, 30))
    best = max(tried, key=lambda entry: entry["uar"])
    assert len(tried) > 1
    assert (fitted.config.C, fitted.config.gamma) == (best["C"], best["gamma"])
    assert config.C == config.gamma == "auto", "the recipe's own is not changed"
    only, one, _ = fit(build_baseline("svm", CLASSES, gamma=0.5), clips(), clips(1, 30))
    assert only.config.gamma == 0.5
    assert len({entry["C"] for entry in one}) == len(one)


def test_inner_folds_keep_groups_together(monkeypatch):
    from sklearn.model_selection import StratifiedGroupKFold

    seen = []
    real = StratifiedGroupKFold.split

    def spy(self, features, labels, groups):
        for fitted, held in real(self, features, labels, groups):
            seen.append(set(groups[fitted]) & set(groups[held]))
            yield fitted, held

    monkeypatch.setattr(StratifiedGroupKFold, "split", spy)
    fit(build_baseline("svm", CLASSES), clips(), clips(1, 30))
    assert seen == [set()] * 5


def test_inner_folds_learn_from_copies_and_score_originals(monkeypatch):
    import sklearn.metrics

    scored, real = [], sklearn.metrics.balanced_accuracy_score
    monkeypatch.setattr(
        sklearn.metrics, "balanced_accuracy_score", lambda true, found: scored.append(len(true)) or real(true, found)
    )
    given = clips()
    mark = np.r_[np.zeros(90, bool), np.ones(90, bool)]
    shifted = given.features + np.random.default_rng(3).normal(size=given.features.shape) / 9
    both = Clips(
        np.r_[given.features, shifted], np.r_[given.labels, given.labels], given.speakers * 2, given.groups * 2, mark
    )
    config = build_baseline("svm", CLASSES, gamma=0.5)
    fit(config, both, clips(1, 30))
    assert sum(scored) == 90 * 4, "four costs, every original once"
    joined = both + clips(1, 30)
    np.testing.assert_array_equal(joined.copies, np.r_[mark, np.zeros(30, bool)])


def test_class_weights_move_decisions_to_the_heavier_class():
    config = build_baseline("svm", CLASSES, C=0.3, gamma=0.5)
    new = tensor(clips(2, 300).features)
    counts = [
        (fit(config, clips(), clips(1, 30), weights)[0](new).logits.argmax(-1) == 2).sum()
        for weights in (None, np.array([1.0, 1.0, 20.0]))
    ]
    assert counts[1] > counts[0]


def test_speaker_normalisation_is_a_z_score_of_every_speaker():
    given = clips(offset=50.0)
    found = normalise_speakers(given.features, given.speakers)
    for speaker in set(given.speakers):
        own = np.array(given.speakers) == speaker
        expected = StandardScaler().fit_transform(given.features[own])
        np.testing.assert_allclose(found[own], expected)
    constant = normalise_speakers(np.full((4, 2), 7.0), ["a", "a", "b", "b"])
    np.testing.assert_array_equal(constant, 0)


def test_a_speaker_normalised_machine_without_a_prior_needs_speakers_or_several_clips_of_one():
    fitted = machine(speaker_normalisation=True, adaptation_prior=0)
    new = clips(2, 30)
    by_name = fitted(tensor(new.features), new.speakers).logits
    one = np.array(new.speakers) == "s0"
    alone = fitted(tensor(np.repeat(new.features[one], 3, axis=0))).logits
    assert "unlabelled speech of the test speakers" in fitted.caveat
    torch.testing.assert_close(alone[::3], by_name[torch.from_numpy(one)])
    with pytest.raises(SerHfError, match="give 8 or more clips of one speaker at once, found 3"):
        fitted(tensor(new.features[:3]))
    with pytest.raises(SerHfError, match="1 of 30 have none"):
        fitted(tensor(new.features), [None, *new.speakers[1:]])
    assert machine().caveat is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"C": 0}, "C is 0, expected a positive number or 'auto'"),
        ({"gamma": "many"}, "gamma is 'many'"),
        ({"C": float("nan")}, "C is nan"),
        ({"gama": 1}, "did you mean 'gamma'"),
        ({"speaker_normalisation": "yes"}, "speaker_normalisation"),
        ({"temperature": 2.0}, "unknown setting"),
        ({"adaptation_prior": 4}, "adaptation_prior is for speaker_normalisation: true"),
        ({"speaker_normalisation": True, "adaptation_prior": -1}, "adaptation_prior is -1, expected a number of clips"),
        ({"speaker_normalisation": True, "adaptation_prior": float("nan")}, "adaptation_prior is nan"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, said):
    with pytest.raises(SerHfError, match=said):
        build_baseline("svm", CLASSES, **settings)


@pytest.mark.parametrize("number", [2, 3])
def test_there_are_no_more_inner_folds_than_speakers(caplog, number):
    given = clips(n=30)
    few = Clips(given.features, given.labels, given.speakers, [f"speaker {i % number}" for i in range(30)])
    _, tried, _ = fit(build_baseline("svm", CLASSES), few, given)
    assert {entry["folds"] for entry in tried} == {number}
    assert f"chosen over {number} inner folds: there are no more speakers or recordings" in caplog.text


def test_data_that_cannot_be_learned_from_are_refused():
    given = clips(n=30)
    with pytest.raises(SerHfError, match="two classes or more"):
        fit(
            build_baseline("svm", CLASSES), Clips(given.features, given.labels * 0, given.speakers, given.groups), given
        )
    alone = Clips(given.features, given.labels, given.speakers, ["a"] * 30)
    with pytest.raises(SerHfError, match="inner folds choose C and gamma, and the training split has one speaker"):
        fit(build_baseline("svm", CLASSES), alone, given)
    with pytest.raises(SerHfError, match="expected 20 features of every clip, found 7"):
        machine()(torch.zeros(2, 7, 1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint: 20 averaged coefficients."""
    machine().save_pretrained(tmp_path)
    FunctionalsExtractor("mfcc_mean").save_pretrained(tmp_path)
    return tmp_path


def test_a_checkpoint_is_the_machine_that_was_saved(folder):
    new = tensor(clips(2).features)
    again, extractor = load_checkpoint(folder)
    torch.testing.assert_close(again(new).logits, machine()(new).logits, rtol=0, atol=0)
    assert isinstance(extractor, FunctionalsExtractor)
    assert again.config.id2label == dict(enumerate(CLASSES))
    assert sorted(p.name for p in folder.iterdir()) == ["config.json", "model.skops", "preprocessor_config.json"]


def test_a_type_that_is_not_trusted_is_refused(folder):
    """A file that names a function of the system, as an attacker would write it."""
    path = folder / "model.skops"
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(files["schema.json"])
    schema["content"]["content"]["verbose"] = {
        "__class__": "system",
        "__module__": "posix",
        "__loader__": "FunctionNode",
        "__id__": -1,
    }
    files["schema.json"] = json.dumps(schema).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    with pytest.raises(CheckpointError, match=r"model\.skops holds posix\.system, which is not trusted; not loaded"):
        load_checkpoint(folder)


def test_another_estimator_is_refused(folder):
    given = clips()
    for other in (LogisticRegression(), make_pipeline(StandardScaler(), LogisticRegression())):
        dump(other.fit(given.features, given.labels), folder / "model.skops")
        with pytest.raises(CheckpointError, match=r"LogisticRegression; expected StandardScaler, SVC in a Pipeline"):
            load_checkpoint(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda svc: setattr(svc, "support_vectors_", svc.support_vectors_[1:]), "weights, counts"),
        (lambda svc: setattr(svc, "_intercept_", svc._intercept_[:1]), "offsets"),
        (lambda svc: setattr(svc, "_dual_coef_", svc._dual_coef_ * np.nan), "numbers"),
        (lambda svc: setattr(svc, "classes_", np.array([0, 1, 9])), "classes"),
        (lambda svc: setattr(svc, "kernel", "linear"), "kernel"),
        (lambda svc: delattr(svc, "shape_fit_"), "not a fitted machine"),
    ],
)
def test_a_machine_that_does_not_fit_together_is_refused(folder, change, said):
    broken = machine().pipeline
    change(broken[-1])
    dump(broken, folder / "model.skops")
    with pytest.raises(CheckpointError, match=said):
        load_baseline(folder)


def test_damaged_and_missing_files_are_named(folder):
    weights = (folder / "model.skops").read_bytes()
    (folder / "model.skops").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(CheckpointError, match=r"model\.skops cannot be read"):
        load_checkpoint(folder)
    (folder / "model.skops").unlink()
    with pytest.raises(CheckpointError, match=r"model\.skops"):
        load_checkpoint(folder)


def test_files_of_two_runs_are_refused(folder):
    FunctionalsExtractor("mfcc_mean", n_mfcc=13).save_pretrained(folder)
    with pytest.raises(CheckpointError, match="gives 13 features and the model takes 20"):
        load_checkpoint(folder)


@pytest.mark.parametrize("name", ["model.pkl", "svm.joblib", "pytorch_model.bin"])
def test_a_pickle_is_refused_unopened(folder, name):
    (folder / name).write_bytes(b"\x80\x04not even a pickle")
    for source in (folder, folder / name):
        with pytest.raises(CheckpointError, match=rf"{name}: such files are pickles, which can run code"):
            load_checkpoint(source)
