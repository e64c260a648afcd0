"""Embeddings as a map step: what the stock encoder makes of each clip alone, pooled over its own frames."""

import importlib
from pathlib import Path

import datasets
import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoModelForAudioClassification

from ser_hf.base.errors import RecipeError, SerHfError
from ser_hf.embeddings import add_embeddings, build_embeddings
from ser_hf.embeddings.encoder import SpeechEncoder, pool
from tests.tiny_transformers import save

extraction = importlib.import_module("ser_hf.embeddings.extractor")


@pytest.fixture(scope="module")
def clips(harmonised):
    return harmonised.dataset.select(range(0, 132, 12))


@pytest.fixture(scope="module")
def whisper(tmp_path_factory) -> Path:
    return save("whisper", tmp_path_factory.mktemp("whisper"))


def embeddings(rows: datasets.Dataset) -> np.ndarray:
    return np.asarray(rows.with_format("numpy")["embedding"][:])


def noise(*lengths: int) -> list[np.ndarray]:
    return [np.random.default_rng(n).uniform(-0.5, 0.5, n).astype(np.float32) for n in lengths]


def test_every_layer_of_every_clip(clips, whisper):
    found = add_embeddings(clips, str(whisper), dtype="float32")
    assert embeddings(found).shape == (11, 3, 16)  # the input of two layers, and both
    assert found.remove_columns("embedding")[:] == clips[:]


@pytest.mark.parametrize("pooling", ["mean", "mean_std", "attention"])
def test_neighbours_do_not_matter(whisper, pooling):
    extractor = build_embeddings(str(whisper), pooling=pooling, dtype="float32")
    some = noise(4000, 9999, 16_000, 1234, 5000)
    together = extractor(some, sampling_rate=16_000)["input_features"]
    alone = [extractor(clip, sampling_rate=16_000)["input_features"][0] for clip in some]
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("family", ["wav2vec2", "hubert", "wavlm", "data2vec-audio", "audio-spectrogram-transformer"])
def test_the_mean_of_the_stock_hidden_states(family, tmp_path):
    folder = str(save(family, tmp_path))
    extractor = build_embeddings(folder, pooling="mean", dtype="float32")
    some = noise(9000, 6000, 9000)
    found = extractor(some, sampling_rate=16_000)["input_features"]
    auto = AutoModelForAudioClassification if family == "audio-spectrogram-transformer" else AutoModel
    stock, own = auto.from_pretrained(folder).eval(), extractor._loaded().extractor
    for clip, embedding in zip(some, found, strict=True):
        with torch.no_grad():
            inputs = own(clip, sampling_rate=16_000, return_tensors="pt")
            states = stock(**inputs, output_hidden_states=True).hidden_states
        np.testing.assert_allclose(embedding, np.stack([s[0].mean(0) for s in states]), atol=2e-5)


def test_the_layers_that_are_asked_for(whisper):
    clip = noise(8000)[0]
    every = build_embeddings(str(whisper), dtype="float32")(clip, 16_000)["input_features"][0]
    some = build_embeddings(str(whisper), layers=[1, 0], dtype="float32")(clip, 16_000)["input_features"][0]
    np.testing.assert_allclose(some, every[[1, 0]], atol=1e-6)


def test_pooling_by_a_naive_loop():
    states = torch.randn(3, 7, 4, generator=torch.Generator().manual_seed(0))
    heard = torch.arange(7) < torch.tensor([[7], [3], [1]])
    for how in ("mean", "mean_std", "attention"):
        found = pool(states, heard, how)
        for row, own in enumerate(states[i][:n] for i, n in enumerate((7, 3, 1))):
            share = torch.full((len(own), 1), 1 / len(own))
            if how == "attention":
                normed = (own - own.mean(1, keepdim=True)) / (own.var(1, keepdim=True, correction=0) + 1e-5).sqrt()
                asked = own.mean(0)
                asked = (asked - asked.mean()) / (asked.var(correction=0) + 1e-5).sqrt()
                share = torch.softmax(normed @ asked / 2, dim=0)[:, None]
            mean = (own * share).sum(0)
            deviation = ((own - mean) ** 2 * share).sum(0).clamp_min(1e-10).sqrt()
            expected = mean if how == "mean" else torch.cat([mean, deviation])
            torch.testing.assert_close(found[row], expected, atol=1e-5, rtol=1e-5)


