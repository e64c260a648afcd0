"""timm backbones: start, channels, weights from a local file."""

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
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


def seen_by(model: TimmCnnForAudioClassification, inputs: torch.Tensor) -> torch.Tensor:
    """What the backbone is given."""
    seen = []
    model.backbone.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    model(inputs)
    return seen[0]


@pytest.mark.parametrize("size", [128, 224, 256])
@pytest.mark.parametrize("in_chans", [1, 3])
def test_the_backbone_sees_an_image_of_the_size(size: int, in_chans: int) -> None:
    config = TimmCnnConfig(backbone=NAME, n_mels=64, in_chans=in_chans, image_size=size, num_labels=3)
    model = TimmCnnForAudioClassification(config).eval()
    inputs = torch.randn(2, 64, 150)
    image = seen_by(model, inputs)
    assert image.shape == (2, in_chans, size, size)
    normalised = model.input_norm(inputs).detach().numpy()
    for found, spectrogram in zip(image.detach(), normalised, strict=True):
        expected = np.asarray(Image.fromarray(spectrogram, mode="F").resize((size, size), Image.Resampling.BILINEAR))
        for channel in found:
            np.testing.assert_allclose(channel, expected, atol=1e-4)


def test_an_image_that_shrinks_is_smoothed() -> None:
    model = TimmCnnForAudioClassification(TimmCnnConfig(backbone=NAME, n_mels=128, image_size=32)).eval()
    stripes = torch.ones(1, 128, 128)
    stripes[:, ::2] = -1
    assert seen_by(model, stripes).abs().max() < 0.1


@pytest.mark.parametrize(("size", "shape"), [(None, (40, 70)), (40, (40, 40))])
def test_a_spectrogram_of_the_size_stays_as_it_is(size: int | None, shape: tuple[int, int]) -> None:
    model = TimmCnnForAudioClassification(TimmCnnConfig(backbone=NAME, n_mels=40, image_size=size)).eval()
    inputs = torch.randn(2, *shape)
    assert torch.equal(seen_by(model, inputs), model.input_norm(inputs)[:, None])


def test_the_image_size_is_saved_and_trained_through(tmp_path: Path) -> None:
    model = TimmCnnForAudioClassification(TimmCnnConfig(backbone=NAME, n_mels=40, image_size=64, num_labels=3))
    inputs = torch.randn(2, 40, 70, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        model(inputs, torch.tensor([0, 1])).loss.backward()
    assert inputs.grad.abs().sum() > 0
    model.eval().save_pretrained(tmp_path)
    loaded = TimmCnnForAudioClassification.from_pretrained(tmp_path)
    assert loaded.config.image_size == 64
    torch.testing.assert_close(loaded(inputs).logits, model(inputs).logits)
    half = loaded.to(torch.bfloat16)(inputs.detach().bfloat16()).logits
    assert half.dtype == torch.bfloat16


@pytest.mark.parametrize("size", [0, -224])
def test_an_image_size_must_be_positive(size: int) -> None:
    with pytest.raises(ValueError, match=f"image_size is {size}"):
        TimmCnnConfig(backbone=NAME, image_size=size)


def published(backbone: str, folder: Path) -> tuple[Path, dict[str, torch.Tensor]]:
    """What timm publishes of a backbone, made on the spot: every tensor of the whole model, classifier and all."""
    torch.manual_seed(5)
    state = timm.create_model(backbone).state_dict()
    save_file(state, folder / "model.safetensors")
    return folder / "model.safetensors", state


@pytest.mark.parametrize(
    ("backbone", "first"),
    [
        ("resnet34", "conv1.weight"),
        ("mobilenetv3_small_050", "conv_stem.weight"),
        pytest.param("vgg19", "features.0.weight", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("in_chans", [1, 3])
def test_a_checkpoint_in_timms_published_form_is_loaded(
    tmp_path: Path, backbone: str, first: str, in_chans: int
) -> None:
    path, state = published(backbone, tmp_path)
    settings = {"hidden_head": backbone != "vgg19", "head_sizes": [16], "head_dropout": 0.6}
    model = TimmCnnForAudioClassification.from_imagenet(
        backbone, weights=path, in_chans=in_chans, n_mels=64, num_labels=8, **settings
    ).eval()
    loaded = model.backbone.state_dict()
    expected = state[first].sum(1, keepdim=True) if in_chans == 1 else state[first]
    torch.testing.assert_close(loaded[first], expected)
    assert all(torch.equal(loaded[key], state[key]) for key in loaded if key != first)
    reference = timm.create_model(backbone)
    reference.load_state_dict(state)
    image = torch.randn(2, 1, 64, 96)
    with torch.no_grad():
        maps = model.backbone.forward_features(image.expand(-1, in_chans, -1, -1))
        wanted = reference.eval().forward_features(image.expand(-1, 3, -1, -1))
        assert model(image[:, 0]).logits.shape == (2, 8)
    torch.testing.assert_close(maps, wanted, rtol=1e-3, atol=1e-4 * wanted.abs().max().item())


@pytest.mark.parametrize(("backbone", "channels"), [("mobilenetv3_small_050", 288), ("test_resnet", None)])
def test_the_hidden_head_of_a_backbone_can_be_left_out(backbone: str, channels: int | None, tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = TimmCnnConfig(backbone=backbone, n_mels=32, num_labels=3, hidden_head=False)
    model = TimmCnnForAudioClassification(config).eval()
    inputs = torch.randn(2, 32, 40)
    with torch.no_grad():
        maps = model.backbone.forward_features(inputs[:, None])
        pooled = model.backbone(inputs[:, None])
    torch.testing.assert_close(pooled, maps.mean(dim=(2, 3)))
    assert model.classifier.in_features == maps.shape[1]
    assert channels in (None, maps.shape[1])
    model.save_pretrained(tmp_path)
    torch.testing.assert_close(
        TimmCnnForAudioClassification.from_pretrained(tmp_path)(inputs).logits, model(inputs).logits
    )


def test_vgg_without_its_hidden_head_has_a_seventh_of_the_weights() -> None:
    with torch.device("meta"):
        sizes = [
            sum(p.numel() for p in timm.create_model("vgg19", num_classes=0).parameters()),
            sum(p.numel() for p in TimmCnnForAudioClassification(vgg19_of_the_paper()).parameters()),
        ]
    assert sizes[0] > 139e6
    convolutions = 20_024_384 - 2 * 64 * 9  # Keras' VGG19 without its top, and one input channel
    head = (512 * 128 + 128) + (128 * 64 + 64) + (64 * 7 + 7) + 2 * (128 + 64)
    assert sizes[1] == convolutions + head + 2 * 128


def vgg19_of_the_paper() -> TimmCnnConfig:
    return TimmCnnConfig(
        backbone="vgg19", hidden_head=False, head_sizes=[128, 64], head_dropout=0.6, num_labels=7, n_mels=128
    )
