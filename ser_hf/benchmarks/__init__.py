"""This package against its rivals, measured in turn in one run; and what its models cost."""

from __future__ import annotations

from collections.abc import Callable

from ._measure import Result, Settings, Subject, measure
from .build import bench_build
from .features import bench_features
from .inference import bench_inference
from .map_step import bench_map
from .model_table import models_table, shipped_models
from .models import ModelTable, bench_models
from .table import to_table
from .train import bench_train
from .whisper import bench_whisper

__all__ = [
    "TASKS",
    "ModelTable",
    "Result",
    "Settings",
    "Subject",
    "measure",
    "models_table",
    "shipped_models",
    "to_table",
]

TASKS: dict[str, Callable[[Settings], Result | ModelTable]] = {
    "features": bench_features,
    "map": bench_map,
    "build": bench_build,
    "train": bench_train,
    "inference": bench_inference,
    "models": bench_models,
    "whisper": bench_whisper,
}
"""What can be measured."""