def test_trimmed_silence_is_not_heard(whisper):
    speech = noise(9000)[0]
    padded = np.concatenate([np.zeros(8000, np.float32), speech, np.zeros(8000, np.float32)])
    extractor = build_embeddings(str(whisper), trim_db=30.0, dtype="float32")
    whole, cut = (extractor(clip, 16_000)["input_features"] for clip in (padded, extractor.prepare_waveform(speech)))
    plain = build_embeddings(str(whisper), dtype="float32")(padded, 16_000)["input_features"]
    assert np.abs(whole - cut).max() < 0.5 * np.abs(plain - cut).max()


def test_the_second_time_nothing_is_computed(clips, whisper, monkeypatch, tmp_path):
    clips.save_to_disk(tmp_path)
    rows = datasets.load_from_disk(str(tmp_path))
    first = embeddings(add_embeddings(rows, str(whisper), layers=[1]))
    calls, original = [], SpeechEncoder.__call__

    def counted(self, some, *args, **options):
        calls.append(len(some))
        return original(self, some, *args, **options)

    monkeypatch.setattr(SpeechEncoder, "__call__", counted)
    np.testing.assert_array_equal(embeddings(add_embeddings(rows, str(whisper), layers=[1])), first)
    assert sum(calls) <= 2  # the silence that tells the size
    add_embeddings(rows, str(whisper), layers=[2])
    assert sum(calls) >= len(rows)


def test_bfloat16_is_close(whisper):
    clip = noise(8000)[0]
    exact, rounded = (
        build_embeddings(str(whisper), dtype=dtype)(clip, 16_000)["input_features"] for dtype in ("float32", "bfloat16")
    )
    assert 0 < np.abs(exact - rounded).max() < 0.05 * np.abs(exact).max()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"layers": [3]}, "layer 3 is asked for, .* has 2"),
        ({"layers": [-1]}, "layers is .*-1.*, expected numbers from 0 up"),
        ({"layers": [1, 1]}, "each once"),
        ({"pooling": "max"}, "pooling is 'max', expected one of mean, mean_std, attention"),
        ({"dtype": "int8"}, "dtype is 'int8'"),
        ({"trim_db": -3.0}, "trim_db is -3"),
    ],
)
def test_what_is_refused(clips, whisper, settings, words):
    with pytest.raises((SerHfError, ValueError), match=words):
        add_embeddings(clips, str(whisper), **settings)


def test_no_checkpoint_and_no_transformer(clips, tmp_path):
    with pytest.raises(RecipeError, match="holds no"):
        add_embeddings(clips, str(tmp_path))
    with pytest.raises(RecipeError, match="is no folder"):
        add_embeddings(clips, "./nowhere/at/all")


def test_embeddings_twice(clips, whisper):
    once = add_embeddings(clips, str(whisper), layers=[1])
    with pytest.raises(SerHfError, match="has 'embedding' already"):
        add_embeddings(once, str(whisper), layers=[1])


def test_a_saved_extractor_brings_its_encoder(whisper, tmp_path):
    extractor = build_embeddings(str(whisper), layers=[0, 2], dtype="float32")
    extractor.save_pretrained(tmp_path)
    saved = extraction.EmbeddingExtractor.from_pretrained(tmp_path).found_in(tmp_path)
    assert saved.encoder == whisper.name  # and not the folders of the machine
    clip = noise(8000)[0]
    expected, found = (one(clip, 16_000)["input_features"] for one in (extractor, saved))
    np.testing.assert_array_equal(found, expected)


def test_other_weights_are_refused(whisper, tmp_path):
    build_embeddings(str(whisper), layers=[1]).save_pretrained(tmp_path)
    torch.manual_seed(1)
    save("whisper", tmp_path / "encoder", init_std=0.5)
    with pytest.raises(SerHfError, match="not those the model was fitted on"):
        extraction.EmbeddingExtractor.from_pretrained(tmp_path).found_in(tmp_path)
