"""Stock checkpoints of Whisper -> our classifier over true lengths: what is kept, what is cut, what learns."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel

from ser_hf.audio import load as load_audio
from ser_hf.base.errors import RecipeError
from ser_hf.finetuning import TransformerSettings, load_extractor, load_transformer, merge_lora
from ser_hf.models import WhisperSerFeatureExtractor, WhisperSerForAudioClassification
from ser_hf.training.freezing import Freezing
from ser_hf.training.optimiser import parameter_groups

CLASSES = {0: "angry", 1: "happy", 2: "sad"}


@pytest.fixture(scope="module")
def published(save_transformer, tmp_path_factory):
    return save_transformer("whisper", tmp_path_factory.mktemp("published"), encoder_layers=4)


def load(published, **settings) -> WhisperSerForAudioClassification:
    torch.manual_seed(0)
    return load_transformer(TransformerSettings.of({"pretrained": str(published), **settings}), CLASSES)


def clips(*frames: int) -> dict[str, torch.Tensor]:
    features = torch.randn(len(frames), max(frames), 16, generator=torch.Generator().manual_seed(0))
    return {"input_features": features, "attention_mask": (torch.arange(max(frames)) < torch.tensor(frames)[:, None])}


def learn(model, steps: int = 2) -> set[str]:
    """Names of the weights that a few steps change."""
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimiser = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=1e-2)
    for _ in range(steps):
        model(**clips(40, 100, 7), labels=torch.tensor([0, 1, 2])).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    return {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}


def test_the_encoder_is_the_published_one_and_the_head_is_ours(published):
    model, theirs = load(published), AutoModel.from_pretrained(published).encoder.state_dict()
    assert model.encoder.state_dict().keys() == theirs.keys()
    assert all(torch.equal(value, theirs[name]) for name, value in model.encoder.state_dict().items())
    assert model.projector.in_features == 32, "mean and deviation"
    assert model.config.model_type == "whisper_ser"
    assert model.config.id2label == CLASSES


def test_fewer_layers_are_the_first_ones(published):
    model, whole = load(published, encoder_layers=2), load(published)
    assert len(model.encoder.layers) == model.config.encoder_layers == 2
    for name, value in model.encoder.state_dict().items():
        assert torch.equal(value, whole.encoder.state_dict()[name])
    weighted = load(published, encoder_layers=2, weighted_layers=True)
    torch.testing.assert_close(weighted.layer_weights.data, torch.full((3,), 1 / 3))
    with pytest.raises(RecipeError, match=r"lacks \d+ weights of the encoder"):
        load(published, encoder_layers=5)


def test_a_frozen_encoder_stays(published):
    model = load(published, freeze="encoder", weighted_layers=True).train()
    changed = learn(model)
    assert "layer_weights" in changed
    assert not [name for name in changed if name.startswith("encoder.")]


def test_frozen_layers_stay_and_those_above_learn(published):
    model = load(published).train()
    Freezing(model, frozen=2 + 1 + 6)  # convolutions, positions, the first layer
    changed = learn(model)
    assert not [name for name in changed if name.startswith(("encoder.conv", "encoder.embed", "encoder.layers.0."))]
    assert {f"encoder.layers.{i}.fc1.weight" for i in (1, 2, 3)} < changed


def test_rates_fall_from_the_head_down(published):
    model = load(published)
    named = {parameter: name for name, parameter in model.named_parameters()}
    rates = {}
    for group in parameter_groups(model, 1.0, decay=0.5, head_rate=3.0):
        rates |= {named[parameter]: group["lr"] for parameter in group["params"]}
    assert [rates[f"encoder.layers.{i}.fc1.weight"] for i in range(4)] == [0.0625, 0.125, 0.25, 0.5]
    assert rates["encoder.conv2.weight"] < 0.0625
    assert rates["classifier.weight"] == rates["projector.weight"] == 3.0


def test_adapters_alone_learn_and_are_merged(published):
    pytest.importorskip("peft")
    model = load(published, lora_rank=2).train()
    changed = learn(model, steps=3)
    assert all("lora_" in name for name in changed if name.startswith("encoder."))
    assert sum("lora_" in name for name in changed) == 2 * 2 * 4
    given = clips(40, 100, 7)
    expected = model.eval()(**given).logits
    merged = merge_lora(model)
    assert not [name for name, _ in merged.named_parameters() if "lora_" in name]
    torch.testing.assert_close(merged(**given).logits, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"poolng": "mean"}, "did you mean 'pooling'"),
        ({"pooling": "max"}, "pooling is 'max', expected one of mean, mean_std, attention"),
        ({"classifier_dropout": "much"}, r"classifier_dropout is 'much', expected a number in \[0, 1\)"),
        ({"d_model": 32}, "settings that change sizes need random_init=true"),
        ({"weighted_layers": True, "encoder_layerdrop": 0.1}, "weighted_layers needs every layer"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_line(published, settings, said):
    with pytest.raises(RecipeError, match=said) as caught:
        load(published, **settings)
    assert "\n" not in str(caught.value)


def test_the_extractor_is_ours_with_the_published_settings(published):
    extractor = load_extractor(str(published), 30.0)
    assert isinstance(extractor, WhisperSerFeatureExtractor)
    assert (extractor.feature_size, extractor.n_samples, extractor.trim_db) == (16, 16_000, 30.0)
    with pytest.raises(RecipeError, match=r"trim_db is -1\.0, expected a positive number"):
        load_extractor(str(published), -1.0)


@pytest.mark.real
@torch.no_grad()
def test_whisper_base_is_whole_and_hears_a_clip_in_a_batch_as_alone(shared_data):
    folder = shared_data.parent / "weights" / "whisper-base"
    if not folder.is_dir():
        pytest.skip("the weights are not on this machine")
    model, extractor = load(folder).eval(), load_extractor(str(folder))
    file = load_file(folder / "model.safetensors")
    for name, value in model.encoder.state_dict().items():
        assert torch.equal(value, file[f"model.encoder.{name}"].float())
    paths = sorted((shared_data / "ravdess").rglob("*.flac"))[::700][:2]
    waves = [load_audio(path, 16_000) for path in paths]
    waves.append(waves[0][: len(waves[0]) // 3])
    together = model(**extractor(waves, sampling_rate=16_000, return_tensors="pt")).logits
    for wave, logits in zip(waves, together, strict=True):
        alone = model(**extractor(np.asarray(wave), sampling_rate=16_000, return_tensors="pt")).logits[0]
        torch.testing.assert_close(logits, alone, rtol=0, atol=1e-4)
