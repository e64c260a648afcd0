"""timm backbones: start, channels, weights from a local file."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from ser_hf.models import TimmCnnConfig, TimmCnnForAudioClassification

NAME = "test_resnet"


@pytest.fixture
def weights(tmp_path: Path) -> tuple[Path, dict[str, torch.Tensor]]:
    """A file of three-channel weights as timm would publish it."""
    torch.manual_seed(7)
    cfg = timm.get_pretrained_cfg(NAME)
    net = timm.create_model(NAME, num_classes=cfg.num_classes)
    state = {key: torch.rand_like(v) if v.is_floating_point() else v for key, v in net.state_dict().items()}
    save_file(state, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors", state


def test_the_start_is_timms_own() -> None:
    torch.manual_seed(3)
    model = TimmCnnForAudioClassification(TimmCnnConfig(backbone=NAME, num_labels=4))
    torch.manual_seed(3)
    reference = timm.create_model(NAME, num_classes=0, in_chans=1)
    for key, value in reference.state_dict().items():
        assert torch.equal(model.backbone.state_dict()[key], value), key


def test_the_constructor_fetches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args, **kwargs):
        raise AssertionError("weights were asked for")

    monkeypatch.setattr("timm.models._builder.load_pretrained", refuse)
    TimmCnnForAudioClassification(TimmCnnConfig(backbone=NAME))
    with pytest.raises(AssertionError):
        TimmCnnForAudioClassification.from_imagenet(NAME)


def test_weights_from_a_file_sum_the_colours(weights: tuple[Path, dict[str, torch.Tensor]]) -> None:
    path, state = weights
    model = TimmCnnForAudioClassification.from_imagenet(NAME, weights=path, num_labels=8, n_mels=64)
    first = timm.get_pretrained_cfg(NAME).first_conv + ".weight"
    loaded = model.backbone.state_dict()
    torch.testing.assert_close(loaded[first], state[first].sum(1, keepdim=True))
    assert all(torch.equal(loaded[key], state[key]) for key in loaded if key != first)
    assert model(torch.randn(2, 64, 50)).logits.shape == (2, 8)


def test_three_channels_repeat_the_spectrogram(weights: tuple[Path, dict[str, torch.Tensor]]) -> None:
    path, _ = weights
    config = {"num_labels": 8, "n_mels": 64}
    one = TimmCnnForAudioClassification.from_imagenet(TimmCnnConfig(backbone=NAME, **config), weights=path).eval()
    three = TimmCnnForAudioClassification.from_imagenet(NAME, weights=path, in_chans=3, **config).eval()
    inputs = torch.randn(2, 64, 50)
    with torch.no_grad():
        maps = [
            net.backbone.forward_features(inputs[:, None].expand(-1, c, -1, -1)) for net, c in ((one, 1), (three, 3))
        ]
    torch.testing.assert_close(maps[0], maps[1], rtol=1e-3, atol=1e-3 * maps[0].abs().max().item())


@pytest.mark.parametrize("suffix", [".bin", ".pth", ".pt"])
def test_pickles_are_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(b"\x80\x04")
    with pytest.raises(ValueError, match=r"expected a \.safetensors file"):
        TimmCnnForAudioClassification.from_imagenet(NAME, weights=path)


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such weights file"):
        TimmCnnForAudioClassification.from_imagenet(NAME, weights=tmp_path / "none.safetensors")
    save_file({"something": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="cannot be loaded"):
        TimmCnnForAudioClassification.from_imagenet(NAME, weights=tmp_path / "other.safetensors")


@pytest.mark.parametrize("kept", [0, 5, 30, -1])
def test_broken_files_are_refused(weights: tuple[Path, dict[str, torch.Tensor]], kept: int) -> None:
    path, _ = weights
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        TimmCnnForAudioClassification.from_imagenet(NAME, weights=path)


def test_unknown_backbones_are_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'resnet34'"):
        TimmCnnConfig(backbone="resnet34_")
    with pytest.raises(ValueError, match="unknown timm backbone"):
        TimmCnnConfig(backbone="hf-hub:somebody/something")


@pytest.mark.parametrize("key", ["pretrained", "checkpoint_path", "num_classes", "pretrained_cfg_overlay"])
def test_backbone_kwargs_cannot_load_weights(key: str) -> None:
    with pytest.raises(ValueError, match=key):
        TimmCnnConfig(backbone=NAME, backbone_kwargs={key: "x"})


def test_backbone_kwargs_and_dropout_reach_timm() -> None:
    config = TimmCnnConfig(backbone="resnet10t", drop_rate=0.4, backbone_kwargs={"drop_path_rate": 0.2})
    model = TimmCnnForAudioClassification(config)
    assert model.backbone.drop_rate == 0.4
    assert any(getattr(module, "drop_prob", 0) for module in model.backbone.modules())


@pytest.mark.parametrize("backbone", ["test_vit", "test_efficientnet", "test_convnext", "mobilenetv3_small_050"])
def test_buffers_outside_the_checkpoint_survive_loading(backbone: str, tmp_path: Path) -> None:
    kwargs = {"img_size": [32, 32]} if backbone == "test_vit" else None
    torch.manual_seed(0)
    model = TimmCnnForAudioClassification(TimmCnnConfig(backbone=backbone, n_mels=32, backbone_kwargs=kwargs)).eval()
    model.save_pretrained(tmp_path)
    loaded = TimmCnnForAudioClassification.from_pretrained(tmp_path)
    inputs = torch.randn(2, 32, 32)
    torch.testing.assert_close(loaded(inputs).logits, model(inputs).logits)
