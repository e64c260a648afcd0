"""Recipe, model and rows -> a stock `transformers.Trainer`."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from transformers import EarlyStoppingCallback, EvalPrediction, PreTrainedModel, Trainer, TrainerCallback
from transformers.trainer_utils import get_last_checkpoint

from ser_hf.errors import RecipeError, unknown
from ser_hf.evaluation import METRICS, scores
from ser_hf.features import FeatureRows
from ser_hf.models import SerFeatureExtractor

from ._yaml import parse_yaml
from .arguments import DataArguments, FeatureArguments, ModelArguments
from .collator import SerCollator
from .precision import use_bf16
from .recipe import Recipe

CHECKPOINTS = "checkpoints"
RECIPE = "recipe.yaml"
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
    extractor: SerFeatureExtractor,
    train: FeatureRows,
    validation: FeatureRows,
) -> Trainer:
    """Builds the trainer; it sees training and validation rows and never the test.

    Checkpoints go to ``checkpoints/`` in the run folder; the one with the best validation UAR is kept.

    Raises:
        RecipeError: a value out of its range.
    """
    args = copy.copy(recipe.training)
    smoothing, args.label_smoothing_factor = args.label_smoothing_factor, 0.0  # soft labels are made by the collator
    callbacks: list[TrainerCallback] = []
    if recipe.run.patience:
        callbacks.append(EarlyStoppingCallback(early_stopping_patience=recipe.run.patience))
    collator = SerCollator(
        int(model.config.num_labels or 0), recipe.augment, smoothing, seed=args.seed + args.process_index
    )
    return Trainer(
        model=model,
        args=args,
        train_dataset=train,
        eval_dataset=validation,
        data_collator=collator,
        processing_class=extractor,
        compute_metrics=validation_scores,
        callbacks=callbacks,
    )


def configure(recipe: Recipe) -> str | None:
    """Settles what depends on the machine and the run folder; returns the checkpoint to go on from, if any.

    Raises:
        RecipeError: a value out of its range, the run folder holds a run and neither resuming nor overwriting was asked
            for, there is nothing to resume, or what would be resumed had other data, features or another model.
    """
    args, folder = recipe.training, recipe.folder
    _check(recipe)
    if "bf16" not in recipe.given and "fp16" not in recipe.given:
        args.bf16 = use_bf16(recipe.run.precision, use_cpu=args.use_cpu)
        args.mixed_precision = "bf16" if args.bf16 else "no"  # what the accelerator is told, settled before this
    args.dataloader_pin_memory = args.dataloader_pin_memory and args.device.type == "cuda"
    args.output_dir = str(folder / CHECKPOINTS)
    there = Path(args.output_dir).is_dir()
    last = get_last_checkpoint(args.output_dir) if there else None  # type: ignore[no-untyped-call]
    if args.resume_from_checkpoint:
        wanted = args.resume_from_checkpoint
        checkpoint = last if wanted.lower() in ("true", "last") else wanted
        if checkpoint is None or not Path(checkpoint).is_dir():
            raise RecipeError(
                f"no checkpoint to resume from in {args.output_dir if checkpoint is None else checkpoint}"
            )
        _check_same(recipe, folder / RECIPE)
        return checkpoint
    if (last or (folder / "results.json").exists()) and not recipe.run.overwrite:
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
    fixed = {f.name for group in (DataArguments, FeatureArguments, ModelArguments) for f in dataclasses.fields(group)}
    fixed -= {"num_proc", "feature_device", "feature_batch_size", "data_root", "data_dirs"}
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
    metric = str(args.metric_for_best_model or "loss").removeprefix("eval_")
    if metric not in (*METRICS, "loss"):
        raise RecipeError(unknown("metric_for_best_model", metric, (*METRICS, "loss")))
    if metric == "loss" and "greater_is_better" not in recipe.given:
        args.greater_is_better = False


def validation_scores(prediction: EvalPrediction) -> dict[str, float]:
    """Accuracy (WA), UAR, macro and weighted F1 of logits ``(N, C)`` against ids ``(N,)``."""
    logits = np.asarray(prediction.predictions)
    return scores(np.asarray(prediction.label_ids), logits.argmax(axis=-1), logits.shape[-1])


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
