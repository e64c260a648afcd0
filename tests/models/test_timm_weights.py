"""Files of pretrained weights: real ones, and those of another network."""

import json
import re
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import load_file, save, save_file

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


@pytest.fixture(scope="module")
def whole() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return timm.create_model("test_resnet").state_dict()


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 3e38])  # of which three, for the colours, are added
@pytest.mark.parametrize("key", ["conv1.0.weight", "bn1.running_var", "fc.weight"])
def test_weights_that_are_no_numbers_are_refused(whole, key: str, bad: float, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    state = {name: tensor.clone() for name, tensor in whole.items()}
    state[key].fill_(bad) if bad == 3e38 else state[key].view(-1)[1].fill_(bad)
    save_file(state, path)
    if bad == 3e38 and key != "conv1.0.weight":
        TimmCnnForAudioClassification.from_imagenet("test_resnet", weights=path)
        return
    told = rf"^{path}: 1 of \d+ tensors hold NaN or infinity, e\.g\. '{key}'; fetch or copy it again$"
    with pytest.raises(ValueError, match=told):
        TimmCnnForAudioClassification.from_imagenet("test_resnet", weights=path)


def damaged(whole: dict[str, torch.Tensor]) -> dict[str, bytes]:
    """Files whose headers say what cannot be."""
    data = save(whole)
    length = int.from_bytes(data[:8], "little")

    def file(change) -> bytes:
        header = json.loads(data[8 : 8 + length])
        change(header)
        text = json.dumps(header).encode()
        return len(text).to_bytes(8, "little") + text + data[8 + length :]

    key = "conv1.0.weight"
    first = [0, 4]
    return {
        "shape": file(lambda h: h[key].update(shape=[1 << 62, 4])),
        "shape of words": file(lambda h: h[key].update(shape="x")),
        "shape below nothing": file(lambda h: h[key].update(shape=[-1])),
        "type": file(lambda h: h[key].update(dtype="F99")),
        "whole numbers": file(lambda h: h[key].update(dtype="I32")),
        "type of no word": file(lambda h: h[key].update(dtype=3)),
        "place": file(lambda h: h[key].update(data_offsets=first)),
        "no place": file(lambda h: h[key].update(data_offsets=None)),
        "twice": file(lambda h: h.update(more={"dtype": "F32", "shape": [1], "data_offsets": first})),
        "missing": file(lambda h: h.pop(key)),
        "no table": file(lambda h: h.update({key: None})),
        "facts": file(lambda h: h.update(__metadata__={"a": 1})),
        "empty": b"",
        "cut": data[:-5],
        "giant": b"\xff" * 8 + data[8:],
        "deep": (200_000).to_bytes(8, "little") + b"[" * 200_000,
    }


def test_damaged_files_are_one_line_that_names_them(whole, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    for what, content in damaged(whole).items():
        path.write_bytes(content)
        with pytest.raises(ValueError, match=re.escape(str(path))) as caught:
            TimmCnnForAudioClassification.from_imagenet("test_resnet", weights=path)
        assert "\n" not in str(caught.value), what


@pytest.mark.parametrize("how", ["option", "key"])
def test_a_training_is_refused_in_one_line(whole, how: str, tmp_path: Path, tones_root, capsys) -> None:
    from ser_hf.cli import main

    path, recipe = tmp_path / "w.safetensors", tmp_path / "cnn.yaml"
    whole = {**whole, "conv1.0.weight": torch.full_like(whole["conv1.0.weight"], float("nan"))}
    save_file(whole, path)
    keys = {"corpora": ["savee"], "protocol": "random", "data_root": str(tones_root), "model": "timm_cnn"}
    keys |= {"model_settings": {"backbone": "test_resnet"}}
    recipe.write_text(json.dumps(keys | ({"imagenet_weights": str(path)} if how == "key" else {})), encoding="utf-8")
    words = ["--imagenet_weights", str(path)] if how == "option" else []
    assert main(["train", str(recipe), "--output_dir", str(tmp_path / "run"), *words]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert [line for line in said if f"{path}: 1 of" in line] == said[-1:]
    assert not (tmp_path / "run" / "results.json").exists()
