"""What of a recipe does not go with a transformer that brings its own feature extractor."""

from __future__ import annotations

import dataclasses

from ser_hf.base.errors import RecipeError
from ser_hf.finetuning import TRANSFORMER, TransformerSettings

from .arguments import AugmentArguments, FeatureArguments
from .recipe import Recipe, pairs

_OF_RECORDINGS = ("waveform_augment", "duration", "trim_db")
"""Keys of features and augmentation that are about recordings, and not about our spectrograms of them."""


def check_transformer(recipe: Recipe) -> None:
    """Refuses keys of a transformer's recipe that nothing would come of; other recipes pass.

    Raises:
        RecipeError: with the first such key.
    """
    if recipe.model.model != TRANSFORMER:
        return
    features, augment = ({f.name for f in dataclasses.fields(g)} for g in (FeatureArguments, AugmentArguments))
    for key in sorted(recipe.given & (features | augment) - set(_OF_RECORDINGS)):
        if key in features:
            raise RecipeError(
                f"{key} is of our spectrograms, and model 'transformer' hears recordings as they are, through the "
                "feature extractor it was pretrained with; leave it out (of the features only duration counts, which "
                "cuts training clips, and for Whisper trim_db)"
            )
        raise RecipeError(
            f"{key} changes our spectrograms, and model 'transformer' has none; augment the recordings by "
            "waveform_augment, e.g. [{pitch_shift: 2, p: 0.5}]"
        )
    if recipe.features.duration <= 0:
        raise RecipeError(f"duration is {recipe.features.duration}; expected seconds above 0")
    _check_loss(recipe)
    _check_layers(recipe)


def _check_loss(recipe: Recipe) -> None:
    for key, default in (("loss", "cross_entropy"), ("soft_labels", "none")):
        value = getattr(recipe.loss, key)
        if value != default:
            raise RecipeError(
                f"{key} is {value}, and model 'transformer' learns by the cross-entropy of each clip's own class; "
                f"leave out {key}, which is for ser_hf's own networks"
            )


def _check_layers(recipe: Recipe) -> None:
    """Refuses to choose among layers that learn where none of them does, and to count adapters as layers."""
    model, layers = TransformerSettings.of(pairs(recipe.model.model_settings)), recipe.optimiser
    chosen = {"freeze_layers": layers.freeze_layers, "gradual_unfreezing": layers.gradual_unfreezing}
    if model.lora_rank:
        setting, what = f"lora_rank={model.lora_rank}", "of the encoder only the adapters learn"
    elif model.freeze == "encoder":
        setting, what = "freeze=encoder", "no layer of the encoder learns"
        chosen["layer_decay"] = layers.layer_decay != 1
    else:
        return
    for key, value in chosen.items():
        if value:
            raise RecipeError(f"{key} is {getattr(layers, key)}, and with {setting} {what}; leave out one of them")
