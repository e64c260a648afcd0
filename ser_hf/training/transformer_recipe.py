"""What of a recipe does not go with a transformer that brings its own feature extractor."""

from __future__ import annotations

import dataclasses

from ser_hf.errors import RecipeError
from ser_hf.finetuning import TRANSFORMER

from .arguments import AugmentArguments, FeatureArguments
from .recipe import Recipe

_OF_RECORDINGS = ("waveform_augment", "duration")
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
                "cuts training clips)"
            )
        raise RecipeError(
            f"{key} changes our spectrograms, and model 'transformer' has none; augment the recordings by "
            "waveform_augment, e.g. [{pitch_shift: 2, p: 0.5}]"
        )
    if recipe.features.duration <= 0:
        raise RecipeError(f"duration is {recipe.features.duration}; expected seconds above 0")
