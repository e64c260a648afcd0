"""AST for shorter clips: the middle of its positions, an extractor that follows, a checkpoint of stock transformers."""

import numpy as np
import pytest
import torch
from transformers import ASTForAudioClassification, AutoFeatureExtractor, AutoModelForAudioClassification

from ser_hf.base.errors import RecipeError
from ser_hf.finetuning import TransformerSettings, load_extractor, load_transformer
from ser_hf.training import load_recipe, make_extractor, make_model

CLASSES = {0: "angry", 1: "happy", 2: "sad"}
BANDS, COLUMNS = 2, 4
"""Patches of 16 x 16 in 32 bands x 64 frames; they do not overlap."""


@pytest.fixture(scope="module")
def published(save_transformer, tmp_path_factory):
    folder = save_transformer("audio-spectrogram-transformer", tmp_path_factory.mktemp("ast"))
    model = AutoModelForAudioClassification.from_pretrained(folder)
    table = model.audio_spectrogram_transformer.embeddings.position_embeddings
    with torch.no_grad():  # it starts as zeros
        table.copy_(torch.randn(table.shape, generator=torch.Generator().manual_seed(0)))
    model.save_pretrained(folder)
    return folder


def load(published, **settings) -> ASTForAudioClassification:
    torch.manual_seed(0)
    return load_transformer(TransformerSettings.of({"pretrained": str(published), **settings}), CLASSES)


def positions(model) -> torch.Tensor:
    return model.audio_spectrogram_transformer.embeddings.position_embeddings.detach()


@pytest.mark.parametrize(
    ("frames", "columns"), [(64, [0, 1, 2, 3]), (63, [1, 2, 3]), (40, [1, 2]), (32, [1, 2]), (16, [2])]
)
def test_the_middle_of_the_positions_is_kept(published, frames, columns):
    table = positions(load(published))
    expected = [*table[0, :2], *(table[0, 2 + band * COLUMNS + c] for band in range(BANDS) for c in columns)]
    model = load(published, max_length=frames)
    assert torch.equal(positions(model)[0], torch.stack(expected))
    assert model.config.max_length == frames
    before, after = load(published).state_dict(), model.state_dict()
    others = [name for name in before if not name.endswith("position_embeddings")]
    assert all(torch.equal(before[name], after[name]) for name in others if not name.startswith("classifier"))


@torch.no_grad()
def test_the_saved_folder_is_one_of_stock_transformers(published, tmp_path):
    wave = np.random.default_rng(0).normal(0, 0.1, 9000).astype(np.float32)
    model, extractor = load(published, max_length=40).eval(), load_extractor(str(published), max_length=40)
    given = extractor(wave, sampling_rate=16_000, return_tensors="pt")
    assert given["input_values"].shape == (1, 40, 32)
    model.save_pretrained(tmp_path)
    extractor.save_pretrained(tmp_path)
    loaded, report = AutoModelForAudioClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert type(loaded) is ASTForAudioClassification
    assert not any(report.values()), report
    again = AutoFeatureExtractor.from_pretrained(tmp_path)(wave, sampling_rate=16_000, return_tensors="pt")
    torch.testing.assert_close(loaded.eval()(**again).logits, model(**given).logits)
    assert load(tmp_path).config.max_length == load_extractor(str(tmp_path)).max_length == 40


def test_it_learns_its_positions(published):
    model = load(published, max_length=40).train()
    model(torch.randn(2, 40, 32)).logits.sum().backward()
    assert positions(model).shape == (1, 2 + 2 * BANDS, 16)
    assert model.audio_spectrogram_transformer.embeddings.position_embeddings.grad.abs().sum() > 0


def test_a_recipe_says_it_for_model_and_extractor(published):
    words = ["--corpora", "ravdess", "--protocol", "random", "--model", "transformer", "--model_settings"]
    recipe = load_recipe(None, [*words, f"pretrained={published}", "max_length=48"])
    extractor = make_extractor(recipe)
    assert extractor.max_length == make_model(recipe, extractor).config.max_length == 48


@pytest.mark.parametrize("frames", [0, 15, 65])
def test_more_frames_than_positions_are_refused(published, frames):
    with pytest.raises(RecipeError, match=rf"max_length is {frames}; expected 16 to 64 frames") as caught:
        load(published, max_length=frames)
    assert "\n" not in str(caught.value)
