"""Pushing a probe with the encoder it hears by, and asking it in a fresh process that has nothing else."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ser_hf.base.errors import CheckpointError
from ser_hf.cli import main
from ser_hf.inference import SerClassifier
from ser_hf.reporting.hub import files_to_push

ENCODER = {f"encoder/{name}" for name in ("config.json", "preprocessor_config.json", "model.safetensors")}
MODELS = {
    "embedding_mlp": ["--model", "embedding_mlp", "--max_steps", "2", "--per_device_train_batch_size", "16"],
    "svm": ["--model", "svm", "--model_settings", "C=1", "gamma=1"],
}
PUSH = """
from ser_hf.reporting import push_run

print(push_run({run!r}, "tester/probe"))
"""
ASK = """
import json, sys
from ser_hf.inference import SerClassifier

json.dump(SerClassifier.from_pretrained("tester/probe", device="cpu")([{clip!r}]), sys.stdout)
"""


@pytest.fixture(scope="module")
def make_probe(tones_root, save_transformer, tmp_path_factory):
    """A function that trains a probe on a tiny Whisper, and gives the run folder."""
    folder = tmp_path_factory.mktemp("probes")
    head = f"corpora: [ravdess, savee]\nprotocol: random\nfeatures: embeddings\ndata_root: {tones_root}\n"
    encoder = save_transformer("whisper", folder / "tiny-whisper")
    (folder / "probe.yaml").write_text(f"{head}encoder: {encoder}\nlayers: [1, 2]\n", encoding="utf-8")

    def make(model: str) -> Path:
        run = folder / model
        if not run.exists():
            assert main(["train", str(folder / "probe.yaml"), "--output_dir", str(run), *MODELS[model]]) == 0
        return run

    return make


@pytest.mark.parametrize("model", MODELS)
def test_a_probe_travels_with_its_encoder(hub, fresh_process, make_probe, model, tones_root):
    run, clip = make_probe(model), str(next(tones_root.rglob("*.wav")))
    environment = {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_loopback"}
    pushed = fresh_process(PUSH.format(run=str(run)), **environment)
    assert pushed.returncode == 0, pushed.stderr
    assert set(hub.files("tester/probe")) >= ENCODER
    asked = fresh_process(ASK.format(clip=clip), **environment)
    assert asked.returncode == 0, asked.stderr
    (scores,) = json.loads(asked.stdout)
    assert scores == pytest.approx(SerClassifier.from_pretrained(run, device="cpu")([clip])[0], abs=1e-5)


def copied(run: Path, place: Path) -> Path:
    return Path(shutil.copytree(run, place, ignore=shutil.ignore_patterns("checkpoints", "plots")))


@pytest.mark.parametrize("name", sorted(ENCODER))
def test_half_an_encoder_is_not_sent(make_probe, tmp_path, name):
    run = copied(make_probe("embedding_mlp"), tmp_path / "run")
    (run / name).unlink()
    with pytest.raises(CheckpointError, match=f"encoder has no {name.split('/')[1]}"):
        files_to_push(run)


def test_the_weights_of_an_encoder_are_checked_as_those_of_a_model(make_probe, tmp_path):
    run = copied(make_probe("embedding_mlp"), tmp_path / "run")
    file = run / "encoder" / "model.safetensors"
    (run / "encoder" / "pytorch_model.bin").write_bytes(b"stays at home")
    assert not any(name.endswith(".bin") for name in files_to_push(run))
    weights = load_file(file)
    name = next(iter(weights))
    save_file({**weights, name: weights[name] + 1}, file)
    with pytest.raises(CheckpointError, match="the weights in encoder are not those the model was fitted on"):
        files_to_push(run)
    save_file({**weights, name: torch.full_like(weights[name], torch.nan)}, file)
    with pytest.raises(CheckpointError, match="1 weights are not finite"):
        files_to_push(run)
    file.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(CheckpointError, match="is not a safetensors file"):
        files_to_push(run)
