"""A checkpoint folder is loaded whole, or refused in one clear line."""

import json
import logging
import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ser_hf.base.errors import CheckpointError
from ser_hf.models import CnnBlstmAttentionForAudioClassification, SerFeatureExtractor
from ser_hf.training import load_checkpoint

FILES = ("config.json", "model.safetensors", "preprocessor_config.json")


@pytest.fixture
def checkpoint(tiny_run, tmp_path: Path) -> Path:
    """A copy of the three files, to be damaged."""
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    for name in FILES:
        shutil.copy(tiny_run.folder / name, folder)
    return folder


def edit(path: Path, **changes) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_weights(folder: Path, change) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def refused(source, caplog, device: str = "cpu") -> str:
    logging.getLogger("transformers").addHandler(caplog.handler)
    try:
        with pytest.raises(CheckpointError) as caught:
            load_checkpoint(source, device)
    finally:
        logging.getLogger("transformers").removeHandler(caplog.handler)
    assert caplog.text == "", "the libraries talk beside the message"
    assert "\n" not in str(caught.value)
    assert str(source) in str(caught.value) or device != "cpu"
    return str(caught.value)


def test_a_whole_checkpoint_is_loaded_ready_to_use(checkpoint):
    model, extractor = load_checkpoint(checkpoint, "cpu")
    assert isinstance(model, CnnBlstmAttentionForAudioClassification)
    assert isinstance(extractor, SerFeatureExtractor)
    assert not model.training
    assert (model.config.label_scheme, extractor.n_mels, extractor.duration) == ("8class", 32, 0.5)
    for name, tensor in load_file(checkpoint / "model.safetensors").items():
        assert torch.equal(model.state_dict()[name], tensor)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named_with_what_is_there(checkpoint, caplog, name):
    (checkpoint / name).unlink()
    there = ", ".join(sorted(set(FILES) - {name}))
    assert f"is no checkpoint: {name} missing (it holds {there})" in refused(checkpoint, caplog)


def test_an_empty_folder(tmp_path, caplog):
    assert "missing (it holds nothing). Expected a run folder written by `ser-hf train`" in refused(tmp_path, caplog)


def test_a_folder_that_is_not_there(tmp_path, caplog):
    assert "no checkpoint folder" in refused(tmp_path / "gone", caplog)
    assert "no checkpoint folder" in refused("./gone", caplog)
    assert "no checkpoint folder" in refused("runs/gone/too", caplog)


def test_a_name_that_is_neither_a_folder_nor_in_reach(caplog):
    assert "runs/gone is no folder here, and as a repository on the Hub it cannot" in refused("runs/gone", caplog)


def test_a_file_is_no_checkpoint(checkpoint, caplog):
    assert "no checkpoint folder" in refused(checkpoint / "config.json", caplog)


def test_a_missing_tensor_is_not_filled_at_random(checkpoint, caplog):
    edit_weights(checkpoint, lambda weights: weights.pop("classifier.weight"))
    assert "1 missing weights, e.g. classifier.weight; the checkpoint is not whole" in refused(checkpoint, caplog)


def test_a_tensor_of_another_shape(checkpoint, caplog):
    edit_weights(checkpoint, lambda weights: weights.update({"classifier.weight": torch.zeros(3, 3)}))
    assert re.search("classifier.weight|mismatch|size", refused(checkpoint, caplog))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(checkpoint, caplog, value):
    edit_weights(checkpoint, lambda weights: weights["classifier.bias"].fill_(value))
    assert "1 weights are not finite, e.g. classifier.bias" in refused(checkpoint, caplog)


