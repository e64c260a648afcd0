"""The logistic regression against scikit-learn; its checkpoint, and what is refused in place of one."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skops.io import dump

from ser_hf.base.errors import CheckpointError, SerHfError
from ser_hf.baselines import Baseline, Clips, FunctionalsExtractor, build_baseline, fit
from ser_hf.training import load_checkpoint

CLASSES = ("calm", "happy", "sad")


def clips(seed: int = 0, n: int = 90, classes: int = 3) -> Clips:
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    speakers = [f"s{i // 3 % 9}" for i in range(n)]
    features = rng.normal(size=(n, 20))
    features[np.arange(n), labels] += 2.0
    return Clips(features, labels, speakers, speakers)


def machine(**settings) -> Baseline:
    return fit(build_baseline("logistic", CLASSES, **({"C": 0.1} | settings)), clips(), clips(1, 30))[0]


def shares(fitted: Baseline, features: np.ndarray) -> np.ndarray:
    return fitted(torch.from_numpy(features)[:, :, None]).logits.softmax(-1).numpy()


def test_shares_are_those_of_scikit_learn_at_the_temperature():
    both, new, fitted = clips() + clips(1, 30), clips(2, 60), machine()
    reference = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    logits = reference.fit(both.features, both.labels).decision_function(new.features)
    expected = torch.from_numpy(logits / fitted.config.temperature).softmax(-1).numpy()
    np.testing.assert_allclose(shares(fitted, new.features), expected, atol=1e-6)
    assert fitted.num_parameters() == 20 + 20 + 3 * 20 + 3


def test_two_classes_have_shares_too():
    fitted, *_ = fit(build_baseline("logistic", CLASSES[:2], C=0.1), clips(classes=2), clips(1, 30, 2))
    new = clips(2, 40, 2)
    np.testing.assert_array_equal(shares(fitted, new.features).argmax(axis=1), fitted.pipeline.predict(new.features))


def test_c_is_chosen_by_the_inner_folds():
    fitted, tried, _ = fit(build_baseline("logistic", CLASSES), clips(), clips(1, 30))
    assert len(tried) == len(fitted.config.grids["C"])
    assert max(tried, key=lambda entry: entry["uar"])["C"] == fitted.config.C
    assert set(tried[0]) == {"C", "uar", "folds"}


def test_inner_scores_are_those_of_machines_fitted_one_by_one():
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import StratifiedGroupKFold

    given, weights = clips(), np.array([1.0, 2.0, 3.0])
    _, tried, _ = fit(build_baseline("logistic", CLASSES), given, clips(1, 30), weights)
    for entry in tried[::3]:
        found = []
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
        for known, held in folds.split(given.features, given.labels, np.array(given.groups)):
            one = make_pipeline(StandardScaler(), LogisticRegression(C=entry["C"], class_weight={0: 1, 1: 2, 2: 3}))
            one.fit(given.features[known], given.labels[known])
            found.append(balanced_accuracy_score(given.labels[held], one.predict(given.features[held])))
        assert entry["uar"] == pytest.approx(np.mean(found))


def test_a_setting_of_the_other_baseline_is_unknown():
    with pytest.raises(SerHfError, match="unknown setting of model 'logistic' 'gamma'"):
        build_baseline("logistic", CLASSES, gamma=0.5)
    alone = Clips(*(getattr(clips(), name) for name in ("features", "labels", "speakers")), ["a"] * 90)
    with pytest.raises(SerHfError, match="inner folds choose C, and the training split has one speaker"):
        fit(build_baseline("logistic", CLASSES), alone, clips(1, 30))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    machine().save_pretrained(tmp_path)
    FunctionalsExtractor("mfcc_mean").save_pretrained(tmp_path)
    return tmp_path


def test_a_checkpoint_is_the_machine_that_was_saved(folder):
    again, _ = load_checkpoint(folder)
    np.testing.assert_array_equal(shares(again, clips(2).features), shares(machine(), clips(2).features))
    assert json.loads((folder / "config.json").read_text())["model_type"] == "logistic"


def test_a_support_vector_machine_under_its_name_is_refused(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "svm"}))
    with pytest.raises(CheckpointError, match=r"LogisticRegression; expected StandardScaler, SVC in a Pipeline"):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: setattr(one, "coef_", one.coef_[:, 1:]), "weights"),
        (lambda one: setattr(one, "intercept_", one.intercept_[:1]), "offsets"),
        (lambda one: setattr(one, "coef_", one.coef_ * np.nan), "numbers"),
        (lambda one: setattr(one, "classes_", np.array([0, 1, 9])), "classes"),
        (lambda one: delattr(one, "coef_"), "not a fitted machine"),
    ],
)
def test_a_machine_that_does_not_fit_together_is_refused(folder, change, said):
    broken = machine().pipeline
    change(broken[-1])
    dump(broken, folder / "model.skops")
    with pytest.raises(CheckpointError, match=said):
        load_checkpoint(folder)


def test_the_same_machine_is_the_same_file(tmp_path):
    files = []
    for name in ("a", "b"):
        machine().save_pretrained(tmp_path / name)
        FunctionalsExtractor("mfcc_mean").save_pretrained(tmp_path / name)
        files.append((tmp_path / name / "model.skops").read_bytes())
    assert files[0] == files[1]
    loaded, _ = load_checkpoint(tmp_path / "a")
    new = clips(2, 60).features
    np.testing.assert_array_equal(shares(loaded, new), shares(machine(), new))
