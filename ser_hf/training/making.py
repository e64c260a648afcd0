"""What a recipe names -> feature extractor and model."""

from __future__ import annotations

from transformers import PreTrainedModel, SequenceFeatureExtractor

from ser_hf.base.errors import RecipeError, unknown
from ser_hf.baselines import BASELINES, build_functionals
from ser_hf.embeddings import build_embeddings
from ser_hf.finetuning import FAMILIES, TRANSFORMER, TransformerSettings, load_extractor, load_transformer
from ser_hf.labels import Scheme, get_scheme
from ser_hf.models import (
    MODELS,
    EmbeddingMlpConfig,
    TimmCnnConfig,
    TimmCnnForAudioClassification,
    build_config,
    build_extractor,
    build_model,
)

from .recipe import Recipe, pairs
from .starting import Start
from .targets import Targets

STATISTICS = "statistics"
EMBEDDINGS = "embeddings"
EMBEDDING_KEYS = ("encoder", "layers", "pooling")
"""Keys of features that say which embeddings."""


def check_embeddings(recipe: Recipe, *, embedded: bool) -> None:
    """Refuses a probe without embeddings, a network that takes spectrograms on them, and their keys without them.

    Raises:
        RecipeError: with what to change.
    """
    model, takes = str(recipe.model.model), (*BASELINES, EmbeddingMlpConfig.model_type)
    if embedded and model not in takes:
        raise RecipeError(f"features: embeddings are for model {', '.join(takes)}, and model is {model!r}")
    if not embedded and model == EmbeddingMlpConfig.model_type:
        raise RecipeError(f"model {model!r} takes features: embeddings, and features is {recipe.features.features!r}")
    for key in EMBEDDING_KEYS:
        if key in recipe.given and not embedded:
            raise RecipeError(
                f"{key} says which embeddings, and features is {recipe.features.features!r}; add "
                "features: embeddings, or leave it out"
            )


def make_extractor(recipe: Recipe) -> SequenceFeatureExtractor:
    """The feature extractor of a recipe; one that normalises by statistics does not until there are some."""
    if recipe.model.init_from:
        return Start.of(recipe).extractor
    if recipe.model.model == TRANSFORMER:
        trim_db = recipe.features.trim_db if "trim_db" in recipe.given else None
        settings = TransformerSettings.of(pairs(recipe.model.model_settings))
        return load_extractor(settings.pretrained, trim_db, settings.config.get("max_length"))
    chosen = {k: v for k, v in vars(recipe.features).items() if not k.startswith("feature_")}
    embedded = recipe.features.features == EMBEDDINGS
    check_embeddings(recipe, embedded=embedded)
    if embedded:
        given = {k: v for k, v in chosen.items() if k in recipe.given and k not in ("features", "encoder")}
        return build_embeddings(recipe.features.encoder, **given)
    chosen = {k: v for k, v in chosen.items() if k not in EMBEDDING_KEYS}
    if recipe.model.model in BASELINES:
        return build_functionals(**{k: v for k, v in chosen.items() if k in recipe.given})
    if chosen["normalisation"] == STATISTICS:
        chosen["normalisation"] = "none"
    try:
        return build_extractor(**chosen)
    except ValueError as error:
        raise RecipeError(str(error)) from error


def make_model(
    recipe: Recipe,
    extractor: SequenceFeatureExtractor,
    scheme: Scheme | None = None,
    targets: Targets | None = None,
) -> PreTrainedModel:
    """The model of a recipe, with random weights or pretrained ones.

    Args:
        recipe: which network.
        extractor: what computes its input.
        scheme: the classes; by default those of the recipe's scheme, and two where only the clips tell them.
        targets: what it rates; by default the recipe's on the scale 0 to 1.
    """
    tell, scheme = scheme is not None, scheme or get_scheme(recipe.data.scheme)
    scheme = scheme if scheme.classes else Scheme(scheme.name, ("0", "1"))
    name, labels = str(recipe.model.model), dict(enumerate(scheme.classes))
    if name not in (*MODELS, TRANSFORMER):
        hint = f"; for {name} say model: {TRANSFORMER}, and which by model_settings pretrained=NAME"
        listed = [*MODELS, *BASELINES, TRANSFORMER]
        raise RecipeError(unknown("model", name, listed) + (hint if name in FAMILIES else ""))
    if recipe.model.init_from:
        rated = (targets or Targets.of(recipe.loss.targets)).settings(recipe.loss.target_weight)
        model = Start.of(recipe).adapted(recipe, scheme, rated, tell=tell)
        model.config.label_scheme = scheme.name
        return model
    imagenet = recipe.model.imagenet or recipe.model.imagenet_weights is not None
    if imagenet and name != TimmCnnConfig.model_type:
        raise RecipeError(f"imagenet weights are for model 'timm_cnn', not {name!r}; leave out imagenet")
    if name == TRANSFORMER:
        model = load_transformer(TransformerSettings.of(pairs(recipe.model.model_settings)), labels)
        model.config.label_scheme = scheme.name
        return model
    try:
        rated = (targets or Targets.of(recipe.loss.targets)).settings(recipe.loss.target_weight)
        sizes = {"n_mels": extractor.feature_size}
        if name == EmbeddingMlpConfig.model_type:
            sizes["embedding_size"] = int(getattr(extractor, "n_frames", 1))
        settings = {**sizes, **pairs(recipe.model.model_settings), **rated}
        config = build_config(name, **settings, id2label=labels, label2id={c: i for i, c in labels.items()})
        config.label_scheme = scheme.name
        if isinstance(config, TimmCnnConfig) and imagenet:
            return TimmCnnForAudioClassification.from_imagenet(config, weights=recipe.model.imagenet_weights)
        return build_model(config)
    except ValueError as error:
        raise RecipeError(str(error)) from error
    except (TypeError, AttributeError) as error:
        words = " ".join(recipe.model.model_settings)
        raise RecipeError(f"model_settings {words}: a value is of the wrong kind ({error})") from error
