"""Probes on embeddings: trained by a recipe, asked, and moved to another place."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from ser_hf.cli import main
from ser_hf.inference import SerClassifier
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
    assert results["model"]["config"]["n_mels"] == 3


def test_it_is_asked_elsewhere_by_the_encoder_it_brings(run, tones_root, tmp_path):
    clip = next((tones_root / "ravdess").rglob("*.wav"))
    here = SerClassifier.from_pretrained(run)([clip])[0]
    shutil.copytree(run, tmp_path / "moved")
    there = SerClassifier.from_pretrained(tmp_path / "moved")([clip])[0]
    assert here == pytest.approx(there, abs=1e-6)
    assert sum(here.values()) == pytest.approx(1, abs=1e-5)


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
