"""What results.json says about the training of a network."""

from __future__ import annotations

from typing import Any

from transformers import Trainer, TrainingArguments

from .trainer import history


def network_facts(trainer: Trainer, seconds: float) -> dict[str, Any]:
    """Epochs, the one that was kept, precision and history of a training that took ``seconds``."""
    state, log = trainer.state, history(trainer.state.log_history)
    best = _saved_epoch(log, state.best_metric, trainer.args)
    precision = trainer.accelerator.mixed_precision
    return {
        "epochs": float(state.epoch or 0.0),
        "best_epoch": best.get("epoch"),
        "best_validation_uar": best.get("eval_uar"),
        "seconds": round(seconds, 1),
        "device": trainer.args.device.type,
        "precision": {"no": "fp32"}.get(precision, precision),
        "history": log,
    }


def _saved_epoch(log: list[dict[str, float]], best: float | None, args: TrainingArguments) -> dict[str, float]:
    """The entry of the history whose checkpoint was kept as the best; empty where the last one was kept."""
    metric = f"eval_{str(args.metric_for_best_model).removeprefix('eval_')}"
    kept = args.load_best_model_at_end and best is not None
    return next((entry for entry in log if kept and entry.get(metric) == best), {})
