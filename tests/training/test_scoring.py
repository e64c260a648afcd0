"""Predictions of rows, and the record of which rows were trained on."""

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from ser_hf.base.errors import CheckpointError
from ser_hf.features import FeatureRows
from ser_hf.models import SerFeatureExtractor, build_config, build_model
from ser_hf.training import predict, read_split, score, write_split

CLASSES = ["sad", "happy", "angry"]


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    settings = {"conv_channels": [4], "conv_pools": [[4, 4]], "lstm_size": 4}
    return build_model(build_config("cnn_blstm_attention", n_mels=8, num_labels=3, **settings)).eval()


@pytest.fixture(scope="module")
def rows() -> datasets.Dataset:
    rng = np.random.default_rng(0)
    columns = {
        "input_features": rng.normal(size=(10, 8, 12)).astype(np.float32),
        "label": [i % 3 for i in range(10)],
        "clip_id": [f"x/{i}" for i in range(10)],
        "corpus": ["x"] * 10,
        "speaker": ["a", None, "b", "a", "b", "a", "b", "a", "b", "a"],
    }
    features = datasets.Features(
        {
            "input_features": datasets.Array2D((8, 12), "float32"),
            "label": datasets.ClassLabel(names=CLASSES),
            **dict.fromkeys(("clip_id", "corpus", "speaker"), datasets.Value("string")),
        }
    )
    return datasets.Dataset.from_dict(columns, features=features)


def test_probabilities_are_the_softmax_whatever_the_batch_size(model, rows):
    whole = predict(model, FeatureRows(rows, training=False)).probabilities
    with torch.no_grad():
        logits = model(torch.tensor(np.array(rows["input_features"], dtype=np.float32))).logits
    np.testing.assert_allclose(whole, logits.softmax(-1).numpy(), atol=1e-6)
    parts = predict(model, FeatureRows(rows, training=False), batch_size=3).probabilities
    np.testing.assert_allclose(parts, whole, atol=1e-6)


def test_a_score_and_its_predictions_agree(model, rows, tmp_path):
    test = score(model, SerFeatureExtractor(n_mels=8), rows, CLASSES, tmp_path)
    table = pq.read_table(tmp_path / "predictions.parquet").to_pylist()
    assert [row["clip_id"] for row in table] == list(rows["clip_id"])
    assert [row["label"] for row in table] == [CLASSES[i % 3] for i in range(10)]
    right = sum(row["label"] == row["predicted"] for row in table) / 10
    assert test["metrics"]["accuracy"]["value"] == pytest.approx(right)
    for row in table:
        shares = [row[f"p_{name}"] for name in CLASSES]
        assert sum(shares) == pytest.approx(1, abs=1e-6)
        assert row["predicted"] == CLASSES[int(np.argmax(shares))]


def test_the_members_of_a_split_are_written_and_read(rows, tmp_path):
    write_split(tmp_path, {"train": rows.select(range(4)), "validation": rows.select([5]), "test": rows.select([9])})
    assert read_split(tmp_path) == {
        "train": {"clips": ["x/0", "x/1", "x/2", "x/3"], "speakers": ["a", "b"], "recordings": []},
        "validation": {"clips": ["x/5"], "speakers": ["a"], "recordings": []},
        "test": {"clips": ["x/9"], "speakers": ["a"], "recordings": []},
    }


@pytest.mark.parametrize("content", [None, "{", b"\xff", '{"train": {"clips": []}}', '{"train": [], "validation": 3}'])
def test_a_split_that_cannot_be_read(tmp_path, content):
    if content is not None:
        (tmp_path / "split.json").write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(CheckpointError, match=r"split\.json.*expected a run folder of `ser-hf train`"):
        read_split(tmp_path)
