"""What a run is made of, and what results.json says of it beside the score."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from transformers import PreTrainedModel, SequenceFeatureExtractor

from ser_hf.base.provenance import hardware, now, peak_memory_mb
from ser_hf.baselines import Baseline
from ser_hf.data import Corpora
from ser_hf.protocols import Split, split_counts
from ser_hf.training import Recipe, base_model


@dataclass(frozen=True)
class Data:
    """Everything known of the clips of a run; the rows of ``split`` carry features, or for a transformer audio.

    ``balance`` says what became of the training split, see `ser_hf.data.balance`, and ``copies`` what was added to it;
    ``versions`` are those the run began with: a checkout may change while it lasts. ``caveat`` is what must be said of
    the score, ``train_speakers`` which were left in, see `ser_hf.data.keep_speakers`.
    """

    corpora: Corpora
    extractor: SequenceFeatureExtractor
    split: Split
    balance: dict[str, Any]
    copies: dict[str, Any]
    versions: dict[str, str]
    caveat: str | None = None
    train_speakers: dict[str, Any] = field(default_factory=dict)


def describe(recipe: Recipe, data: Data, model: PreTrainedModel | Baseline, facts: dict[str, Any]) -> dict[str, Any]:
    """Everything results.json says beside the score."""
    info, scheme = data.split.info, data.corpora.scheme
    caveats = [model.caveat if isinstance(model, Baseline) else data.caveat]
    if recipe.loss.targets and recipe.loss.target_weight == 1:
        caveats.append("the classes were not trained, so that only the ratings count")
    caveat = "; ".join(filter(None, caveats))
    return {
        "schema": 1,
        "name": recipe.run_name(info.fold),
        "recipe": recipe.file,
        "created": now(),
        "versions": data.versions,
        "synthetic": any(corpus.synthetic for corpus in data.corpora.records),
        **({"caveat": caveat} if caveat else {}),
        "model": {
            "library": "sklearn" if isinstance(model, Baseline) else "transformers",
            "model_type": model.config.model_type,
            "architecture": type(model).__name__,
            "parameters": model.num_parameters(),
            **base_model(recipe),
            "config": {k: v for k, v in model.config.to_diff_dict().items() if isinstance(v, str | int | float | list)},
        },
        "features": {k: v for k, v in data.extractor.to_dict().items() if told(v)}
        | getattr(data.extractor, "about", {}),
        "data": {
            "corpora": [corpus.card() for corpus in data.corpora.records],
            "scheme": scheme.name,
            "scheme_definition": scheme.to_dict(),
            "classes": [*scheme.classes],
            "ledger": data.corpora.ledger.to_dict(),
            "remarks": list(data.corpora.remarks),
            "splits": split_counts(data.split.datasets),
            "balance": data.balance,
            **({"copies": data.copies} if data.copies else {}),
            **({"train_speakers": data.train_speakers} if data.train_speakers else {}),
        },
        "split": info.to_dict(),
        "audit": data.split.audit.to_list(),
        "training": {
            **facts,
            "peak_memory_mb": peak_memory_mb(),
            "hardware": hardware(),
            "processes": recipe.training.world_size,
            "deterministic": recipe.run.deterministic,
            "arguments": recipe.settings(),
        },
    }


def told(setting: Any) -> bool:
    """Whether results.json has room for a setting: one value, or some whole numbers such as those of layers."""
    numbers = isinstance(setting, list) and all(isinstance(one, int) for one in setting)
    return numbers or isinstance(setting, str | int | float | bool)
