"""transformers' training arguments with the defaults of speech emotion recognition."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import TrainingArguments


@dataclass
class SerTrainingArguments(TrainingArguments):
    """`transformers.TrainingArguments`; only defaults differ.

    One evaluation on the validation split per epoch; the checkpoint with the best validation UAR is kept. The test
    split is not known to the trainer.

    Attributes:
        parameters: what trackers are told; empty for every argument.
        clips_together: clips of all processes in one batch, where a resumed run goes on with the number it began with;
            0 for ``per_device_train_batch_size`` in each process.
        resumed_step: clips of a step of the run that is resumed; 0 where nothing says how many.
    """

    per_device_train_batch_size: int = field(default=32, metadata={"help": "clips per step and process"})
    per_device_eval_batch_size: int = field(default=64, metadata={"help": "clips per evaluation step and process"})
    learning_rate: float = field(default=1e-3, metadata={"help": "peak learning rate"})
    lr_scheduler_type: str = field(default="cosine", metadata={"help": "learning-rate schedule"})
    warmup_steps: float = field(default=0.1, metadata={"help": "steps of warm-up; below 1 the share of all steps"})
    weight_decay: float = field(default=0.01, metadata={"help": "decoupled weight decay"})
    num_train_epochs: float = field(default=40.0, metadata={"help": "epochs"})
    eval_strategy: str = field(default="epoch", metadata={"help": "when the validation split is scored"})
    save_strategy: str = field(default="epoch", metadata={"help": "when a checkpoint is written"})
    logging_strategy: str = field(default="epoch", metadata={"help": "when the loss is logged"})
    save_total_limit: int | None = field(default=2, metadata={"help": "checkpoints kept: the best and the last"})
    load_best_model_at_end: bool = field(default=True, metadata={"help": "end with the best checkpoint"})
    metric_for_best_model: str | None = field(default="uar", metadata={"help": "validation metric that decides"})
    greater_is_better: bool | None = field(default=True, metadata={"help": "whether higher is better"})
    restore_callback_states_from_checkpoint: bool = field(
        default=True, metadata={"help": "a resumed run goes on counting epochs without a better score (patience)"}
    )
    remove_unused_columns: bool = field(default=False, metadata={"help": "the collator needs all it gets"})
    report_to: list[str] = field(  # one word or several, which the type it had does not parse
        default_factory=lambda: ["none"], metadata={"help": "trackers: tensorboard, trackio, wandb and others, or none"}
    )
    project: str = field(default="ser_hf", metadata={"help": "project of the run in trackio and Weights & Biases"})
    label_names: list[str] | None = field(default_factory=lambda: ["labels"], metadata={"help": "label inputs"})
    parameters: dict[str, Any] = field(init=False, repr=False, default_factory=dict)
    clips_together: int = field(init=False, repr=False, default=0)
    resumed_step: int = field(init=False, repr=False, default=0)

    def __post_init__(self) -> None:
        """Stays on the CPU where there is nothing else, so that several processes on it find each other."""
        self.use_cpu = self.use_cpu or not torch.accelerator.is_available()
        super().__post_init__()  # type: ignore[no-untyped-call]

    def to_dict(self) -> dict[str, Any]:
        """What trackers are told: ``parameters``, else every argument."""
        return dict(self.parameters) or super().to_dict()  # type: ignore[no-untyped-call]
