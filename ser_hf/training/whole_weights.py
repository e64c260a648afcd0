"""The weights of a trained model in one piece."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from transformers import PreTrainedModel, Trainer


def with_whole_weights(
    trainer: Trainer, model: PreTrainedModel, make: Callable[[], PreTrainedModel]
) -> PreTrainedModel:
    """The trained model, whole in the main process.

    Under FSDP and DeepSpeed's ZeRO 3 every process holds a part of the weights, and no process alone can compute with
    them. There the main process gets a new model with all of them, and the others the one they had.

    Args:
        trainer: after training; every process must call.
        model: what was trained.
        make: makes the model anew.
    """
    if not _parted(trainer):
        return model
    state: dict[str, Any] = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    if not trainer.accelerator.is_main_process:
        return model
    whole = make()
    whole.load_state_dict(state)
    return whole


def _parted(trainer: Trainer) -> bool:
    if trainer.is_fsdp_enabled:
        return True
    plugin = trainer.accelerator.state.deepspeed_plugin if trainer.is_deepspeed_enabled else None
    return plugin is not None and plugin.zero_stage == 3
