"""Going on from a checkpoint: its layers are kept, its head as far as the classes are the same."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel, SequenceFeatureExtractor, WhisperForAudioClassification

from ser_hf.base.errors import RecipeError, SplitError
from ser_hf.base.steps import steps
from ser_hf.finetuning import FAMILIES, TRANSFORMER, TransformerSettings, load_extractor, load_transformer
from ser_hf.labels import Scheme, label_meaning
from ser_hf.protocols import Split

from .arguments import FeatureArguments
from .calibrating import last_linear
from .checkpoint import load_start
from .ensemble import class_names
from .recipe import Recipe, pairs
from .scoring import SPLIT, read_split, trained_on

_UNKNOWN = "what it was trained on is not known here"


@dataclass(frozen=True)
class Start:
    """A checkpoint to go on from.

    Attributes:
        source: a run folder, or a repository on the Hub.
        headless: it has no head that was trained, as checkpoints of pretraining, or one for other inputs.
    """

    source: str
    model: PreTrainedModel
    extractor: SequenceFeatureExtractor
    headless: bool

    @classmethod
    def of(cls, recipe: Recipe) -> Start:
        """The one a recipe names, checked against what else it says.

        Raises:
            CheckpointError: it cannot be loaded.
            RecipeError: it is a baseline, another model than the recipe's, or a key contradicts it.
        """
        source = str(recipe.model.init_from)
        model, extractor, missing = load_start(source)
        if not isinstance(model, PreTrainedModel):
            raise RecipeError(
                f"init_from {source} is {model.kind}; only networks are gone on from, leave out init_from"
            )
        start = cls(source, model, extractor, bool(missing))
        start._check(recipe)
        if not start.stock:
            return start
        trim_db = recipe.features.trim_db if "trim_db" in recipe.given else None
        # one of Whisper over 30 s has a head for other frames than ours
        other_head = isinstance(model, WhisperForAudioClassification)
        extractor = load_extractor(source, trim_db, pairs(recipe.model.model_settings).get("max_length"))
        return replace(start, extractor=extractor, headless=start.headless or other_head)

    @property
    def stock(self) -> bool:
        """Whether it is one of transformers' own models."""
        return self.model.config.model_type in FAMILIES

    def _check(self, recipe: Recipe) -> None:
        here, there = str(recipe.model.model), TRANSFORMER if self.stock else self.model.config.model_type
        if here != there:
            raise RecipeError(
                f"init_from {self.source} is a {self.model.config.model_type}, and the recipe's model is {here}; "
                f"take a recipe with model: {there}"
            )
        if recipe.model.imagenet or recipe.model.imagenet_weights is not None:
            raise RecipeError("init_from and imagenet both say where the weights come from; leave out one of them")
        if self.stock:
            return
        features = {f.name for f in dataclasses.fields(FeatureArguments) if not f.name.startswith("feature_")}
        said = {key: getattr(recipe.features, key) for key in sorted(recipe.given & features)}
        self._agree(said, self.extractor)
        self._agree(pairs(recipe.model.model_settings), self.model.config)

    def _agree(self, said: dict[str, Any], saved: Any) -> None:
        for key, value in said.items():
            there = getattr(saved, key, None)
            if _plain(there) != _plain(value):
                raise RecipeError(
                    f"{key} is {value}, and {self.source} was trained with {there}; leave it out (--{key} of the "
                    "checkpoint counts), or start without init_from"
                )

    def adapted(self, recipe: Recipe, scheme: Scheme, targets: dict[str, Any], *, tell: bool) -> PreTrainedModel:
        """The model with the classes of a scheme, frozen and adapted as the recipe says.

        A class that the checkpoint knows, by whatever word, keeps its part of the head: ids follow the scheme.

        Args:
            recipe: how a transformer is fine-tuned; which labels mean what.
            scheme: the classes.
            targets: settings of what is rated; a target that the checkpoint rates keeps its part of the head as well.
            tell: log what is kept and what is new.
        """
        old = self.model
        names = class_names(old.config)
        labels = dict(enumerate(scheme.classes))
        if self.stock:
            settings = {**pairs(recipe.model.model_settings), "pretrained": self.source}
            model = load_transformer(TransformerSettings.of(settings), labels)
        else:
            config = copy.deepcopy(old.config)
            config.id2label, config.label2id = labels, {name: i for i, name in labels.items()}
            for key, value in {"targets": [], "target_mean": [], "target_std": [], **targets}.items():
                setattr(config, key, value)
            model = type(old)(config)
            head = {f"{last_linear(model)[0]}.{part}" for part in ("weight", "bias")}
            model.load_state_dict({k: v for k, v in old.state_dict().items() if k not in head}, strict=False)
        rows = {} if self.headless else _shared(names, scheme, recipe)
        before = [*getattr(old.config, "targets", ())]
        rated = {i: before.index(name) for i, name in enumerate(targets.get("targets", ())) if name in before}
        outputs = rows | {len(labels) + mine: len(names) + theirs for mine, theirs in rated.items()}
        with torch.no_grad():
            (_, new_last), (_, old_last) = last_linear(model), last_linear(old)
            for mine, theirs in outputs.items():
                new_last.weight[mine], new_last.bias[mine] = old_last.weight[theirs], old_last.bias[theirs]
        if tell:
            self._tell(model, scheme, rows)
        return model

    def _tell(self, model: PreTrainedModel, scheme: Scheme, rows: dict[int, int]) -> None:
        name, last = last_linear(model)
        size = sum(p.numel() for p in model.parameters()) - sum(p.numel() for p in last.parameters())
        kept = ", ".join(scheme.classes[i] for i in rows) or "none"
        new = [name for i, name in enumerate(scheme.classes) if i not in rows]
        steps.info(
            "started from %s: kept %s parameters, and in %s the rows of %s", self.source, f"{size:,}", name, kept
        )
        steps.info("new in %s: %s", name, f"the rows of {', '.join(new)}" if new else "nothing")


