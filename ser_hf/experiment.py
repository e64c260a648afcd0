"""The whole flow, once, from top to bottom: recipe -> data -> split -> model -> training -> score -> report."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from transformers import PreTrainedModel, SequenceFeatureExtractor, Trainer, TrainingArguments, set_seed

from ser_hf.atomic import write_json, write_text
from ser_hf.audio import load
from ser_hf.augment import WaveformChain
from ser_hf.data import (
    Corpora,
    Split,
    SplitOptions,
    add_fingerprints,
    balance,
    load_corpus,
    make_split,
    split_counts,
)
from ser_hf.errors import RecipeError, unknown
from ser_hf.features import (
    FeatureRows,
    LiveFeatureRows,
    RecordingRows,
    WaveformRows,
    feature_statistics,
    prepared,
    scoring_rows,
)
from ser_hf.finetuning import (
    FAMILIES,
    TRANSFORMER,
    TransformerSettings,
    load_extractor,
    load_transformer,
    merge_lora,
)
from ser_hf.labels import get_scheme
from ser_hf.models import (
    MODELS,
    SerFeatureExtractor,
    TimmCnnConfig,
    TimmCnnForAudioClassification,
    build_config,
    build_extractor,
    build_model,
)
from ser_hf.provenance import hardware, now, versions
from ser_hf.records import CLIP_ID
from ser_hf.reporting import push_run, write_model_card, write_report
from ser_hf.training import (
    RECIPE,
    Recipe,
    build_trainer,
    configure,
    folders,
    history,
    load_checkpoint,
    pairs,
    score,
    write_split,
)

STATISTICS = "statistics"

_DECODED = 1 << 30
"""Bytes of decoded recordings held where rows are made of them in every epoch: about 4.6 hours at 16 kHz."""


@dataclass(frozen=True)
class Data:
    """Everything known of the clips of a run; the rows of ``split`` carry features, or for a transformer audio.

    ``balance`` says what became of the training split, see `ser_hf.data.balance`; ``versions`` are those the run began
    with: a checkout may change while it lasts.
    """

    corpora: Corpora
    extractor: SequenceFeatureExtractor
    split: Split
    balance: dict[str, Any]
    versions: dict[str, str]


def train(recipe: Recipe) -> dict[str, Any]:
    """Runs a recipe and writes its run folder: checkpoint, results.json, predictions.parquet, plots, report and card.

    The test split is scored once, after training, by the checkpoint as saved, in float32. Under several processes
    training and validation are shared and the main process writes.

    Returns:
        The content of results.json.

    Raises:
        SerHfError: anything the user can mend, see the errors of every step.
    """
    args, folder = recipe.training, recipe.folder
    push, args.push_to_hub = args.push_to_hub, False  # the Trainer would push every checkpoint; we push the run, once
    repository = str(args.hub_model_id or "")
    if push and not repository:
        raise RecipeError("push_to_hub needs a repository: add --hub_model_id USER/NAME")
    resume = configure(recipe)
    main = args.process_index == 0
    if main and recipe.run.overwrite and resume is None:
        clear(folder)
    set_seed(args.seed)
    with args.main_process_first(desc="data and features"):
        data = prepare(recipe)
    extractor = data.extractor
    if main:
        write_text(folder / RECIPE, yaml.safe_dump(recipe.settings(), sort_keys=True))
    model = make_model(recipe, extractor)
    parts = data.split.datasets
    validation = scoring_rows(parts["validation"], extractor, cache_bytes=_DECODED)
    trainer = build_trainer(recipe, model, extractor, training_rows(recipe, data), validation)
    start = time.perf_counter()
    trainer.train(resume_from_checkpoint=resume)
    seconds = time.perf_counter() - start
    if main:
        trained = trainable(model)
        merge_lora(model).save_pretrained(folder)
        extractor.save_pretrained(folder)
        results = describe(recipe, data, model, trainer, seconds)
        results["model"]["trainable_parameters"] = trained
        finish(folder, results, data)
        if push:
            push_run(folder, repository, private=bool(args.hub_private_repo), token=args.hub_token)
    trainer.accelerator.wait_for_everyone()
    return results if main else {}


def prepare(recipe: Recipe) -> Data:
    """Corpus folders -> split -> features -> balanced training split."""
    settings = recipe.data
    extractor = make_extractor(recipe)
    corpora = load_corpus(
        settings.corpora,
        data_root=settings.data_root,
        data_dirs=folders(settings.data_dirs),
        scheme=settings.scheme,
        skip_bad=settings.skip_bad,
        num_proc=settings.num_proc,
    )
    ready = partial(
        prepared,
        device=recipe.features.feature_device,
        batch_size=recipe.features.feature_batch_size,
        num_proc=settings.num_proc,
    )
    options = SplitOptions.of({**vars(settings), "seed": settings.split_seed})
    recordings = add_fingerprints(corpora.dataset, settings.num_proc)
    split = make_split(ready(recordings, extractor), str(settings.protocol), options)
    if isinstance(extractor, SerFeatureExtractor) and recipe.features.normalisation == STATISTICS:
        found = feature_statistics(split.datasets["train"])
        extractor = extractor.with_normalisation(STATISTICS, found.mean, found.std)
        split = make_split(ready(recordings, extractor), str(settings.protocol), options)
    parts, report = balance(
        split.datasets,
        settings.balance,
        settings.balance_to,
        settings.split_seed,
        recordings=recordings,
        finish=partial(ready, extractor=extractor),
        num_proc=settings.num_proc,
    )
    return Data(corpora, extractor, replace(split, datasets=parts), report, versions())


def training_rows(recipe: Recipe, data: Data) -> FeatureRows | RecordingRows:
    """The training split, computed anew in every epoch where the recipe augments waveforms or a model takes them."""
    train, extractor = data.split.datasets["train"], data.extractor
    chain = WaveformChain.parse(recipe.augment.waveform_augment, load)
    options: dict[str, Any] = {"training": True, "seed": recipe.training.seed, "cache_bytes": _DECODED}
    options["augment"] = chain or None
    if not isinstance(extractor, SerFeatureExtractor):
        return WaveformRows(train, extractor, duration=recipe.features.duration, **options)
    if not chain:
        return FeatureRows(train, training=True)
    recordings = data.corpora.dataset
    numbers = {clip: i for i, clip in enumerate(recordings[CLIP_ID][:])}
    chosen = recordings.select([numbers[clip] for clip in train[CLIP_ID][:]])
    return LiveFeatureRows(chosen, extractor, **options)


def make_extractor(recipe: Recipe) -> SequenceFeatureExtractor:
    """The feature extractor of a recipe; one that normalises by statistics does not until there are some."""
    if recipe.model.model == TRANSFORMER:
        return load_extractor(TransformerSettings.of(pairs(recipe.model.model_settings)).pretrained)
    chosen = {k: v for k, v in vars(recipe.features).items() if not k.startswith("feature_")}
    if chosen["normalisation"] == STATISTICS:
        chosen["normalisation"] = "none"
    try:
        return build_extractor(**chosen)
    except ValueError as error:
        raise RecipeError(str(error)) from error


def make_model(recipe: Recipe, extractor: SequenceFeatureExtractor) -> PreTrainedModel:
    """The model of a recipe, with random weights or pretrained ones."""
    scheme = get_scheme(recipe.data.scheme)
    name, labels = str(recipe.model.model), dict(enumerate(scheme.classes))
    imagenet = recipe.model.imagenet or recipe.model.imagenet_weights is not None
    if imagenet and name != TimmCnnConfig.model_type:
        raise RecipeError(f"imagenet weights are for model 'timm_cnn', not {name!r}; leave out imagenet")
    if name == TRANSFORMER:
        model = load_transformer(TransformerSettings.of(pairs(recipe.model.model_settings)), labels)
        model.config.label_scheme = scheme.name
        return model
    if name not in MODELS:
        hint = f"; for {name} say model: {TRANSFORMER}, and which by model_settings pretrained=NAME"
        raise RecipeError(unknown("model", name, [*MODELS, TRANSFORMER]) + (hint if name in FAMILIES else ""))
    try:
        settings = {"n_mels": extractor.feature_size, **pairs(recipe.model.model_settings)}
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


def describe(recipe: Recipe, data: Data, model: PreTrainedModel, trainer: Trainer, seconds: float) -> dict[str, Any]:
    """Everything results.json says beside the score."""
    info, state, args, scheme = data.split.info, trainer.state, recipe.training, get_scheme(recipe.data.scheme)
    fold = "" if info.fold is None else f"-fold{info.fold}"
    log = history(state.log_history)
    best = saved_epoch(log, state.best_metric, args)
    return {
        "schema": 1,
        "name": f"{recipe.name}-{info.protocol}{fold}",
        "recipe": recipe.file,
        "created": now(),
        "versions": data.versions,
        "synthetic": any(corpus.synthetic for corpus in data.corpora.records),
        "model": {
            "model_type": model.config.model_type,
            "architecture": type(model).__name__,
            "parameters": sum(p.numel() for p in model.parameters()),
            "config": {k: v for k, v in model.config.to_diff_dict().items() if isinstance(v, str | int | float | list)},
        },
        "features": {k: v for k, v in data.extractor.to_dict().items() if isinstance(v, str | int | float | bool)},
        "data": {
            "corpora": [corpus.card() for corpus in data.corpora.records],
            "scheme": scheme.name,
            "scheme_definition": scheme.to_dict(),
            "classes": [*scheme.classes],
            "ledger": data.corpora.ledger.to_dict(),
            "remarks": list(data.corpora.remarks),
            "splits": split_counts(data.split.datasets),
            "balance": data.balance,
        },
        "split": info.to_dict(),
        "audit": data.split.audit.to_list(),
        "training": {
            "epochs": float(state.epoch or 0.0),
            "best_epoch": best.get("epoch"),
            "best_validation_uar": best.get("eval_uar"),
            "seconds": round(seconds, 1),
            "device": args.device.type,
            "hardware": hardware(),
            "precision": {"no": "fp32"}.get(precision := trainer.accelerator.mixed_precision, precision),
            "processes": args.world_size,
            "history": log,
            "arguments": recipe.settings(),
        },
    }


def trainable(model: PreTrainedModel) -> int:
    """Numbers that training changes."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def saved_epoch(log: list[dict[str, float]], best: float | None, args: TrainingArguments) -> dict[str, float]:
    """The entry of the history whose checkpoint was kept as the best; empty where the last one was kept."""
    metric = f"eval_{str(args.metric_for_best_model).removeprefix('eval_')}"
    kept = args.load_best_model_at_end and best is not None
    return next((entry for entry in log if kept and entry.get(metric) == best), {})


def finish(folder: Path, results: dict[str, Any], data: Data) -> None:
    """Scores the saved checkpoint on the test split, and writes everything that is made from the score."""
    model, extractor = load_checkpoint(folder)
    results["test"] = score(model, extractor, data.split.datasets["test"], results["data"]["classes"], folder)
    write_split(folder, data.split.datasets)
    write_json(folder / "results.json", results)
    write_report(folder)
    write_model_card(folder)


def clear(folder: Path) -> None:
    """Removes what an earlier run wrote, and nothing else."""
    for name in ("checkpoints", "plots"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("results.json", "predictions.parquet", "report.html", "README.md", "split.json", "model.safetensors"):
        (folder / name).unlink(missing_ok=True)
