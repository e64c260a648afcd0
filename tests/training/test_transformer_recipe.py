"""What a transformer's recipe may not say is refused before a clip is read, with what to do instead."""

import pytest

from ser_hf.base.errors import RecipeError
from ser_hf.training import load_recipe
from ser_hf.training.transformer_recipe import check_transformer

NEEDED = ["--corpora", "ravdess", "--protocol", "random", "--output_dir", "run"]
TRANSFORMER = [*NEEDED, "--model", "transformer", "--model_settings", "pretrained=facebook/hubert-base-ls960"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--n_mels", "64"], "n_mels is of our spectrograms"),
        (["--mixup_alpha", "0.2"], "mixup_alpha changes our spectrograms"),
        (["--duration", "0"], "duration is 0.0; expected seconds above 0"),
        (["--loss", "focal"], "loss is focal, and model 'transformer' learns by the cross-entropy .* leave out loss"),
        (["--soft_labels", "votes"], "soft_labels is votes, and model 'transformer' .* leave out soft_labels"),
        (["freeze=encoder", "--freeze_layers", "2"], "freeze_layers is 2, and with freeze=encoder no layer"),
        (["freeze=encoder", "--gradual_unfreezing", "1"], "gradual_unfreezing is 1, and with freeze=encoder no layer"),
        (["freeze=encoder", "--layer_decay", "0.9"], "layer_decay is 0.9, and with freeze=encoder no layer"),
        (["lora_rank=4", "--freeze_layers", "2"], "freeze_layers is 2, and with lora_rank=4 .* only the adapters"),
        (["lora_rank=4", "--gradual_unfreezing", "1"], "gradual_unfreezing is 1, and with lora_rank=4"),
    ],
)
def test_what_nothing_would_come_of_is_refused(words, said):
    with pytest.raises(RecipeError, match=said) as caught:
        check_transformer(load_recipe(None, [*TRANSFORMER, *words]))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "words",
    [
        ["--duration", "5", "--waveform_augment", "{gain: 6}"],
        ["--freeze_layers", "2", "--gradual_unfreezing", "1", "--layer_decay", "0.9"],
        ["freeze=feature_encoder", "--layer_decay", "0.9"],
        ["lora_rank=4", "--layer_decay", "0.9", "--head_learning_rate", "1e-3"],
    ],
)
def test_what_goes_with_a_transformer_passes(words):
    check_transformer(load_recipe(None, [*TRANSFORMER, *words]))


def test_other_models_are_not_looked_at():
    words = ["--model", "cnn_blstm_attention", "--n_mels", "64", "--loss", "focal", "--soft_labels", "votes"]
    check_transformer(load_recipe(None, [*NEEDED, *words]))
