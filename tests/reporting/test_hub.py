"""Pushing with the real huggingface_hub client to a small Hub on the loopback address; pulling in a fresh process."""

import json
import re
import socket
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from ser_hf.base.errors import CheckpointError, SerHfError
from ser_hf.reporting import push_run, write_model_card
from ser_hf.reporting.hub import files_to_push

TOKEN = "hf_loopback"
PUSH = """
import json, sys
from ser_hf.base.errors import SerHfError
from ser_hf.reporting.hub import push_run

def outcome(call):
    try:
        return push_run(**call).address
    except SerHfError as error:
        return f"error: {{error}}"

json.dump([outcome(call) for call in {calls!r}], sys.stdout)
"""


def stub(folder: Path) -> Path:
    """A run folder with everything a repository needs, and much that must stay at home."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "x", "auto_map": {"AutoConfig": "model.XConfig"}}))
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_extractor_type": "X"}))
    (folder / "model.py").write_text("class XConfig: ...\n")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# A card\n\nload('USER/REPOSITORY')\n")
    save_file({"weight": np.arange(6, dtype=np.float32)}, folder / "model.safetensors")
    for name in (
        "training_args.bin",
        "predictions.parquet",
        "checkpoints/checkpoint-1/optimizer.pt",
        ".env",
        "log.txt",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"stays at home")
    (folder / "plots").mkdir(exist_ok=True)
    (folder / "plots" / "per_class.png").write_bytes(b"\x89PNG")
    return folder


@pytest.fixture
def push(hub, fresh_process):
    """Pushes one call after the other in a process of its own; gives the address or the error of each."""

    def push_all(*calls, **environment):
        calls = [{"repo_id": "tester/model", **call, "run_dir": str(call["run_dir"])} for call in calls]
        environment = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, **environment}
        result = fresh_process(PUSH.format(calls=calls), **environment)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    return push_all


def test_only_what_a_repository_needs_is_sent_in_one_commit(hub, push, tmp_path):
    run = stub(tmp_path / "a_run")
    assert push({"run_dir": run, "private": True}) == [f"{hub.url}/tester/model"]
    sent = hub.files("tester/model")
    assert set(sent) == {
        "config.json",
        "preprocessor_config.json",
        "model.safetensors",
        "model.py",
        "README.md",
        "plots/per_class.png",
    }
    assert sent["model.safetensors"] == (run / "model.safetensors").read_bytes()
    assert b"load('tester/model')" in sent["README.md"]
    assert hub.repos["tester/model"].private
    assert hub.commits("tester/model") == ["Upload a_run with ser_hf"]


def test_pushing_again_commits_only_what_changed(hub, push, tmp_path):
    first, second = stub(tmp_path / "first"), stub(tmp_path / "second")
    save_file({"weight": np.zeros(3, dtype=np.float32)}, second / "model.safetensors")
    assert push(*({"run_dir": run} for run in (first, first, second))) == [f"{hub.url}/tester/model"] * 3
    assert hub.commits("tester/model") == ["Upload first with ser_hf", "Upload second with ser_hf"]
    assert hub.files("tester/model")["model.safetensors"] == (second / "model.safetensors").read_bytes()
    assert len([r for r in hub.requests if r.startswith("PUT")]) == 3, "an unchanged large file was sent again"


def test_a_branch_is_made_and_a_bare_name_goes_to_the_user(hub, push, tmp_path):
    call = {"run_dir": stub(tmp_path / "run"), "repo_id": "model", "revision": "try/1"}
    assert push(call, call) == [f"{hub.url}/tester/model/tree/try/1"] * 2
    assert len(hub.commits("tester/model", "try/1")) == 1
    assert hub.commits("tester/model", "main") == []


def test_a_refusal_is_one_clear_message(hub, push, tmp_path):
    run, bad_card = stub(tmp_path / "run"), stub(tmp_path / "bad_card")
    (bad_card / "README.md").write_text("---\nlicense: other\n---\n")
    expected = [
        ({}, "HTTP 401.*Invalid username.*hf auth login"),
        ({"token": "hf_wrong"}, "HTTP 401.*Invalid credentials.*HF_TOKEN"),
        ({"token": TOKEN, "repo_id": "somebody/model"}, "HTTP 403.*write access"),
        ({"token": TOKEN, "repo_id": "a/b/c"}, "'a/b/c' is no name for a repository.*USER/NAME"),
        ({"token": TOKEN, "revision": "refs/pr/9"}, "HTTP 404.*revision"),
        ({"token": TOKEN, "run_dir": bad_card}, '"license_name" is required'),
    ]
    outcomes = push(*({"run_dir": run, **call} for call, _ in expected), HF_TOKEN="")
    for outcome, (_, said) in zip(outcomes, expected, strict=True):
        assert outcome.startswith("error: ")
        assert re.search(said, outcome.replace("\n", " "))
    assert hub.commits("tester/model") == []


def free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"HF_ENDPOINT": free_port()}, "cannot be reached.*HF_ENDPOINT"),
        ({"HF_HUB_OFFLINE": "1"}, "offline mode.*HF_HUB_OFFLINE"),
        ({"HF_HUB_DISABLE_XET": "0"}, "xet.*HF_HUB_DISABLE_XET=1"),
    ],
)
def test_a_hub_that_cannot_be_used_is_one_clear_message(push, tmp_path, environment, said):
    (outcome,) = push({"run_dir": stub(tmp_path / "run")}, **environment)
    assert re.fullmatch(f"error: .*{said}.*", outcome)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "preprocessor_config.json", "README.md"])
def test_a_missing_file_is_named(tmp_path, name):
    run = stub(tmp_path / "run")
    (run / name).unlink()
    with pytest.raises(CheckpointError, match=f"has no {re.escape(name)}"):
        push_run(run, "tester/model")


def test_a_pickle_is_never_sent_in_place_of_weights(tmp_path):
    run = stub(tmp_path / "run")
    (run / "model.safetensors").rename(run / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"pytorch_model\.bin, training_args\.bin\) are never sent"):
        push_run(run, "tester/model")


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\n", b"\x80\x04pickle" * 9])
def test_weights_that_are_no_safetensors_are_refused(tmp_path, content):
    run = stub(tmp_path / "run")
    (run / "model.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match="is not a safetensors file"):
        files_to_push(run)


def test_other_folders_are_told_apart(tmp_path):
    with pytest.raises(CheckpointError, match="is not a folder"):
        files_to_push(tmp_path / "nowhere")
    (tmp_path / "build.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"holds a built dataset .*goes by `push_dataset`"):
        files_to_push(tmp_path)


def test_configuration_and_code_must_fit(tmp_path):
    run = stub(tmp_path / "run")
    (run / "model.py").unlink()
    with pytest.raises(CheckpointError, match=r"names model\.py, which is not in the folder"):
        files_to_push(run)
    (run / "config.json").write_text("{")
    with pytest.raises(SerHfError, match=r"config\.json is not readable as JSON"):
        files_to_push(run)


PULL = """
import json, sys
import numpy as np, torch
{code}
features = torch.from_numpy(np.load({features!r}))
with torch.no_grad():
    np.save({logits!r}, model(features).logits.numpy())
