"""Progressive resizing: small pictures first, the features' own size last, and evaluation untouched."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from transformers import Trainer

from ser_hf.augment import resize
from ser_hf.base.errors import RecipeError
from ser_hf.models import TimmCnnConfig, TimmCnnForAudioClassification
from ser_hf.models.cnn_blstm_attention import CnnBlstmAttentionConfig, CnnBlstmAttentionForAudioClassification
from ser_hf.training import build_trainer, configure, load_recipe
from ser_hf.training.progressive_resizing import ProgressiveResizing, check_sizes, progressive_resizing


def small(backbone: str = "resnet10t", **settings) -> TimmCnnForAudioClassification:
    config = TimmCnnConfig(backbone=backbone, n_mels=64, num_labels=8, **settings)
    return TimmCnnForAudioClassification(config)


@given(sizes=st.integers(1, 5), epochs=st.integers(1, 60))
def test_sizes_rise_share_the_epochs_and_end_with_the_last(sizes, epochs):
    callback = ProgressiveResizing(nn.Identity(), range(10, 10 + sizes))
    found = [callback.size_of(epoch, epochs) for epoch in range(epochs)]
    assert found == sorted(found)
    assert found[-1] == 9 + sizes
    if epochs >= sizes:
        assert found[0] == 10
        counts = [found.count(size) for size in callback.sizes]
        assert max(counts) - min(counts) <= 1


class Heights(nn.Module):
    """A picture network that writes down what it sees."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1)
        self.num_features, self.seen = 1, []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.seen.append((self.training, *images.shape[-2:]))
        return self.layer(images.mean(dim=(1, 2, 3))[:, None])


@pytest.fixture
def recipe(tmp_path):
    def make(*words: str, model: str = "timm_cnn"):
        needed = ["--corpora", "ravdess", "--protocol", "random", "--model", model, "--n_mels", "64"]
        told = [*needed, "--output_dir", str(tmp_path / "run"), "--use_cpu", "true", *words]
        return load_recipe(None, told)

    return make


class Rows(torch.utils.data.Dataset):
    """Eight clips of 64 bins and 48 frames."""

    def __init__(self, training: bool):
        self.training = training

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> dict:
        values = np.random.default_rng(index).normal(size=(64, 48)).astype(np.float32)
        return {"input_features": values, "labels": index, "training": self.training}


def trainer_of(recipe, model) -> Trainer:
    configure(recipe)
    return build_trainer(recipe, model, None, Rows(training=True), Rows(training=False))


FOUR = ["--num_train_epochs", "4", "--per_device_train_batch_size", "8", "--precision", "fp32"]
FOUR += ["--save_strategy", "no", "--load_best_model_at_end", "false"]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_training_grows_and_validation_sees_the_last_size(recipe, workers):
    model = small()
    model.backbone, model.classifier = Heights(), nn.Linear(1, 8)
    words = [*FOUR, "--progressive_resize", "32", "64", "--dataloader_num_workers", workers]
    trainer = trainer_of(recipe(*words, "--dataloader_persistent_workers", str(workers != "0")), model)
    model.backbone.seen.clear()
    trainer.train()
    training = [tuple(seen) for trains, *seen in model.backbone.seen if trains]
    evaluation = {tuple(seen) for trains, *seen in model.backbone.seen if not trains}
    assert training == [(32, 24), (32, 24), (64, 48), (64, 48)]
    assert evaluation == {(64, 48)}
    assert not model.backbone._forward_pre_hooks, "the model is left as it was"


def test_a_resumed_run_goes_on_with_the_size_of_its_epoch():
    callback = ProgressiveResizing(nn.Identity(), [32, 64])
    sizes = []
    for epoch in (None, 0, 1.0, 1.9999999999, 2.0, 2.6, 3):
        callback.on_epoch_begin(None, SimpleNamespace(epoch=epoch, num_train_epochs=4), None)
        sizes.append(callback.size)
    assert sizes == [32, 32, 32, 64, 64, 64, 64]


def test_the_backbone_sees_what_was_normalised_over_all_bins_made_smaller():
    model, seen = small(), []
    features = torch.randn(4, 64, 48, generator=torch.Generator().manual_seed(0))
    callback = progressive_resizing(model, [32, 64], features.shape)
    callback.on_train_begin(None, None, None)
    model.backbone.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    model.train()(features)
    expected = resize(nn.BatchNorm1d(64).train()(features)[:, None], 32, 24).detach()
    torch.testing.assert_close(seen[-1], expected)
    assert seen[-1].is_contiguous(memory_format=torch.channels_last)
    model.eval()(features)
    assert seen[-1].shape == (4, 1, 64, 48)
    callback.on_train_begin(None, None, None)
    callback.on_train_end(None, None, None)
    model.train()(features)
    assert seen[-1].shape == (4, 1, 64, 48)


