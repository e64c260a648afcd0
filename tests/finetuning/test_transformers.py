"""Every family: loaded from its published form, trained as asked for, saved so that plain transformers loads it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification, Wav2Vec2FeatureExtractor

from ser_hf.base.errors import AudioError, CheckpointError, RecipeError
from ser_hf.features.waveform_rows import waveform_inputs
from ser_hf.finetuning import FAMILIES, TransformerSettings, load_extractor, load_transformer, merge_lora
from ser_hf.training import load_checkpoint, probabilities
from ser_hf.training.soft_labels import soft_labels
from ser_hf.training.waveform_collator import WaveformCollator

CLASSES = {0: "angry", 1: "happy", 2: "sad"}
HEAR_PADDING = ("wav2vec2", "hubert", "data2vec-audio")
"""The first two have group normalisation, as wav2vec2-base; the positional convolutions of data2vec, one after the
other, carry what is padded over the end of the clip although it is masked."""
WEIGHTED = sorted(name for name, family in FAMILIES.items() if family.layer_drop)
PROGRAM = """
import json, sys
sys.modules["ser_hf"] = None
import numpy as np
from transformers import pipeline
wave = np.load(sys.argv[1])
scores = []
for folder in sys.argv[2:]:
    own_code = "whisper" in folder
    found = pipeline("audio-classification", model=folder, device="cpu", trust_remote_code=own_code)(wave, top_k=None)
    scores.append({row["label"]: row["score"] for row in found})
