"""The whole flow, once, from top to bottom: recipe -> data -> split -> model -> training -> score -> report."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from accelerate import PartialState
from transformers import PreTrainedModel, SequenceFeatureExtractor, set_seed

from ser_hf.audio import load
from ser_hf.audit import add_fingerprints
from ser_hf.augment import WaveformChain
from ser_hf.base.alone import alone
from ser_hf.base.atomic import usual_rights, write_json, write_text
from ser_hf.base.disk import writing
from ser_hf.base.ending import advising
from ser_hf.base.errors import RecipeError
from ser_hf.base.provenance import versions
from ser_hf.baselines import BASELINES, WEIGHTS, Baseline
from ser_hf.data import add_copies, balance, keep_speakers
from ser_hf.features import (
    feature_statistics,
    prepared,
    scoring_rows,
)
from ser_hf.finetuning import merge_lora
from ser_hf.models import SerFeatureExtractor
from ser_hf.protocols import PROTOCOLS, Split, SplitOptions, make_split
from ser_hf.reporting import push_run, write_model_card, write_report
from ser_hf.training import (
    RECIPE,
    STATISTICS,
    TRACKING,
    Recipe,
    Targets,
    Tracking,
    build_trainer,
    calibrate,
    check_layers,
    configure,
    deterministic,
    fit_baseline,
    load_checkpoint,
    make_extractor,
    make_model,
    naming,
    network_facts,
    score,
    tracking,
    with_its_past,
    with_whole_weights,
    write_split,
)
from ser_hf.training.trainer import CHECKPOINTS
from ser_hf.training.whole_checkpoints import missing, numbered

from ._corpora import read_corpora
from ._described import Data, describe
from ._training_rows import DECODED, training_rows


def train(recipe: Recipe, *, group: str | None = None) -> dict[str, Any]:
    """Runs a recipe and writes its run folder: checkpoint, results.json, predictions.parquet, plots, report and card.

    The test split is scored once, after training, by the checkpoint as saved, in float32. Under several processes
    training and validation are shared and the main process writes.

    Args:
        recipe: what to do.
        group: of the run in the trackers of ``report_to``, see `ser_hf.training.tracking`.

    Returns:
        The content of results.json.

    Raises:
        SerHfError: anything the user can mend, see the errors of every step.
        Ended: SIGTERM or SIGHUP came in training, and a checkpoint was saved.
    """
    args, folder = recipe.training, recipe.folder
    push, args.push_to_hub = args.push_to_hub, False  # the Trainer would push every checkpoint; we push the run, once
    repository = str(args.hub_model_id or "")
    if push and not repository:
        raise RecipeError("push_to_hub needs a repository: add --hub_model_id USER/NAME")
    main = args.process_index == 0
    with advising(partial(how_to_go_on, folder)), alone(folder, main), deterministic(recipe.run.deterministic):
        return _train(recipe, group=group, push=push, repository=repository)


def how_to_go_on(folder: Path) -> str:
    """How a run that was ended is gone on with, in words."""
    whole = [path.name for path in numbered(folder / CHECKPOINTS) if missing(path) is None]
    if not whole and (folder / "results.json").exists():
        return "it is scored, and its report may be missing: the same command with --overwrite true begins anew"
    if not whole:
        return "there is no checkpoint yet: the same command begins anew"
    return f"{whole[-1]} is saved: go on by the same command with --resume_from_checkpoint last"


def _train(recipe: Recipe, *, group: str | None, push: bool, repository: str) -> dict[str, Any]:
    args, folder = recipe.training, recipe.folder
    main, resume = args.process_index == 0, configure(recipe)
    if main and recipe.run.overwrite and resume is None:
        clear(folder)
    set_seed(args.seed)
    if not is_baseline(recipe):  # first, so that no clip is read for a model that cannot be
        with naming(recipe):
            check_layers(recipe, make_model(recipe, make_extractor(recipe)))
        set_seed(args.seed)
    with args.main_process_first(desc="data and features"):
        data = prepare(recipe)
    if main:
        write_text(folder / RECIPE, yaml.safe_dump(recipe.settings(), sort_keys=True))
    results, known = {}, is_baseline(recipe)
    with tracking(recipe, group, name=recipe.run_name(data.split.info.fold), folder=folder, baseline=known) as trackers:
        model, facts = train_baseline(recipe, data) if known else train_network(recipe, data, resume, trackers)
        if main:
            results = write_run(recipe, data, model, facts, folder)
            trackers.scored(results, model)
    if main and push:
        push_run(folder, repository, private=bool(args.hub_private_repo), token=args.hub_token)
    PartialState().wait_for_everyone()
    return results


def write_run(
    recipe: Recipe, data: Data, model: PreTrainedModel | Baseline, facts: dict[str, Any], folder: Path
) -> dict[str, Any]:
    """Saves a trained model, and writes everything that is made from its score; gives the content of results.json."""
    learned = trainable(model)
    if isinstance(model, PreTrainedModel):
        merge_lora(model)
        calibrate(model, data.extractor, data.split.datasets["validation"] if recipe.run.calibrate else None)
    with writing(folder):
        model.save_pretrained(folder)
        for weights in folder.glob("*.safetensors"):
            usual_rights(weights)
        data.extractor.save_pretrained(folder)
    results = describe(recipe, data, model, facts)
    results["model"]["trainable_parameters"] = learned
    finish(folder, results, data)
    return results


def is_baseline(recipe: Recipe) -> bool:
    """Whether the recipe's model is fitted by scikit-learn and not trained by the Trainer."""
    return recipe.model.model in BASELINES


