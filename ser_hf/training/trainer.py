"""Recipe, model and rows -> a stock `transformers.Trainer`."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from transformers import (
    EarlyStoppingCallback,
    PreTrainedModel,
    PrinterCallback,
    SequenceFeatureExtractor,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
)

from ser_hf.augment import WaveformChain
from ser_hf.base.errors import RecipeError, unknown
from ser_hf.base.strict_yaml import parse_yaml
from ser_hf.data import BALANCE_METHODS, class_weights, sample_weights
from ser_hf.evaluation import METRICS
from ser_hf.features import FeatureRows, RecordingRows
from ser_hf.finetuning import TRANSFORMER
from ser_hf.models import SerFeatureExtractor
from ser_hf.records import INPUT_FEATURES, LABEL

from .arguments import DataArguments, FeatureArguments, LossArguments, ModelArguments, OptimiserArguments
from .bounds import check_bounds, check_settings
from .collator import SerCollator, check_strengths
from .freezing import Freezing
from .learning_rate import LearningRateDecay
from .losses import check_loss, set_loss
from .optimiser import check_optimiser, make_optimiser, needs_groups
from .precision import use_bf16
from .progress import Progress
from .progressive_resizing import check_sizes, progressive_resizing
from .recipe import Recipe, naming, pairs
from .ser_trainer import SerTrainer
from .soft_labels import SoftLabelTrainer, WeightedSoftLabelTrainer
from .step_size import began_with, keep_step
from .targets import check_targets
from .trackers import Tracking, check_trackers
from .transformer_recipe import check_transformer
from .validation import validation_scores
from .votes import count_votes
from .waveform_collator import WaveformCollator
from .weighted_sampling import WeightedTrainer
from .whole_checkpoints import numbered, to_resume

CHECKPOINTS = "checkpoints"
RECIPE = "recipe.yaml"
_FIXED = (DataArguments, FeatureArguments, ModelArguments, OptimiserArguments, LossArguments)
_POSITIVE = (
    "per_device_train_batch_size",
    "per_device_eval_batch_size",
    "gradient_accumulation_steps",
    "num_train_epochs",
    "learning_rate",
)


def build_trainer(
    recipe: Recipe,
    model: PreTrainedModel,
    extractor: SequenceFeatureExtractor,
    train: FeatureRows | RecordingRows,
    validation: FeatureRows | RecordingRows,
    trackers: Tracking | None = None,
) -> Trainer:
    """Builds the trainer; it sees training and validation rows and never the test.

    It is transformers' own, but for the drawing of training clips where the recipe says ``weighted_sampler``, and for
    the loss of stock models, which know no soft labels.
    Checkpoints go to ``checkpoints/`` in the run folder; the one with the best validation UAR is kept. ``trackers`` are
    told in place of the Trainer's own, which would be closed before the test is scored.

    Raises:
        RecipeError: a value out of its range, or gradient checkpointing of a model that cannot.
    """
    args = copy.copy(recipe.training)
    keep_step(args)
    if args.gradient_checkpointing and not model.supports_gradient_checkpointing:
        raise RecipeError(
            f"gradient_checkpointing: {model.config.model_type} cannot compute its layers twice; leave it out, and for "
            "less memory lower per_device_train_batch_size and raise gradient_accumulation_steps"
        )
    smoothing, args.label_smoothing_factor = args.label_smoothing_factor, 0.0  # soft labels are made by the collator
    callbacks: list[TrainerCallback] = []
    if recipe.run.patience:
        callbacks.append(EarlyStoppingCallback(early_stopping_patience=recipe.run.patience))
    callbacks += _layer_callbacks(recipe, model)
    set_loss(model, recipe.loss)
    if recipe.loss.soft_labels == "votes":
        count_votes(train)
    sizes = recipe.augment.progressive_resize
    if check_sizes(sizes):
        callbacks.append(progressive_resizing(model, sizes, np.shape(train[0][INPUT_FEATURES])))
    classes, method = int(model.config.num_labels or 0), recipe.data.balance
    weights = class_weights(_labels(train), classes) if method == "class_weights" else None
    stock = not isinstance(extractor, SerFeatureExtractor)
    collator: SerCollator | WaveformCollator
    if stock:
        collator = WaveformCollator(classes, smoothing, weights)
    else:
        repeats = method == "weighted_sampler"
        collator = SerCollator(classes, recipe.augment, smoothing, weights, seed=args.seed, repeats=repeats)
    epochal = [thing for thing in (train, collator) if isinstance(thing, RecordingRows | SerCollator)]
    callbacks.append(NewEpoch(*epochal))
    kind: Callable[..., Trainer] = SoftLabelTrainer if stock else SerTrainer
    if method == "weighted_sampler":
        weighted = WeightedSoftLabelTrainer if stock else WeightedTrainer
        kind = partial(weighted, sample_weights=sample_weights(_labels(train), classes))
    if recipe.loss.targets:
        args.label_names = ["labels", "targets"]
    args.disable_tqdm = True
    callbacks.append(Progress(rated=bool(recipe.loss.targets)))
    if trackers:
        args.report_to = []
        callbacks.append(trackers)
    trainer = kind(
        model=model,
        args=args,
        train_dataset=train,
        eval_dataset=validation,
        data_collator=collator,
        processing_class=extractor,
        compute_metrics=validation_scores,
        callbacks=callbacks,
        optimizer_cls_and_kwargs=_optimiser(recipe),
    )
    trainer.remove_callback(PrinterCallback)  # which prints a dictionary for everything that is told
    return trainer


def _layer_callbacks(recipe: Recipe, model: PreTrainedModel) -> list[TrainerCallback]:
    settings = recipe.optimiser
    callbacks: list[TrainerCallback] = []
    if settings.freeze_layers or settings.gradual_unfreezing:
        callbacks.append(Freezing(model, settings.freeze_layers, settings.gradual_unfreezing))
    if settings.learning_rate_decay != 1:
        callbacks.append(LearningRateDecay(settings.learning_rate_decay))
    return callbacks


def _optimiser(recipe: Recipe) -> tuple[Any, dict[str, Any]] | None:
    """What transformers calls a factory: called without arguments it gives what makes an optimiser of a model."""
    if not needs_groups(recipe.optimiser):
        return None
    make = partial(make_optimiser, args=recipe.training, settings=recipe.optimiser)
    return (lambda: make), {}


class NewEpoch(TrainerCallback):
    """Tells live rows and the collator the epoch: each is augmented anew, a resumed one as it would have been."""

    def __init__(self, *things: RecordingRows | SerCollator) -> None:
        self.things = things

    def on_epoch_begin(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Before the first batch of an epoch is asked for."""
        for thing in self.things:
            thing.set_epoch(int((state.epoch or 0) + 1e-6))


