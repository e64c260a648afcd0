"""NaN and infinity through embeddings: the encoder that gives them, the cache, the table and the probe."""

import shutil
from pathlib import Path

import datasets
import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from ser_hf.base.errors import NotFiniteError, SerHfError
from ser_hf.cli import main
from ser_hf.embeddings import add_embeddings, build_embeddings, write_embeddings
from ser_hf.features.inputs import inputs_of
from ser_hf.inference import SerClassifier
from ser_hf.models import build_config, build_model
from tests.tiny_transformers import save

CLIP = np.random.default_rng(0).uniform(-0.5, 0.5, 8000).astype(np.float32)


@pytest.fixture(scope="module")
def whisper(tmp_path_factory) -> Path:
    return save("whisper", tmp_path_factory.mktemp("whisper"))


@pytest.fixture(scope="module")
def loud(whisper, tmp_path_factory) -> Path:
    """An encoder of finite weights, whose deviations over time overflow."""
    folder = tmp_path_factory.mktemp("loud") / "whisper"
    shutil.copytree(whisper, folder)
    weights = load_file(folder / "model.safetensors")
    (key,) = (name for name in weights if name.endswith("encoder.layers.1.fc2.weight"))
    weights[key].fill_(1e38)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return folder


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("pooling", ["mean_std", "attention"])
def test_an_encoder_that_overflows_is_named_and_the_clip(loud, pooling, dtype):
    extractor = build_embeddings(str(loud), layers=[2], pooling=pooling, dtype=dtype)
    with pytest.raises(NotFiniteError, match=r"encoder .*whisper: the model's embeddings are NaN or infinite"):
        extractor([CLIP], sampling_rate=16_000)
    whole = extractor._loaded()
    extractor._loaded = lambda: _Second(whole)
    clips = [("one.wav", CLIP), ("two.wav", CLIP)]
    with pytest.raises(NotFiniteError, match=r"^two\.wav: encoder .*NaN or infinite for 1 of 2 inputs") as caught:
        inputs_of(clips, extractor)
    assert caught.value.number == 1


class _Second:
    """An encoder that overflows for its second clip alone."""

    def __init__(self, encoder) -> None:
        self._encoder = encoder

    def to(self, device):
        return self

    def __call__(self, clips, *args, **given):
        found = self._encoder(clips, *args, **given).clone()
        found[0] = 1.0
        return found


def test_ser_hf_embed_writes_nothing_of_it(loud, tones_root, tmp_path, capsys):
    out = tmp_path / "x.parquet"
    words = ["--corpora", "savee", "--data_root", str(tones_root), "--output", str(out), "--pooling", "mean_std"]
    assert main(["embed", str(loud), *words]) == 2
    assert f"encoder {loud}: the model's embeddings are NaN" in capsys.readouterr().err.strip().splitlines()[-1]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_damaged_cache_is_told_of_by_clip_and_no_table_is_written(bad, tmp_path):
    values = np.zeros((3, 2, 4), np.float32)
    values[1, 1, 2] = bad
    kinds = {"clip_id": datasets.Value("string"), "embedding": datasets.Array2D((2, 4), "float32")}
    rows = datasets.Dataset.from_dict(
        {"clip_id": ["savee/0", "savee/1", "savee/2"], "embedding": values}, datasets.Features(kinds)
    )
    with pytest.raises(NotFiniteError, match="the embedding of savee/1 holds NaN or infinity: it is damaged") as caught:
        write_embeddings(rows, tmp_path / "x.parquet")
    assert caught.value.number == 1
    with pytest.raises(NotFiniteError, match="the embedding of row 1 holds"):
        write_embeddings(rows.remove_columns("clip_id"), tmp_path / "x.parquet")
    assert not list(tmp_path.iterdir())


def test_a_damaged_clip_is_named_by_the_map_step(whisper, harmonised):
    import io

    import soundfile

    file = io.BytesIO()
    soundfile.write(file, np.full(4000, np.nan), 16_000, format="WAV", subtype="FLOAT")
    rows = datasets.Dataset.from_dict({"audio": [{"bytes": file.getvalue(), "path": "spoilt.wav"}]})
    with pytest.raises(SerHfError, match=r"spoilt\.wav holds 4000 samples that are NaN"):
        add_embeddings(rows, str(whisper), layers=[1])


def test_a_probe_on_an_encoder_that_overflows_says_no_emotion(loud, tmp_path):
    extractor = build_embeddings(str(loud), layers=[2], pooling="mean_std", dtype="float32")
    config = build_config("embedding_mlp", n_mels=1, num_labels=3, embedding_size=extractor.n_frames)
    probe = SerClassifier(build_model(config).eval(), extractor)
    for ask in (probe.score, probe.score_and_embed):
        with pytest.raises(NotFiniteError, match=r"clip 0: encoder .*embeddings are NaN or infinite"):
            ask([CLIP])
