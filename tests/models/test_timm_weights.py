"""Files of pretrained weights: real ones, and those of another network."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

from ser_hf.models import TimmCnnForAudioClassification


@pytest.mark.real
def test_imagenet_weights_arrive_as_they_are_in_the_file(shared_data: Path) -> None:
    path = shared_data.parent / "weights" / "tf_efficientnet_lite0" / "model.safetensors"
    model = TimmCnnForAudioClassification.from_imagenet("tf_efficientnet_lite0", weights=path, num_labels=8)
    published, loaded = load_file(path), model.backbone.state_dict()
    torch.testing.assert_close(loaded.pop("conv_stem.weight"), published["conv_stem.weight"].sum(1, keepdim=True))
    assert set(published) - set(loaded) == {"conv_stem.weight", "classifier.weight", "classifier.bias"}
    assert all(torch.equal(tensor, published[key]) for key, tensor in loaded.items())
    assert model.classifier.out_features == 8


@pytest.mark.parametrize(
    ("other", "changes", "why"),
    [
        ("test_efficientnet", {}, r"it lacks \d+ of \d+ tensors, e.g. 'conv1.0.weight'"),
        ("test_resnet", {"num_classes": 7}, r"its 'fc.weight' is \(7, \d+\), expected \(\d+, \d+\)"),
    ],
)
def test_weights_of_another_network_are_one_line(tmp_path: Path, other: str, changes: dict, why: str) -> None:
    path = tmp_path / "other.safetensors"
    save_file(timm.create_model(other, **changes).state_dict(), path)
    told = rf"^the pretrained weights of 'test_resnet' cannot be loaded: {path} is not of this model: {why}; give .+$"
    with pytest.raises(ValueError, match=told):
        TimmCnnForAudioClassification.from_imagenet("test_resnet", weights=path)