def test_labels_that_contradict_each_other(checkpoint, caplog):
    config = checkpoint / "config.json"
    labels = json.loads(config.read_text())["label2id"]
    edit(config, label2id=labels | {"happy": labels["sad"], "sad": labels["happy"]})
    assert "id2label and label2id in config.json contradict each other" in refused(checkpoint, caplog)


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json"])
@pytest.mark.parametrize("content", ["{", "", "[]", "null", '{"model_type": "no_such"}', "{}"])
def test_a_broken_configuration(checkpoint, caplog, name, content):
    (checkpoint / name).write_text(content)
    refused(checkpoint, caplog)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("config.json", {"lstm_size": "many"}),
        ("config.json", {"lstm_size": -1}),
        ("config.json", {"id2label": {"0": "happy"}}),
        ("preprocessor_config.json", {"n_mels": "many"}),
        ("preprocessor_config.json", {"n_mels": -1}),
        ("preprocessor_config.json", {"feature_extractor_type": "ASTFeatureExtractor"}),
    ],
)
def test_a_setting_that_cannot_be(checkpoint, caplog, name, changes):
    edit(checkpoint / name, **changes)
    refused(checkpoint, caplog)


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\n", b"\x80\x04pickle" * 9])
def test_weights_that_are_no_safetensors(checkpoint, caplog, content):
    (checkpoint / "model.safetensors").write_bytes(content)
    refused(checkpoint, caplog)


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "model.pkl", "svm.joblib", "Model.PT", "weights.pth", "last.ckpt", "x.pickle"]
)
def test_a_pickle_is_refused_even_beside_safetensors(checkpoint, caplog, name):
    (checkpoint / name).write_bytes(b"")
    assert f"holds {name}: such files are pickles" in refused(checkpoint, caplog)


def test_a_pickle_is_the_reason_where_nothing_else_is(tmp_path, caplog):
    for name in ("b.bin", "a.pkl"):
        (tmp_path / name).write_bytes(b"\x80\x04")
    assert "holds a.pkl, b.bin: such files are pickles" in refused(tmp_path, caplog)


def test_pickles_in_folders_below_are_those_of_resuming(checkpoint):
    (checkpoint / "checkpoints" / "checkpoint-5").mkdir(parents=True)
    (checkpoint / "checkpoints" / "checkpoint-5" / "optimizer.pt").write_bytes(b"")
    load_checkpoint(checkpoint, "cpu")


def test_a_state_to_resume_from_is_no_checkpoint(tiny_run, caplog):
    folder = next((tiny_run.folder / "checkpoints").iterdir())
    message = refused(folder, caplog)
    assert "is a state to resume a training from (it holds optimizer.pt, " in message
    assert message.endswith("give the run folder above it")


def test_truncated_weights(checkpoint, caplog):
    data = (checkpoint / "model.safetensors").read_bytes()
    (checkpoint / "model.safetensors").write_bytes(data[:-100])
    refused(checkpoint, caplog)


def test_a_device_that_is_not_there(checkpoint, caplog, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "device 'cuda:0' was asked for and no such GPU is visible" in refused(checkpoint, caplog, "cuda:0")


def test_a_device_nobody_knows(checkpoint, caplog):
    assert "unknown device 'gpu'; expected auto, cpu, cuda or cuda:N" in refused(checkpoint, caplog, "gpu")


def test_code_of_its_own_is_never_run_and_nobody_is_asked(checkpoint, caplog, monkeypatch):
    """``trust_remote_code=None`` would ask on the terminal, and after a yes import the file."""
    edit(checkpoint / "config.json", model_type="stranger", auto_map={"AutoConfig": "own.Config"})
    (checkpoint / "own.py").write_text("raise SystemExit('it ran')\n")
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("somebody was asked"))
    message = refused(checkpoint, caplog)
    assert "comes with code of its own (auto_map in its configuration), which ser_hf never runs" in message
    assert "trust_remote_code=True" in message


def test_our_own_code_beside_a_checkpoint_is_not_run_either(tiny_run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(tiny_run.folder, folder, ignore=shutil.ignore_patterns("checkpoints"))
    assert json.loads((folder / "config.json").read_text())["auto_map"]
    for path in folder.glob("*.py"):
        path.write_text("raise SystemExit('it ran')\n")
    assert isinstance(load_checkpoint(folder, "cpu")[0], CnnBlstmAttentionForAudioClassification)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
            "is a Git-LFS pointer, not the weights",
        ),
        (b"\xff" * 64, "is no whole safetensors file: cut off or damaged; fetch or copy it again"),
        (b"", "is no whole safetensors file"),
    ],
    ids=["pointer", "noise", "empty"],
)
def test_weights_that_are_none_are_told_in_plain_words(checkpoint, caplog, data, said):
    (checkpoint / "model.safetensors").write_bytes(data)
    message = refused(checkpoint, caplog)
    assert f"model.safetensors {said}" in message
    assert "header" not in message


def test_weights_of_another_size_are_told_by_name(checkpoint, caplog):
    edit_weights(checkpoint, lambda weights: weights.update({"classifier.bias": torch.zeros(99)}))
    message = refused(checkpoint, caplog)
    assert "1 mismatched weights, e.g. " in message
    assert "classifier.bias" in message
    assert "report" not in message