print(json.dumps(scores))
"""


@pytest.fixture(scope="module")
def published(save_transformer, tmp_path_factory) -> dict[str, Path]:
    return {name: save_transformer(name, tmp_path_factory.mktemp("published") / name) for name in FAMILIES}


@pytest.fixture(params=sorted(FAMILIES))
def name(request) -> str:
    return request.param


def load(published, name: str, **settings):
    torch.manual_seed(0)
    return load_transformer(TransformerSettings.of({"pretrained": str(published[name]), **settings}), CLASSES)


def clips(published, name: str, *lengths: int) -> list[dict]:
    rng, extractor = np.random.default_rng(0), load_extractor(str(published[name]))
    tones = [0.5 * np.sin(2 * np.pi * 300 * 3 ** (i % 3) * np.arange(n) / 16_000) for i, n in enumerate(lengths)]
    waves = [(tone + rng.normal(0, 0.1, len(tone))).astype(np.float32) for tone in tones]
    return [waveform_inputs(f"clip {i}", wave, extractor) for i, wave in enumerate(waves)]


def batch(published, name: str, *lengths: int) -> dict[str, torch.Tensor]:
    rows = [{**x, "labels": i % 3, "training": False} for i, x in enumerate(clips(published, name, *lengths))]
    return WaveformCollator(3)(rows)


def step(model, inputs: dict[str, torch.Tensor], rate: float = 1e-2, steps: int = 1) -> list[float]:
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=rate)
    losses = []
    for _ in range(steps):
        logits = model(**{key: value for key, value in inputs.items() if key != "labels"}).logits
        loss = torch.nn.functional.cross_entropy(logits, inputs["labels"])
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
    return losses


def changed(model, before: dict[str, torch.Tensor]) -> set[str]:
    return {key for key, value in model.state_dict().items() if not torch.equal(before[key], value)}


def state(model) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in model.state_dict().items()}


def test_clips_of_any_length_are_scored_and_their_neighbours_do_not_matter(published, name):
    model, inputs = load(published, name).eval(), clips(published, name, 400, 6400, 6400, 25_000)
    together = probabilities(model, inputs)
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-5)
    for row, alone in zip(together, inputs, strict=True):
        np.testing.assert_allclose(probabilities(model, [alone])[0], row, atol=1e-5)


def test_padding_changes_no_score_where_the_family_masks_it(published, name):
    model = load(published, name).eval()
    logits = [
        model(**{k: v for k, v in batch(published, name, *n).items() if k != "labels"}).logits[0]
        for n in ((6400,), (6400, 12_000))
    ]
    moved = (logits[1] - logits[0]).abs().max().item()
    assert (moved > 1e-5) == (name in HEAR_PADDING)


@pytest.mark.parametrize("family", ["wav2vec2", "hubert", "wavlm"])
@pytest.mark.parametrize("stable", [False, True], ids=["post norm", "pre norm"])
@torch.no_grad()
def test_with_layer_normalisation_and_a_mask_a_batch_hears_each_clip_as_alone(
    save_transformer, tmp_path, family, stable
):
    folder = save_transformer(family, tmp_path, feat_extract_norm="layer", do_stable_layer_norm=stable)
    Wav2Vec2FeatureExtractor(return_attention_mask=True).save_pretrained(folder)
    model, lengths = load({family: folder}, family).eval(), (12_000, 400, 6400, 9111)
    together = batch({family: folder}, family, *lengths)
    logits = model(**{key: value for key, value in together.items() if key != "labels"}).logits
    for found, alone in zip(logits, clips({family: folder}, family, *lengths), strict=True):
        expected = model(**{key: torch.from_numpy(value)[None] for key, value in alone.items()}).logits[0]
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("family", HEAR_PADDING)
def test_what_hears_padding_is_scored_without_any(published, family):
    model, inputs = load(published, family).eval(), clips(published, family, 6400, 400, 6400, 9000)
    shapes = []
    model.register_forward_pre_hook(lambda _, __, given: shapes.append(given["input_values"].shape), with_kwargs=True)
    probabilities(model, inputs)
    assert sorted(map(tuple, shapes)) == [(1, 400), (1, 9000), (2, 6400)]


def test_the_encoder_is_the_published_one(published, name):
    from safetensors.torch import load_file

    file = load_file(published[name] / "model.safetensors")
    encoder = getattr(load(published, name), FAMILIES[name].encoder).state_dict()
    there = {tuple(sorted(value.flatten().tolist())) for value in file.values()}
    found = [tuple(sorted(value.flatten().tolist())) in there for value in encoder.values()]
    assert all(found)


def test_the_loss_falls_on_one_batch(published, name):
    rate = 3e-3 if "whisper" in name else 1e-2
    losses = step(load(published, name).eval(), batch(published, name, *[6400] * 6), rate=rate, steps=40)
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("freeze", ["feature_encoder", "encoder"])
def test_what_is_frozen_stays_equal_after_a_step(published, name, freeze):
    model = load(published, name, freeze=freeze).train()
    before = state(model)
    step(model, batch(published, name, *[6400] * 4))
    family = FAMILIES[name]
    frozen = [family.encoder] if freeze == "encoder" else [f"{family.encoder}.{stem}" for stem in family.stem]
    moved = changed(model, before)
    assert not [key for key in moved if key.startswith(tuple(f"{prefix}." for prefix in frozen))]
    assert [key for key in moved if key.startswith(("classifier", "projector"))]
    assert any(key.startswith(f"{family.encoder}.") for key in moved) == (freeze != "encoder")


@pytest.mark.parametrize("family", WEIGHTED)
def test_a_weighted_sum_starts_even_and_learns(published, family):
    model = load(published, family, weighted_layers=True, freeze="encoder").train()
    shares = model.layer_weights.softmax(0)
    torch.testing.assert_close(shares, torch.full((3,), 1 / 3))
    step(model, batch(published, family, *[6400] * 4))
    assert not torch.equal(model.layer_weights.softmax(0), shares)


def test_a_weighted_sum_is_refused_where_there_is_none_or_layers_are_dropped(published):
    with pytest.raises(RecipeError, match="no weighted sum of layers for AST; leave out weighted_layers"):
        load(published, "audio-spectrogram-transformer", weighted_layers=True)
    with pytest.raises(RecipeError, match="weighted_layers needs every layer; leave out layerdrop"):
        load(published, "wavlm", weighted_layers=True, layerdrop=0.1)


def test_lora_trains_adapters_and_classifier_and_is_merged_into_the_checkpoint(published, name, tmp_path):
    model = load(published, name, lora_rank=2).train()
    before = state(model)
    step(model, batch(published, name, *[6400] * 4), steps=3)
    moved = changed(model, before)
    assert all("lora_" in key or key.startswith(("classifier", "projector")) for key in moved)
    adapters = {key for key in before if "lora_" in key}
    assert adapters <= moved, "an adapter gets no gradient"
    inputs = {key: value for key, value in batch(published, name, 6400, 6400).items() if key != "labels"}
    logits = model.eval()(**inputs).logits
    merge_lora(model).save_pretrained(tmp_path)
    loaded, report = AutoModelForAudioClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report.values()), report
    torch.testing.assert_close(loaded.eval()(**inputs).logits, logits, rtol=0, atol=1e-5)


def test_saved_and_loaded_it_is_the_same(published, name, tmp_path):
    model, extractor = load(published, name).eval(), load_extractor(str(published[name]))
    model.save_pretrained(tmp_path)
    extractor.save_pretrained(tmp_path)
    loaded, again = load_checkpoint(tmp_path, "cpu")
    assert changed(loaded, state(model)) == set()
    assert again.to_dict() == extractor.to_dict()
    assert str(published[name]) not in (tmp_path / "config.json").read_text(), "a path of this machine"


def test_a_saved_folder_needs_no_ser_hf(published, tmp_path):
    wave = np.random.default_rng(0).normal(0, 0.1, 9000).astype(np.float32)
    np.save(tmp_path / "wave.npy", wave)
    folders, expected = [], []
    for name in FAMILIES:
        model, extractor = load(published, name).eval(), load_extractor(str(published[name]))
        model.save_pretrained(tmp_path / name)
        extractor.save_pretrained(tmp_path / name)
        folders.append(str(tmp_path / name))
        scores = probabilities(model, [waveform_inputs("wave", wave, extractor)])[0].tolist()
        expected.append(dict(zip(CLASSES.values(), scores, strict=True)))
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-c", PROGRAM, str(tmp_path / "wave.npy"), *folders]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    for found, scores in zip(json.loads(done.stdout.splitlines()[-1]), expected, strict=True):
        assert found == pytest.approx(scores, abs=1e-5)


def test_gradient_checkpointing_gives_the_same_gradients(published, name):
    inputs = batch(published, name, 6400, 6400)
    gradients = []
    for enable in (False, True):
        model = load(published, name).train()
        if enable:
            model.gradient_checkpointing_enable()
        torch.manual_seed(0)
        np.random.seed(0)
        logits = model(**{key: value for key, value in inputs.items() if key != "labels"}).logits
        torch.nn.functional.cross_entropy(logits, inputs["labels"]).backward()
        gradients.append({key: p.grad for key, p in model.named_parameters() if p.grad is not None})
    assert len(gradients[0]) > 10
    torch.testing.assert_close(gradients[1], gradients[0])


def test_random_init_takes_the_configuration_alone(published, tmp_path):
    for file in ("config.json", "preprocessor_config.json"):
        (tmp_path / file).write_bytes((published["hubert"] / file).read_bytes())
    settings = {"pretrained": str(tmp_path), "random_init": True, "hidden_size": 32}
    model = load_transformer(TransformerSettings.of(settings), CLASSES)
    assert model.config.hidden_size == 32
    with pytest.raises(RecipeError, match=r"holds no model\.safetensors"):
        load_transformer(TransformerSettings.of({"pretrained": str(tmp_path)}), CLASSES)


def test_a_classifier_of_other_classes_is_forgotten_and_one_of_the_same_kept(published, tmp_path):
    model = load(published, "hubert")
    model.save_pretrained(tmp_path)
    settings = TransformerSettings.of({"pretrained": str(tmp_path)})
    assert torch.equal(load_transformer(settings, CLASSES).classifier.weight, model.classifier.weight)
    others = {0: "sad", 1: "angry", 2: "happy"}
    assert not torch.equal(load_transformer(settings, others).classifier.weight, model.classifier.weight)


def test_pickled_weights_are_refused(published, tmp_path):
    for file in ("config.json", "preprocessor_config.json"):
        (tmp_path / file).write_bytes((published["hubert"] / file).read_bytes())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(RecipeError, match=r"pytorch_model\.bin may run code when read and never is: convert it"):
        load_transformer(TransformerSettings.of({"pretrained": str(tmp_path)}), CLASSES)
    with pytest.raises(CheckpointError, match=r"holds pytorch_model\.bin: such files are pickles"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"hidden_dropuot": 0.1}, "did you mean 'hidden_dropout'"),
        ({"lora_rnak": 2}, "did you mean 'lora_rank'"),
        ({"hidden_dropout": "much"}, "hidden_dropout"),
        ({"hidden_size": 32}, "settings that change sizes need random_init=true"),
        ({"freeze": "encodr"}, "did you mean 'encoder'"),
        ({"lora_rank": -1}, "lora_rank is -1; expected a whole number"),
        ({"lora_rank": True}, "lora_rank is True"),
        ({"lora_alpha": 8}, "add lora_rank=8"),
        ({"lora_dropout": 1}, r"lora_dropout is 1; expected a number in \[0, 1\)"),
        ({"weighted_layers": "yes"}, "weighted_layers is 'yes'; expected true or false"),
        ({"pretrained": "/nowhere"}, "pretrained=/nowhere is no folder"),
        ({"pretrained": 7}, "needs model_settings pretrained=NAME"),
        ({"pretrained": "nobody/nothing"}, "nobody/nothing is no folder here; from the Hub"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_line(published, settings, said):
    with pytest.raises(RecipeError, match=said) as caught:
        load(published, "wav2vec2", **settings)
    assert "\n" not in str(caught.value)


def test_a_model_of_no_family_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(RecipeError, match="is a 'bert'; a transformer to fine-tune is one of wav2vec2, hubert"):
        load_transformer(TransformerSettings.of({"pretrained": str(tmp_path)}), CLASSES)


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (np.zeros(399, np.float32), r"x\.wav lasts 24\.9 ms; expected 25 or more"),
        (np.full(800, np.nan, np.float32), "non-finite"),
        (np.zeros((800, 2), np.float32), "one mono clip"),
        (np.zeros(800, np.int16), "floating-point"),
    ],
)
def test_a_clip_that_cannot_be_heard_is_named(published, samples, said):
    with pytest.raises(AudioError, match=rf"(?s)x\.wav.*{said.removeprefix('x.wav')}|{said}"):
        waveform_inputs("x.wav", samples, AutoFeatureExtractor.from_pretrained(published["hubert"]))


def test_training_labels_are_soft_and_weighted_as_for_spectrograms(published):
    rows = [{**x, "labels": i, "training": True} for i, x in enumerate(clips(published, "wavlm", 800, 900, 1000))]
    found = WaveformCollator(3, 0.3)(rows)
    torch.testing.assert_close(found["labels"], soft_labels(torch.arange(3), 3, 0.3))
    assert found["attention_mask"].sum(dim=1).tolist() == [800, 900, 1000]
    weights = np.array([1.0, 2.0, 3.0])
    weighed = WaveformCollator(3, 0.0, weights)(rows)["labels"]
    logits = torch.randn(3, 3, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.cross_entropy(logits, torch.arange(3), weight=torch.tensor(weights).float())
    torch.testing.assert_close(torch.nn.functional.cross_entropy(logits, weighed), expected)