json.dump(scores, open({scores!r}, "w"))
"""


def test_a_pushed_checkpoint_is_pulled_as_the_card_says(hub, push, fresh_process, tmp_path, results, run_dir):
    import soundfile
    import torch

    from ser_hf.models import build_config, build_extractor, build_model

    labels = dict(enumerate(results["data"]["classes"]))
    small = {"conv_channels": [4, 4], "conv_pools": [[4, 4], [4, 4]], "lstm_size": 8, "attention_size": 8}
    torch.manual_seed(1)
    config = build_config("cnn_blstm_attention", **small, id2label=labels, label2id={c: i for i, c in labels.items()})
    model, extractor = build_model(config).eval(), build_extractor()
    model.save_pretrained(run_dir)
    extractor.save_pretrained(run_dir)
    card = write_model_card(run_dir).read_text()
    assert push({"run_dir": run_dir, "repo_id": "tester/ser"}) == [f"{hub.url}/tester/ser"]

    generator = np.random.default_rng(0)
    clip = generator.normal(0, 0.1, 32000).astype(np.float32)
    soundfile.write(tmp_path / "clip.wav", clip, 16000, subtype="FLOAT")
    features = extractor(clip, sampling_rate=16000, return_tensors="np")["input_features"]
    np.save(tmp_path / "features.npy", features)
    with torch.no_grad():
        expected = model(torch.from_numpy(features)).logits.numpy()

    blocks = re.findall(r"```python\n(.*?)```", hub.files("tester/ser")["README.md"].decode(), re.DOTALL)
    assert len(blocks) == 2
    assert "tester/ser" in blocks[0]
    assert "USER/REPOSITORY" in card
    paths = {name: str(tmp_path / file) for name, file in _PULLED.items()}
    environment = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN}
    result = fresh_process(PULL.format(code=blocks[0], **paths), **environment)
    assert result.returncode == 0, result.stderr
    assert "newly initialized" not in result.stderr
    np.testing.assert_allclose(np.load(tmp_path / "logits.npy"), expected, rtol=0, atol=1e-6)
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert list(scores) == results["data"]["classes"]

    alone = 'import sys\nsys.modules["ser_hf"] = None\n' + blocks[1].replace("classify({", "found = classify({")
    result = fresh_process(alone + "\nimport json; print(json.dumps(found))", **environment)
    assert result.returncode == 0, result.stderr
    found = {entry["label"]: entry["score"] for entry in json.loads(result.stdout.splitlines()[-1])}
    assert found == pytest.approx({name: scores[name] for name in found}, abs=1e-6)


_PULLED = {"features": "features.npy", "logits": "logits.npy", "scores": "scores.json"}


def test_what_was_trained_on_recordings_of_an_unknown_licence_waits_for_a_word(hub, push, tmp_path, results):
    run = stub(tmp_path / "run")
    corpora = [{**corpus, "licence": "unknown"} for corpus in results["data"]["corpora"]]
    (run / "results.json").write_text(json.dumps({**results, "data": {**results["data"], "corpora": corpora}}))
    refused, sent = push({"run_dir": run}, {"run_dir": run, "licence": "CC BY 4.0"})
    assert re.search(r"was trained on \w+.*, whose licence is unknown; say under what terms .* --licence", refused)
    assert sent == f"{hub.url}/tester/model"
    card = hub.files("tester/model")["README.md"].decode()
    assert "license: cc-by-4.0" in card


ASK = """
import json, sys
from ser_hf.inference import SerClassifier

