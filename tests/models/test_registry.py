"""Every model, and the papers' ablations as configurations: shapes, loss, learning, saving, auto classes, pipeline."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from transformers import AutoConfig, AutoModelForAudioClassification, pipeline

from ser_hf.models import MODELS, SerFeatureExtractor, build_config, build_model

SMALL = {
    "cnn_blstm_attention": {
        "conv_channels": [4, 8],
        "conv_pools": [[2, 2], [2, 1]],
        "lstm_size": 8,
        "attention_size": 8,
        "dense_size": 8,
        "conv_dropout": 0.0,
        "dropout": 0.0,
    },
    "timm_cnn": {"backbone": "test_resnet"},
    "embedding_mlp": {"embedding_size": 40, "hidden_sizes": [16], "input_dropout": 0.0, "dropout": 0.0},
}
CASES: dict[str, tuple[str, dict]] = {
    **{name: (name, {}) for name in MODELS},
    "cnn": ("cnn_blstm_attention", {"use_lstm": False, "use_attention": False}),
    "lstm": ("cnn_blstm_attention", {"use_cnn": False, "use_attention": False, "lstm_layers": 2}),
    "cnn_lstm": ("cnn_blstm_attention", {"bidirectional": False, "use_attention": False}),
    "cnn_blstm": ("cnn_blstm_attention", {"use_attention": False}),
    "cnn_attention": ("cnn_blstm_attention", {"use_lstm": False}),
    "blstm_attention": ("cnn_blstm_attention", {"use_cnn": False}),
    "deep_stride_cnn": (
        "cnn_blstm_attention",
        {"downsampling": "stride", "use_lstm": False, "use_attention": False},
    ),
    "functionals": ("cnn_blstm_attention", {"functionals": True, "functionals_size": 8, "mask_padding": True}),
    "vgg": ("timm_cnn", {"backbone": "vgg11_bn", "backbone_kwargs": {"mlp_ratio": 0.03}}),
    "mobilenetv3": ("timm_cnn", {"backbone": "mobilenetv3_small_050"}),
}
"""Case -> (model, settings over those of `SMALL`)."""
DROPOUT = {"cnn_blstm_attention": {"conv_dropout": 0.5, "dropout": 0.5}, "timm_cnn": {"drop_rate": 0.5}}
DROPOUT["embedding_mlp"] = {"dropout": 0.5}
CLASSES = {0: "neutral", 1: "happy", 2: "sad"}


def small(case: str, **settings):
    torch.manual_seed(0)
    name, own = CASES[case]
    settings = {**own, **settings}
    labels = {"id2label": CLASSES, "label2id": {v: k for k, v in CLASSES.items()}}
    return build_model(build_config(name, **{"n_mels": 32, **labels, **SMALL.get(name, {}), **settings}))


def batch(n: int = 6, frames: int = 40, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, 32, frames, generator=generator), torch.arange(n) % 3


@pytest.fixture(params=CASES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize("frames", [1, 2, 33, 188])
def test_any_number_of_frames(name: str, frames: int) -> None:
    if name == "vgg" and frames < 32:
        pytest.skip("five poolings leave nothing of fewer than 32 frames")
    if name == "embedding_mlp":
        pytest.skip("its columns are no frames: there are as many as its encoder gives")
    output = small(name).eval()(batch(2, frames)[0])
    assert output.logits.shape == (2, 3)
    assert output.loss is None
    assert torch.isfinite(output.logits).all()


@pytest.mark.parametrize("shape", [(2, 31, 40), (32, 40), (2, 1, 32, 40)])
def test_another_shape_is_refused(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"n_mels=32"):
        small(name)(torch.zeros(shape))


def test_loss_is_the_cross_entropy_and_soft_labels_agree(name: str) -> None:
    model = small(name).eval()
    inputs, labels = batch()
    output = model(inputs, labels=labels)
    torch.testing.assert_close(output.loss, F.cross_entropy(output.logits, labels))
    soft = F.one_hot(labels, 3).float()
    torch.testing.assert_close(model(inputs, labels=soft).loss, output.loss)
    mixed = 0.3 * soft + 0.7 * soft.flip(0)
    expected = 0.3 * output.loss + 0.7 * model(inputs, labels=labels.flip(0)).loss
    torch.testing.assert_close(model(inputs, labels=mixed).loss, expected)


def test_one_batch_is_learned(name: str) -> None:
    model = small(name).train()
    inputs, labels = batch(12)
    rate = {"vgg": 3e-4}.get(name, 1e-2)
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate)
    losses = []
    for _ in range(60):
        loss = model(inputs, labels=labels).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_every_parameter_gets_a_gradient(name: str) -> None:
    model = small(name).train()
    inputs, labels = batch()
    model(inputs, labels=labels).loss.backward()
    assert [key for key, p in model.named_parameters() if p.grad is None] == []


def test_eval_is_deterministic_and_training_drops(name: str) -> None:
    model, (inputs, _) = small(name, **DROPOUT.get(CASES[name][0], {})), batch()
    model.eval()
    assert torch.equal(model(inputs).logits, model(inputs).logits)
    model.train()
    assert not torch.equal(model(inputs).logits, model(inputs).logits)


def test_a_clip_does_not_depend_on_its_neighbours(name: str) -> None:
    model, (inputs, _) = trained(name), batch()
    with torch.no_grad():
        together = model(inputs).logits
        alone = torch.cat([model(clip[None]).logits for clip in inputs])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("frames", [1, 40])
def test_attention_sums_to_one_where_there_is_any(name: str, frames: int) -> None:
    model = small(name).eval()
    if getattr(model.config, "use_attention", None) is None:
        pytest.skip("a family without attention over time")
    attentions = model(batch(3, frames)[0], output_attentions=True).attentions
    if not model.config.use_attention:
        assert attentions is None
        return
    (weights,) = attentions
    assert weights.min() >= 0
    torch.testing.assert_close(weights.sum(-1), torch.ones(3))


def test_bf16_autocast_is_finite_and_near(name: str) -> None:
    if "lstm" in name and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("this processor has no bfloat16, and torch no LSTM of it without")
    model = small(name).train()
    inputs, labels = batch()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model(inputs, labels=labels)
    assert output.loss.dtype == torch.float32
    torch.testing.assert_close(output.loss, small(name).train()(inputs, labels=labels).loss, atol=0.1, rtol=0.1)
    output.loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


def trained(name: str):
    """A model whose batch normalisation statistics are not those of the start."""
    model = small(name).train()
    with torch.no_grad():
        model(5 + 3 * batch(seed=3)[0])
    return model.eval()


def test_saved_and_loaded_it_is_the_same(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("transformers"), "propagate", True)
    model, model_class = trained(name), MODELS[CASES[name][0]][1]
    model.save_pretrained(tmp_path)
    with caplog.at_level(logging.WARNING, logger="transformers"):
        for load in (AutoModelForAudioClassification, model_class):
            loaded, report = load.from_pretrained(tmp_path, output_loading_info=True)
            assert not any(report.values()), report
            assert type(loaded) is model_class
            for before, after in (
                (model.state_dict(), loaded.state_dict()),
                (dict(model.named_buffers()), dict(loaded.named_buffers())),  # also those that are not saved
            ):
                assert before.keys() == after.keys()
                assert all(torch.equal(before[key], after[key]) for key in before)
            inputs, labels = batch()
            torch.testing.assert_close(loaded(inputs, labels=labels).loss, model(inputs, labels=labels).loss)
    assert "newly initialized" not in caplog.text
    config = AutoConfig.from_pretrained(tmp_path)
    assert config.id2label == CLASSES
    assert config.to_dict() == loaded.config.to_dict() | {"dtype": config.to_dict()["dtype"]}


def test_another_number_of_classes_starts_the_classifier_anew(name: str, tmp_path: Path) -> None:
    model = trained(name)
    model.save_pretrained(tmp_path)
    loaded = MODELS[CASES[name][0]][1].from_pretrained(tmp_path, num_labels=5, ignore_mismatched_sizes=True)
    assert loaded(batch()[0]).logits.shape == (6, 5)
    head = loaded.classifier
    weight = (head[-1] if isinstance(head, torch.nn.Sequential) else head).weight
    assert torch.isfinite(weight).all()
    assert 0 < weight.abs().max() <= weight.shape[1] ** -0.5
    others = {key for key in model.state_dict() if not key.startswith("classifier")}
    assert all(torch.equal(model.state_dict()[key], loaded.state_dict()[key]) for key in others)


def test_pipeline_gives_the_same_scores(name: str, tmp_path: Path) -> None:
    if name == "embedding_mlp":
        pytest.skip("it hears by an encoder that transformers' pipeline does not find")
    model, extractor = trained(name), SerFeatureExtractor(n_mels=32, duration=0.5)
    model.save_pretrained(tmp_path)
    extractor.save_pretrained(tmp_path)
    wave = np.random.default_rng(0).normal(0, 0.1, 9000).astype(np.float32)
    with torch.no_grad():
        logits = model(**extractor(wave, sampling_rate=16000, return_tensors="pt")).logits
    expected = dict(zip(CLASSES.values(), logits.softmax(-1)[0].tolist(), strict=True))
    classify = pipeline("audio-classification", model=str(tmp_path), device="cpu")
    for form in (wave, {"raw": wave, "sampling_rate": 16000}, {"array": wave, "sampling_rate": 16000}):
        found = {row["label"]: row["score"] for row in classify(form, top_k=None)}
        assert found == pytest.approx(expected, abs=1e-5)
    assert len(classify({"raw": wave, "sampling_rate": 8000}, top_k=1)) == 1


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'cnn_blstm_attention'"):
        build_config("cnn_blstm_atention")
    with pytest.raises(ValueError, match="did you mean 'drop_rate'"):
        build_config("timm_cnn", drop_rat=0.1)
    with pytest.raises(ValueError, match="unknown model 'zzz'"):
        build_config("zzz")