def with_its_past(split: Split, source: str) -> tuple[Split, str | None]:
    """What a split is once a model goes on from a checkpoint, and what is to be said of its score.

    Args:
        split: of the recipe.
        source: the checkpoint; of a run folder it is known what was trained on.

    Raises:
        SplitError: it was trained on clips that are now tested on.
    """
    if not (Path(source) / SPLIT).is_file():
        return split, f"it started from {_called(source)}, and {_UNKNOWN}"
    past, test = read_split(Path(source)), split.datasets["test"]
    if again := trained_on(test, past):
        raise SplitError(
            f"{len(again)} of {len(test)} test clips were used in training by {source}, e.g. {again[0]}; split as that "
            "run did (the same protocol, fold and seed), or start from another checkpoint"
        )
    heard = {speaker for name in ("train", "validation") for speaker in past[name]["speakers"]}
    known = sorted(heard & (set(test["speaker"][:]) - {None}))
    if not known:
        return split, None
    said = f"it started from {_called(source)}, which was trained on {len(known)} of the test speakers"
    return replace(split, info=replace(split.info, speaker_independent=False)), said


def _called(source: str) -> str:
    """The name of a checkpoint; a card is no place for the folders of a machine."""
    return Path(source).resolve().name if Path(source).is_dir() else source


def base_model(recipe: Recipe) -> dict[str, str]:
    """What results.json says of the model under a model: the checkpoint it went on from, or a published transformer."""
    source = recipe.model.init_from
    if recipe.model.model == TRANSFORMER and not source:
        settings = TransformerSettings.of(pairs(recipe.model.model_settings))
        source = None if settings.random_init else settings.pretrained
    return {"base_model": _called(source)} if source else {}


def _shared(names: list[str], scheme: Scheme, recipe: Recipe) -> dict[int, int]:
    """Class id -> the id it has in the checkpoint, for classes that both know."""
    mapping = {key: str(value) for key, value in (word.split("=", 1) for word in recipe.data.labels if "=" in word)}
    ids: dict[str, int] = {}
    for i, name in enumerate(names):
        meaning = label_meaning(name, mapping)
        known = name if name in scheme.classes else scheme.class_of(meaning) if scheme.names(meaning) else None
        if known is not None:
            ids.setdefault(known, i)
    return {i: ids[name] for i, name in enumerate(scheme.classes) if name in ids}


def _plain(value: Any) -> Any:
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