json.dump(SerClassifier.from_pretrained("tester/ensemble")([{clip!r}]), sys.stdout)
"""


def test_an_ensemble_is_pushed_with_its_members_and_pulled(hub, push, fresh_process, tiny_run, tones_root, tmp_path):
    from ser_hf.inference import SerClassifier
    from ser_hf.training import EnsembleConfig, class_names, load_checkpoint, save_ensemble

    run, clip = tmp_path / "ensemble", str(next(tones_root.rglob("*.wav")))
    names = class_names(load_checkpoint(tiny_run.folder)[0].config)
    labels = {"id2label": dict(enumerate(names)), "label2id": {name: i for i, name in enumerate(names)}}
    config = EnsembleConfig(members=["a", "b"], shares=[1, 2], **labels)
    save_ensemble(config, [tiny_run.folder, tiny_run.folder], run)
    assert "has no README.md: the model card" in push({"run_dir": run})[0]
    (run / "README.md").write_text("---\nlicense: mit\n---\n# A card\n")
    (run / "members" / "1" / "old.pkl").write_bytes(b"stays at home")
    assert push({"run_dir": run, "repo_id": "tester/ensemble"}) == [f"{hub.url}/tester/ensemble"]
    sent = set(hub.files("tester/ensemble"))
    assert {"members/1/model.safetensors", "members/2/preprocessor_config.json", "config.json"} <= sent
    assert not any(name.endswith((".pkl", ".parquet", "split.json")) for name in sent)
    result = fresh_process(ASK.format(clip=clip), HF_ENDPOINT=hub.url, HF_TOKEN=TOKEN)
    assert result.returncode == 0, result.stderr
    (scores,) = json.loads(result.stdout)
    assert scores == pytest.approx(SerClassifier.from_pretrained(tiny_run.folder, device="cpu")([clip])[0], abs=1e-6)
