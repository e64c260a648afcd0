"""A checkpoint as an ONNX file: the same probabilities, all that is needed in one file, or a clear reason why not."""

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ser_hf.base import optional
from ser_hf.base.errors import CheckpointError, SerHfError
from ser_hf.cli import main
from ser_hf.inference import OnnxClassifier, SerClassifier, export_onnx, onnx_export, open_model
from ser_hf.inference.onnx_export import write_onnx
from ser_hf.models import MODELS, SerFeatureExtractor, WhisperSerFeatureExtractor, build_config, build_model
from ser_hf.training import load_checkpoint

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


def heard_alike(written: OnnxClassifier, model: SerClassifier, shortest: int = 1, atol: float = 1e-4) -> None:
    """Clips shorter and longer than what is heard, faint, silent, and several at once give PyTorch's probabilities."""
    rng, rate = np.random.default_rng(0), model.sampling_rate
    clips = [
        rng.standard_normal(n, dtype=np.float32) * 0.1 for n in (shortest, 401, 512, 5_000, rate // 2, rate, 3 * rate)
    ]
    clips += [
        np.zeros(9_000, np.float32),
        clips[4] * 1e-3,
        np.concatenate([clips[3] * 1e-4, clips[4], clips[3] * 1e-4]),
    ]
    expected = model.score(clips).probabilities
    np.testing.assert_allclose(written.score(clips).probabilities, expected, atol=atol)
    alone = np.concatenate([written.score([clip]).probabilities for clip in clips])
    np.testing.assert_allclose(alone, expected, atol=atol)
    together = [clip[:rate] for clip in rng.standard_normal((40, rate), dtype=np.float32)]
    np.testing.assert_allclose(written.score(together).probabilities, model.score(together).probabilities, atol=atol)


@pytest.mark.parametrize("case", FAMILIES)
def test_probabilities_are_those_of_pytorch_for_any_number_and_length_of_clips(case, tmp_path):
    name, settings = FAMILIES[case]
    torch.manual_seed(0)
    config = build_config(name, n_mels=32, num_labels=3, **{**SMALL[name], **settings})
    model = build_model(config).train()
    with torch.no_grad():
        model(5 + 3 * torch.randn(4, 32, 30))  # statistics of the batch normalisation that are not those of the start
        for parameter in model.classifier.parameters():
            parameter.mul_(10)
    model.eval()
    extractor = SerFeatureExtractor(n_mels=32, duration=0.5)
    write_onnx(model, extractor, tmp_path / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"], "weights are inside"
    heard_alike(OnnxClassifier(tmp_path / "model.onnx"), SerClassifier(model, extractor))


def test_a_whisper_too(tmp_path, save_transformer):
    labels = {0: "sad", 1: "calm", 2: "angry"}
    save_transformer("whisper_ser", tmp_path / "run", id2label=labels, label2id={n: i for i, n in labels.items()})
    model, extractor = load_checkpoint(tmp_path / "run", "cpu")
    write_onnx(model, extractor, tmp_path / "model.onnx")
    written = OnnxClassifier(tmp_path / "model.onnx")
    assert written.window == 1
    heard_alike(written, SerClassifier(model, extractor), shortest=400)
    trimming = WhisperSerFeatureExtractor(feature_size=16, chunk_length=1, trim_db=30.0)
    with pytest.raises(SerHfError, match="a Whisper that trims silence"):
        write_onnx(model, trimming, tmp_path / "other.onnx")


def test_the_file_alone_names_classes_and_classifies(exported, tiny_run, tones_root, capsys):
    facts = OnnxClassifier(exported).facts
    config = json.loads((tiny_run.folder / "config.json").read_text())
    assert json.loads(facts["labels"]) == [config["id2label"][str(i)] for i in range(8)]
    assert json.loads(facts["feature_extractor"])["n_mels"] == 32
    assert (facts["label_scheme"], facts["sampling_rate"]) == ("8class", "16000")
    assert str(Path(__file__).parents[2]).encode() not in exported.read_bytes(), "nothing of this machine"
    clips = sorted(tones_root.rglob("*.wav"))[::40]
    reference = SerClassifier.from_pretrained(tiny_run.folder, device="cpu")(clips)
    for found, expected in zip(open_model(exported)(clips), reference, strict=True):
        assert found == pytest.approx(expected, abs=1e-5)
    assert main(["predict", str(exported), str(clips[0]), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scores"] == pytest.approx(reference[0], abs=1e-5)


def test_in_eight_bits_it_is_smaller_and_nearly_the_same(exported, tiny_run, tmp_path, tones_root):
    small = export_onnx(tiny_run.folder, tmp_path / "small.onnx", int8=True)
    assert small.stat().st_size < exported.stat().st_size
    written = OnnxClassifier(small)
    assert written.facts["weights"] == "int8"
    clips = sorted(tones_root.rglob("*.wav"))[::40]
    for found, expected in zip(written(clips), open_model(exported)(clips), strict=True):
        assert found == pytest.approx(expected, abs=0.05)


ALONE = """
import sys
from ser_hf.cli import main
code = main(sys.argv[1:])
heavy = {"torch", "transformers", "sklearn", "datasets", "scipy", "pandas", "pyarrow", "librosa", "matplotlib", "timm"}
sys.exit(code or f"loaded: {sorted(heavy & set(sys.modules))}" if heavy & set(sys.modules) else code)
"""


def test_nothing_heavy_is_loaded_for_it(exported, tones_root):
    clip = min(tones_root.rglob("*.wav"))
    command = [sys.executable, "-c", ALONE, "predict", str(exported), str(clip), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["file"] == str(clip)


def test_the_command_writes_into_the_run(tiny_run, tmp_path, capsys):
    for name in ("config.json", "model.safetensors", "preprocessor_config.json"):
        shutil.copy(tiny_run.folder / name, tmp_path)
    assert main(["export", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/model.onnx\n"
    assert len(OnnxClassifier(tmp_path / "model.onnx").labels) == 8
    assert main(["export", str(tmp_path), "--int8", "--small", "x"]) == 2
    assert "--int8 is for ONNX" in capsys.readouterr().err


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
        open_model(tmp_path / "x.onnx")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CheckpointError, match=r"no ONNX file .*gone\.onnx; `ser-hf export RUN` writes one"):
        open_model(tmp_path / "gone.onnx")


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("labels", None, "does not name its classes"),
        ("labels", "{", "does not name its classes"),
        ("labels", "[]", "facts in its metadata cannot be"),
        ("sampling_rate", None, "does not name its classes, sampling_rate"),
        ("sampling_rate", "-1", "facts in its metadata cannot be"),
        ("window", "long", "does not name its classes, sampling_rate and window"),
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
        open_model(tmp_path / "x.onnx")


def test_a_file_of_another_input_is_refused(exported, tmp_path):
    import onnx

    proto = onnx.load(exported)
    proto.graph.input[0].name = "input_features"
    for node in proto.graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = "input_features" if name == "waveform" else name
    onnx.save(proto, tmp_path / "x.onnx")
    with pytest.raises(CheckpointError, match="takes input_features and not 'waveform'; write it anew"):
        open_model(tmp_path / "x.onnx")


def test_the_classifier_of_pytorch_says_how_to_open_it(exported):
    with pytest.raises(CheckpointError, match=r"is an ONNX file: open it by ser_hf\.inference\.open_model"):
        SerClassifier.from_pretrained(exported)