def test_the_trial_leaves_no_trace():
    model = small().train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    progressive_resizing(model, [32, 64], (64, 48))
    assert all(module.training for module in model.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_a_model_made_for_its_bins_is_refused(recipe):
    model = CnnBlstmAttentionForAudioClassification(CnnBlstmAttentionConfig(n_mels=64, num_labels=8))
    told = recipe("--progressive_resize", "32", "64", model="cnn_blstm_attention")
    with pytest.raises(RecipeError, match=r"model: timm_cnn\); the layers of 'cnn_blstm_attention' are made for 64"):
        trainer_of(told, model)


def test_the_last_size_is_that_of_the_features(recipe):
    with pytest.raises(RecipeError, match=r"ends with 256, and the features have 64 mel bins; .* n_mels: 256"):
        trainer_of(recipe("--progressive_resize", "128", "256"), small())


def test_with_an_image_size_it_is_the_last():
    model, seen = small(image_size=48), []
    features = torch.zeros(2, 64, 80)
    callback = progressive_resizing(model, [32, 48], features.shape)
    callback.on_train_begin(None, None, None)
    model.backbone.register_forward_pre_hook(lambda _, inputs: seen.append(tuple(inputs[0].shape)))
    model.train()(features)
    model.eval()(features)
    assert seen == [(2, 1, 32, 32), (2, 1, 48, 48)]
    with pytest.raises(RecipeError, match=r"ends with 64, and image_size is 48; .* image_size: 64"):
        progressive_resizing(model, [32, 64], features.shape)


def test_a_backbone_of_one_size_is_refused():
    model = small("vit_tiny_patch16_224", backbone_kwargs={"img_size": [64, 48]})
    with pytest.raises(RecipeError, match="begins with 32, and the backbone takes no picture of 32 x 24: "):
        progressive_resizing(model, [32, 64], (64, 48))


@pytest.mark.parametrize("words", [[], ["--progressive_resize", "0"]])
def test_off_is_off(recipe, words):
    trainer = trainer_of(recipe(*words), small())
    assert not [c for c in trainer.callback_handler.callbacks if isinstance(c, ProgressiveResizing)]


@pytest.mark.parametrize("sizes", [[64], [64, 32], [64, 64], [0, 64], [-1, 64], [0, 0]])
def test_sizes_that_do_not_rise_are_refused_before_any_clip_is_read(recipe, sizes):
    with pytest.raises(RecipeError, match=r"expected two or more rising sizes such as \[128, 256\]"):
        check_sizes(sizes)
    with pytest.raises(RecipeError, match="progressive_resize is "):
        configure(recipe("--progressive_resize", *map(str, sizes)))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--waveform_augment", "{pitch_shft: 2}"],
            "waveform_augment, step 1: unknown step 'pitch_shft'; did you",
        ),
        (["--erasing", "1.5"], "erasing is 1.5; expected 0 .off. or more, up to 1"),
    ],
)
def test_augmentation_that_cannot_be_is_refused_before_any_clip_is_read(recipe, words, said):
    with pytest.raises(RecipeError, match=said):
        configure(recipe(*words))


def test_a_recipes_chain_is_read_as_it_is_written(tmp_path):
    from ser_hf.augment import WaveformChain

    path = tmp_path / "net.yaml"
    path.write_text(
        "corpora: [ravdess]\nprotocol: random\nmodel: timm_cnn\nprogressive_resize: [64, 128]\nwaveform_augment:\n"
        "  - {time_stretch: [0.8, 1.2], p: 0.5}\n  - pitch_shift: 2\n  - noise: 1e-5\n"
    )
    told = load_recipe(path)
    assert told.augment.progressive_resize == [64, 128]
    expected = [{"time_stretch": [0.8, 1.2], "p": 0.5}, {"pitch_shift": 2}, {"noise": 1e-5}]
    assert WaveformChain.parse(told.augment.waveform_augment) == WaveformChain.parse(expected)
    again = load_recipe(None, (), **told.settings())
    assert again.augment == told.augment, "recipe.yaml of the run folder says the same"
    off = load_recipe(path, ["--waveform_augment", "none"])
    assert not WaveformChain.parse(off.augment.waveform_augment)
