"""Probes on embeddings: trained by a recipe, asked, and moved to another place."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from ser_hf.base.errors import SerHfError
from ser_hf.cli import main
from ser_hf.inference import SerClassifier, export_onnx, export_small
from ser_hf.reporting.hub import files_to_push
from tests.tiny_transformers import save

RECIPE = """
corpora: [ravdess, savee]
protocol: random
features: embeddings
layers: [0, 1, 2]
num_train_epochs: 3
per_device_train_batch_size: 16
learning_rate: 1e-2
model: embedding_mlp
model_settings: {hidden_sizes: [8], dropout: 0.0}
"""


@pytest.fixture(scope="module")
def whisper(tmp_path_factory) -> Path:
    return save("whisper", tmp_path_factory.mktemp("whisper"))


@pytest.fixture(scope="module")
def run(whisper, tones_root, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("probe")
    (folder / "probe.yaml").write_text(f"{RECIPE}encoder: {whisper}\ndata_root: {tones_root}\n", encoding="utf-8")
    assert main(["train", str(folder / "probe.yaml"), "--output_dir", str(folder / "run")]) == 0
    return folder / "run"


def test_its_results_say_which_encoder(run, whisper):
    results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    assert results["features"]["feature_extractor_type"] == "EmbeddingExtractor"
    assert results["features"]["encoder"] == whisper.name
    assert results["features"]["layers"] == [0, 1, 2]
    assert results["features"]["encoder_family"] == "Whisper encoder over true lengths"
    assert results["features"]["encoder_parameters"] > results["model"]["parameters"]
    assert "0, 1, 2" in (run / "report.html").read_text(encoding="utf-8")
    assert results["model"]["config"]["n_mels"] == 3


def test_it_is_asked_elsewhere_by_the_encoder_it_brings(run, tones_root, tmp_path):
    clip = next((tones_root / "ravdess").rglob("*.wav"))
    here = SerClassifier.from_pretrained(run)([clip])[0]
    shutil.copytree(run, tmp_path / "moved")
    there = SerClassifier.from_pretrained(tmp_path / "moved")([clip])[0]
    assert here == pytest.approx(there, abs=1e-6)
    assert sum(here.values()) == pytest.approx(1, abs=1e-5)


def test_an_ensemble_of_a_probe_and_a_small_network(run, tiny_run, tones_root, tmp_path, capsys):
    clip, both = str(next((tones_root / "ravdess").rglob("*.wav"))), tmp_path / "both"
    assert main(["ensemble", str(run), str(tiny_run.folder), "--output", str(both)]) == 0
    assert (both / "members/1/encoder/model.safetensors").is_file()
    assert not (both / "members/2/encoder").exists()
    capsys.readouterr()
    assert main(["predict", str(both), clip, "--json", "--device", "cpu"]) == 0
    said = json.loads(capsys.readouterr().out)["scores"]
    one, two = (SerClassifier.from_pretrained(member, device="cpu")([clip])[0] for member in (run, tiny_run.folder))
    assert said == pytest.approx({name: (one[name] + two[name]) / 2 for name in one}, abs=1e-5)
    sent = files_to_push(both)
    assert {"members/1/encoder/config.json", "members/1/encoder/preprocessor_config.json"} <= set(sent)


def test_what_a_probe_cannot_become(run, tones_root, tmp_path, capsys):
    with pytest.raises(SerHfError, match=r"is a probe, small beside the encoder in .*encoder; pass on the run itself"):
        export_small(run, tmp_path / "small")
    with pytest.raises(SerHfError, match="is a probe, whose encoder an ONNX file of ours does not hold"):
        export_onnx(run, tmp_path / "model.onnx")
    clip = next((tones_root / "ravdess").rglob("*.wav"))
    assert main(["predict", str(run), str(clip), "--plot", str(tmp_path / "x.png")]) == 2
    assert "embedding_mlp has no attention over time to draw" in capsys.readouterr().err.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_the_table_of_ser_hf_embed(whisper, tones_root, tmp_path, capsys):
    out = tmp_path / "out.parquet"
    words = ["--corpora", "savee", "--data_root", str(tones_root), "--output", str(out), "--layers", "1", "2"]
    assert main(["embed", str(whisper), *words]) == 0
    table = pq.read_table(out).to_pydict()
    assert np.shape(table["embedding"]) == (56, 2, 16)
    assert set(table["label"]) >= {"angry", "neutral"}
    assert "56 clips, 2 layers of 16 numbers each" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "cnn_blstm_attention", "--model_settings", "none"], "embeddings are for model"),
        (["--features", "log_mel"], "takes features: embeddings"),
        (["--encoder", "none/"], "is no folder|none/"),
    ],
)
def test_what_does_not_go_together(run, tmp_path, words, said, capsys):
    recipe = run.parent / "probe.yaml"
    assert main(["train", str(recipe), "--output_dir", str(tmp_path / "x"), *words]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert any(part in error for part in said.split("|")), error


def test_embed_without_clips(whisper, tmp_path, capsys):
    assert main(["embed", str(whisper), "--output", str(tmp_path / "x.parquet")]) == 2
    assert "no clips: name a dataset" in capsys.readouterr().err