def train_network(
    recipe: Recipe, data: Data, resume: str | None, trackers: Tracking
) -> tuple[PreTrainedModel, dict[str, Any]]:
    """Trains the network of a recipe; gives it and what results.json says about its training."""
    names = recipe.loss.targets
    targets = Targets.of(names, data.split.datasets["train"])
    make = partial(make_model, recipe, data.extractor, data.corpora.scheme, targets)
    model = make()
    validation = scoring_rows(data.split.datasets["validation"], data.extractor, cache_bytes=DECODED, targets=names)
    trainer = build_trainer(recipe, model, data.extractor, training_rows(recipe, data), validation, trackers)
    start = time.perf_counter()
    trainer.train(resume_from_checkpoint=resume)
    facts = network_facts(trainer, time.perf_counter() - start)
    return with_whole_weights(trainer, model, make), facts


def train_baseline(recipe: Recipe, data: Data) -> tuple[Baseline, dict[str, Any]]:
    """Fits the baseline of a recipe; gives it and what results.json says about its training."""
    independent = data.split.info.speaker_independent
    return fit_baseline(recipe, data.split.datasets, data.corpora.scheme, by_speaker=independent)


def prepare(recipe: Recipe) -> Data:
    """Corpus folders -> split -> features -> balanced training split."""
    settings = recipe.data
    extractor = make_extractor(recipe)
    options = SplitOptions.of({**vars(settings), "seed": settings.split_seed})
    PROTOCOLS[str(settings.protocol)].check(options)  # before any clip is read
    corpora = read_corpora(recipe)
    ready = partial(
        prepared,
        device=recipe.features.feature_device,
        batch_size=recipe.features.feature_batch_size,
        num_proc=settings.num_proc,
    )
    recordings = add_fingerprints(corpora.dataset, settings.num_proc)

    def drawn(extractor: SequenceFeatureExtractor) -> tuple[Split, dict[str, Any]]:
        split = make_split(ready(recordings, extractor), str(settings.protocol), options)
        parts, told = keep_speakers(split.datasets, settings.train_speakers, settings.split_seed)
        return replace(split, datasets=parts), told

    split, speakers = drawn(extractor)
    source, caveat = recipe.model.init_from, None
    if isinstance(extractor, SerFeatureExtractor) and recipe.features.normalisation == STATISTICS and not source:
        found = feature_statistics(split.datasets["train"])
        extractor = extractor.with_normalisation(STATISTICS, found.mean, found.std)
        split, speakers = drawn(extractor)
    if source:
        split, caveat = with_its_past(split, source)
    parts, report = balance(
        split.datasets,
        settings.balance,
        settings.balance_to,
        settings.split_seed,
        recordings=recordings,
        finish=partial(ready, extractor=extractor),
        num_proc=settings.num_proc,
    )
    parts, copies = add_copies(
        parts,
        WaveformChain.parse_copies(settings.copies, load),
        settings.split_seed,
        recordings=recordings,
        finish=partial(ready, extractor=extractor),
        num_proc=settings.num_proc,
    )
    split = replace(split, datasets=parts)
    return Data(corpora, extractor, split, report, copies, versions(), caveat, speakers)


def trainable(model: PreTrainedModel | Baseline) -> int:
    """Numbers that training changes; of a baseline all."""
    if isinstance(model, Baseline):
        return model.num_parameters()
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def finish(folder: Path, results: dict[str, Any], data: Data) -> None:
    """Scores the saved checkpoint on the test split, and writes everything that is made from the score."""
    model, extractor = load_checkpoint(folder)
    test, classes = data.split.datasets["test"], results["data"]["classes"]
    results["test"] = score(model, extractor, test, classes, folder, recordings=data.corpora.dataset)
    write_split(folder, data.split.datasets)
    write_json(folder / "results.json", results)
    write_report(folder)
    write_model_card(folder)


def clear(folder: Path) -> None:
    """Removes what an earlier run wrote, and nothing else."""
    for name in ("checkpoints", "plots", TRACKING):
        shutil.rmtree(folder / name, ignore_errors=True)
    made = ["results.json", "predictions.parquet", "report.html", "README.md", "split.json"]
    for name in (*made, "model.safetensors", "model.onnx", WEIGHTS):
        (folder / name).unlink(missing_ok=True)