def _labels(rows: FeatureRows | RecordingRows) -> np.ndarray:
    return np.asarray(rows.rows.with_format(None)[LABEL][:])


def configure(recipe: Recipe) -> str | None:
    """Settles what depends on the machine and the run folder; returns the checkpoint to go on from, if any.

    Raises:
        RecipeError: a value out of its range, the run folder holds a run and neither resuming nor overwriting was asked
            for, there is nothing to resume, or what would be resumed had other data, features or another model.
    """
    args, folder = recipe.training, recipe.folder
    with naming(recipe):
        _check(recipe)
    if "bf16" not in recipe.given and "fp16" not in recipe.given:
        args.bf16 = use_bf16(recipe.run.precision, use_cpu=args.use_cpu)
        args.mixed_precision = "bf16" if args.bf16 else "no"  # what the accelerator is told, settled before this
    args.dataloader_pin_memory = args.dataloader_pin_memory and args.device.type == "cuda"
    args.output_dir = str(folder / CHECKPOINTS)
    if args.resume_from_checkpoint:
        checkpoint = to_resume(args.resume_from_checkpoint, Path(args.output_dir), main=args.process_index == 0)
        _check_same(recipe, folder / RECIPE)
        args.resumed_step = began_with(checkpoint)
        return checkpoint
    if (numbered(Path(args.output_dir)) or (folder / "results.json").exists()) and not recipe.run.overwrite:
        raise RecipeError(
            f"{folder} already holds a run; choose another --output_dir, go on with --resume_from_checkpoint last, "
            "or start again with --overwrite true"
        )
    return None


