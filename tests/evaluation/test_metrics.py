import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from ser_hf.base.errors import SerHfError
from ser_hf.evaluation import METRICS, SerMetrics, confusion_matrix, scores
from ser_hf.evaluation.metrics import per_class_of, scores_of


@st.composite
def labelled(draw):
    """References and predictions of up to nine classes, some of them without a clip."""
    num_classes = draw(st.integers(1, 9))
    ids = st.integers(0, num_classes - 1)
    pairs = draw(st.lists(st.tuples(ids, ids), min_size=1, max_size=60))
    references, predictions = (list(column) for column in zip(*pairs, strict=True))
    return references, predictions, num_classes


@given(labelled())
def test_scores_are_those_of_sklearn(case):
    references, predictions, num_classes = case
    held = sorted(set(references))
    expected = {
        "accuracy": sk.accuracy_score(references, predictions),
        "uar": sk.recall_score(references, predictions, labels=held, average="macro", zero_division=0),
        "macro_f1": sk.f1_score(references, predictions, labels=held, average="macro", zero_division=0),
        "weighted_f1": sk.f1_score(references, predictions, average="weighted", zero_division=0),
    }
    assert scores(references, predictions, num_classes) == pytest.approx(expected, abs=1e-12)
    assert tuple(expected) == METRICS


@given(labelled())
def test_confusion_and_per_class_are_those_of_sklearn(case):
    references, predictions, num_classes = case
    labels = range(num_classes)
    confusion = confusion_matrix(references, predictions, num_classes)
    np.testing.assert_array_equal(confusion, sk.confusion_matrix(references, predictions, labels=labels))
    expected = sk.precision_recall_fscore_support(references, predictions, labels=labels, zero_division=0)
    np.testing.assert_allclose(per_class_of(confusion), expected[:3], atol=1e-12)


def test_a_class_without_clips_does_not_count():
    """A clip taken for a class that the references lack lowers the recall of its own class and nothing else."""
    assert scores([0, 0, 1], [0, 2, 1], num_classes=4)["uar"] == pytest.approx((0.5 + 1) / 2)


def test_one_class_and_all_wrong():
    assert scores([3, 3], [3, 3], num_classes=8) == dict.fromkeys(METRICS, 1.0)
    assert scores([3, 3], [2, 1], num_classes=8) == dict.fromkeys(METRICS, 0.0)


def test_many_matrices_at_once_are_scored_as_each_alone():
    stack = np.random.default_rng(0).integers(0, 5, size=(3, 4, 6, 6)) + np.eye(6, dtype=int)
    together = scores_of(stack)
    for at in np.ndindex(3, 4):
        assert {name: values[at] for name, values in together.items()} == pytest.approx(scores_of(stack[at]))


@pytest.mark.parametrize(
    ("references", "predictions", "words"),
    [
        ([], [], "no clip to score"),
        ([0, 1], [0], r"shapes \(2,\) and \(1,\)"),
        ([0, 8], [0, 1], r"references must be in 0\.\.7; found 0\.\.8"),
        ([0, 1], [-1, 1], r"predictions must be in 0\.\.7; found -1\.\.1"),
        ([0, 1], [0.3, 0.7], "argmax"),
        ([0, 1], [[0.3, 0.7], [0.1, 0.9]], "one class id per clip"),
    ],
)
def test_bad_input_is_refused(references, predictions, words):
    with pytest.raises(SerHfError, match=words):
        scores(references, predictions, num_classes=8)


def test_the_evaluate_module_gives_the_same_scores(tmp_path):
    rng = np.random.default_rng(1)
    references, predictions = rng.integers(0, 8, size=(2, 200))
    expected = scores(references, predictions, num_classes=8)
    assert SerMetrics(cache_dir=str(tmp_path)).compute(
        references=references, predictions=predictions, num_classes=8
    ) == pytest.approx(expected)
    metric = SerMetrics(cache_dir=str(tmp_path))
    for half in (slice(100), slice(100, None)):
        metric.add_batch(references=references[half], predictions=predictions[half])
    assert metric.compute(num_classes=8) == pytest.approx(expected)
