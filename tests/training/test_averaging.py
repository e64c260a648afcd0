"""The average of the weights of networks of one architecture."""

import json

import pytest
import torch

from ser_hf.base.errors import CheckpointError
from ser_hf.models import SerFeatureExtractor, build_config, build_model
from ser_hf.training import average_checkpoints

SMALL = {"conv_channels": [4], "conv_pools": [[4, 4]], "lstm_size": 4, "n_mels": 8, "num_labels": 3}


@pytest.fixture
def saved(tmp_path):
    """A function that writes a random network, whose batch statistics are not those of a new one."""

    def save(name: str, seed: int, **settings: object):
        torch.manual_seed(seed)
        model = build_model(build_config("cnn_blstm_attention", **{**SMALL, **settings}))
        for key, tensor in model.named_buffers():
            if key.endswith(("running_mean", "running_var")):
                tensor.uniform_(0.5, 2)
            elif key.endswith("num_batches_tracked"):
                tensor.fill_(seed)
        model.save_pretrained(tmp_path / name)
        SerFeatureExtractor(n_mels=8).save_pretrained(tmp_path / name)
        return tmp_path / name, model.state_dict()

    return save


def test_weights_and_batch_statistics_are_averaged_by_their_shares_and_counters_kept(saved):
    (one, first), (two, second) = saved("one", 1, dropout=0.1), saved("two", 2, dropout=0.4)
    model, extractor = average_checkpoints([one, two], [3, 1])
    assert not model.training
    assert extractor.n_mels == 8
    statistics = 0
    for name, tensor in model.state_dict().items():
        statistics += name.endswith("running_var")
        expected = 0.75 * first[name] + 0.25 * second[name] if tensor.is_floating_point() else first[name]
        torch.testing.assert_close(tensor, expected)
    assert statistics


def test_the_average_of_a_network_with_itself_is_the_network(saved):
    (one, first), (two, _), (three, _) = (saved(name, 1) for name in ("one", "two", "three"))
    model, _ = average_checkpoints([one, two, three], [1, 1, 1])
    assert all(torch.equal(tensor, first[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"lstm_size": 8}, r"differs from .*one in lstm_size \(8 and 4\); weights are averaged of one architecture"),
        ({"id2label": {0: "a", 1: "b", 2: "c"}, "label2id": {"a": 0, "b": 1, "c": 2}}, "in id2label"),
    ],
)
def test_other_settings_and_classes_are_refused(saved, settings, said):
    (one, _), (two, _) = saved("one", 1), saved("two", 2, **settings)
    with pytest.raises(CheckpointError, match=said):
        average_checkpoints([one, two], [1, 1])


def test_other_features_are_refused(saved):
    (one, _), (two, _) = saved("one", 1), saved("two", 2)
    SerFeatureExtractor(n_mels=8, hop_length=200).save_pretrained(two)
    with pytest.raises(CheckpointError, match=r"two differs from .*one in the feature extractor; weights are averaged"):
        average_checkpoints([one, two], [1, 1])


def test_temperatures_may_differ_and_the_average_has_none_of_its_own(saved):
    (one, first), (two, _) = saved("one", 1), saved("two", 1)
    file = two / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"calibration_temperature": 1.7}))
    model, _ = average_checkpoints([one, two], [1, 1])
    assert model.config.calibration_temperature == 1
    assert all(torch.equal(tensor, first[name]) for name, tensor in model.state_dict().items())
