"""A checkpoint as an ONNX file: the same logits, all that is needed in one file, or a clear reason why not."""

import importlib
import json
import shutil
from pathlib import Path

import pytest
import torch

from ser_hf.base import optional
from ser_hf.base.errors import CheckpointError, SerHfError
from ser_hf.cli import main
from ser_hf.inference import SerClassifier, export_onnx, onnx_export
from ser_hf.inference.onnx_export import write_onnx
from ser_hf.inference.onnx_model import OnnxModel
from ser_hf.models import MODELS, SerFeatureExtractor, build_config, build_model

SMALL = {
    "cnn_blstm_attention": {"conv_channels": [4, 4], "conv_pools": [[4, 2], [2, 2]], "lstm_size": 4},
    "timm_cnn": {"backbone": "test_resnet"},
}
FAMILIES = {
    **{name: (name, {}) for name in MODELS if name != "embedding_mlp"},  # a probe is refused
    "forward LSTM of two layers": ("cnn_blstm_attention", {"use_cnn": False, "lstm_layers": 2, "bidirectional": False}),
    "BLSTM of two layers, mean": ("cnn_blstm_attention", {"lstm_layers": 2, "use_attention": False}),
    "functionals of the valid frames": ("cnn_blstm_attention", {"functionals": True, "mask_padding": True}),
    "strides": ("cnn_blstm_attention", {"downsampling": "stride", "use_lstm": False}),
    "resized image of three channels": ("timm_cnn", {"image_size": 48, "in_chans": 3}),
}


@pytest.fixture
def gone(monkeypatch):
    """Makes a module as if it were not installed."""

    def remove(name):
        real = importlib.import_module

        def missing(module, *given):
            if module == name:
                raise ModuleNotFoundError(f"No module named {name!r}")
            return real(module, *given)

        monkeypatch.setattr(optional.importlib, "import_module", missing)

    return remove


@pytest.fixture(scope="module")
def exported(tiny_run, tmp_path_factory) -> Path:
    """The tiny run as an ONNX file, alone in its folder."""
    return export_onnx(tiny_run.folder, tmp_path_factory.mktemp("onnx") / "alone.onnx")


@pytest.mark.parametrize("case", FAMILIES)
def test_logits_are_those_of_pytorch_for_any_batch_and_any_number_of_frames(case, tmp_path):
    name, settings = FAMILIES[case]
    torch.manual_seed(0)
    config = build_config(name, n_mels=32, num_labels=3, **{**SMALL[name], **settings})
    model = build_model(config).train()
    with torch.no_grad():
        model(5 + 3 * torch.randn(4, 32, 30))  # statistics of the batch normalisation that are not those of the start
        for parameter in model.classifier.parameters():
            parameter.mul_(10)
    model.eval()
    write_onnx(model, SerFeatureExtractor(n_mels=32, duration=0.5), tmp_path / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"], "weights are inside"
    written = OnnxModel(tmp_path / "model.onnx")
    for batch, frames in ((1, 1), (1, 32), (2, 7), (5, 33), (3, 188)):
        inputs = torch.randn(batch, 32, frames)
        with torch.no_grad():
            expected = model(inputs).logits
        torch.testing.assert_close(written(input_features=inputs).logits, expected, atol=1e-4, rtol=1e-4)


def test_the_file_alone_names_classes_and_features_and_classifies(exported, tiny_run, tones_root, capsys):
    facts = OnnxModel(exported).facts
    config = json.loads((tiny_run.folder / "config.json").read_text())
    assert json.loads(facts["labels"]) == [config["id2label"][str(i)] for i in range(8)]
    assert json.loads(facts["feature_extractor"])["n_mels"] == 32
    assert facts["label_scheme"] == "8class"
    assert str(Path(__file__).parents[2]).encode() not in exported.read_bytes(), "nothing of this machine"
    clips = sorted(tones_root.rglob("*.wav"))[::40]
    reference = SerClassifier.from_pretrained(tiny_run.folder, device="cpu")(clips)
    for found, expected in zip(SerClassifier.from_pretrained(exported)(clips), reference, strict=True):
        assert found == pytest.approx(expected, abs=1e-5)
    assert main(["predict", str(exported), str(clips[0]), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scores"] == pytest.approx(reference[0], abs=1e-5)


def test_the_command_writes_into_the_run(tiny_run, tmp_path, capsys):
    for name in ("config.json", "model.safetensors", "preprocessor_config.json"):
        shutil.copy(tiny_run.folder / name, tmp_path)
    assert main(["export", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/model.onnx\n"
    assert OnnxModel(tmp_path / "model.onnx").config.num_labels == 8


def test_a_file_that_differs_is_not_left(tiny_run, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, "with_exportable_lstms", _doubled)
    file = tmp_path / "model.onnx"
    file.write_bytes(b"of before")
    with pytest.raises(SerHfError, match=r"differs from PyTorch by .* nothing was written"):
        export_onnx(tiny_run.folder, file)
    assert file.read_bytes() == b"of before"
    assert list(tmp_path.iterdir()) == [file]


def _doubled(model):
    model = _with_exportable_lstms(model)
    model.classifier.weight.data.mul_(1.1)
    return model


_with_exportable_lstms = onnx_export.with_exportable_lstms


@pytest.mark.parametrize("module", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_extra_is_named_with_its_install_line(tiny_run, gone, module, capsys):
    gone(module)
    assert main(["export", str(tiny_run.folder)]) == 2
    shown = capsys.readouterr().err
    assert module in shown
    assert "pip install 'ser_hf[onnx]'" in shown


@pytest.mark.parametrize("content", [b"", b"no onnx", b"\x80\x04pickle" * 9])
def test_another_file_is_refused(tmp_path, content):
    (tmp_path / "x.onnx").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"x\.onnx"):
        SerClassifier.from_pretrained(tmp_path / "x.onnx")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CheckpointError, match=r"no ONNX file .*gone\.onnx; `ser-hf export RUN` writes one"):
        SerClassifier.from_pretrained(tmp_path / "gone.onnx")


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("labels", None, "does not name its classes"),
        ("labels", "{", "does not name its classes"),
        ("feature_extractor", None, "feature settings in its metadata are broken"),
        ("feature_extractor", "[]", "feature settings in its metadata are broken"),
        ("feature_extractor", '{"feature_extractor_type": "SerFeatureExtractor", "n_mels": -1}', "broken .*n_mels"),
        ("feature_extractor", '{"feature_extractor_type": "ASTFeatureExtractor"}', "are not those of ser_hf"),
    ],
)
def test_metadata_that_cannot_be(exported, tmp_path, key, value, reason):
    import onnx

    proto = onnx.load(exported)
    (entry,) = (prop for prop in proto.metadata_props if prop.key == key)
    if value is None:
        proto.metadata_props.remove(entry)
    else:
        entry.value = value
    onnx.save(proto, tmp_path / "x.onnx")
    with pytest.raises(CheckpointError, match=reason):
        SerClassifier.from_pretrained(tmp_path / "x.onnx")