def _check_same(recipe: Recipe, earlier: Path) -> None:
    """Refuses to go on with other clips, features or another network than the run began with."""
    if not earlier.is_file():
        return
    before, now = parse_yaml(earlier.read_text(encoding="utf-8")), recipe.settings()
    fixed = {f.name for group in _FIXED for f in dataclasses.fields(group)}
    fixed -= {"num_proc", "feature_device", "feature_batch_size", "data_root", "data_dirs", "dataset"}
    changed = [key for key in sorted(fixed) if before.get(key) != now.get(key)]
    if changed:
        key = changed[0]
        raise RecipeError(
            f"{earlier.parent} was begun with {key}: {before.get(key)}, and {key} is now {now.get(key)}; "
            "resume with the recipe it was begun with, or choose another --output_dir"
        )


def _check(recipe: Recipe) -> None:
    """Refuses values that would fail in the middle of a run; a loss that decides is better where it is lower."""
    args = recipe.training
    for name in _POSITIVE:
        if not getattr(args, name) > 0:
            raise RecipeError(f"{name} is {getattr(args, name)}; expected more than 0")
    check_trackers(recipe)
    _check_balance(recipe)
    check_optimiser(recipe)
    check_loss(recipe.loss, recipe.given)
    check_transformer(recipe)
    check_targets(recipe)
    check_strengths(recipe.augment)
    check_sizes(recipe.augment.progressive_resize)
    WaveformChain.parse(recipe.augment.waveform_augment)
    WaveformChain.parse_copies(recipe.data.copies)
    check_bounds({key: value for group in recipe.groups for key, value in vars(group).items()})
    if recipe.model.model != TRANSFORMER:
        check_settings(pairs(recipe.model.model_settings))
    metric = str(args.metric_for_best_model or "loss").removeprefix("eval_")
    known = (*METRICS, "loss", *(["ccc"] if recipe.loss.targets else []))
    if recipe.loss.targets and recipe.loss.target_weight == 1 and "metric_for_best_model" not in recipe.given:
        args.metric_for_best_model = metric = "ccc"
    if metric not in known:
        raise RecipeError(unknown("metric_for_best_model", metric, known))
    if metric == "loss" and "greater_is_better" not in recipe.given:
        args.greater_is_better = False


def _check_balance(recipe: Recipe) -> None:
    method, to = recipe.data.balance, recipe.data.balance_to
    if method not in BALANCE_METHODS:
        raise RecipeError(unknown("balance", method, BALANCE_METHODS))
    if to is not None and method not in ("undersample", "oversample"):
        raise RecipeError(f"balance_to is {to}, and balance is {method}; only undersample and oversample have a number")
    if to is not None and to < 1:
        raise RecipeError(f"balance_to is {to}; expected 1 or more clips per class")
    if method == "oversample" and recipe.augment.waveform_augment:
        raise RecipeError("balance: oversample makes augmented copies once, waveform_augment anew; choose one of them")
    if recipe.data.copies:
        if method == "oversample":
            raise RecipeError("balance: oversample and copies both add copies of training clips; choose one of them")
        if recipe.augment.waveform_augment:
            raise RecipeError("copies are made once, waveform_augment changes clips anew; choose one of them")
    strategy = recipe.training.train_sampling_strategy
    if method == "weighted_sampler" and strategy != "random":
        raise RecipeError(f"balance: weighted_sampler draws by weight, not by train_sampling_strategy: {strategy}")


def history(log: list[dict[str, Any]]) -> list[dict[str, float]]:
    """The trainer's log, one entry per epoch: ``epoch``, ``loss``, ``eval_loss``, ``eval_uar`` and the like."""
    epochs: dict[float, dict[str, float]] = {}
    for entry in log:
        if "train_runtime" not in entry:
            values = {
                k: float(v)
                for k, v in entry.items()
                if k in ("epoch", "loss", "learning_rate") or k.startswith("eval_")
            }
            epochs.setdefault(float(entry["epoch"]), {}).update(values)
    return [epochs[epoch] for epoch in sorted(epochs)]
