"""This package against its rivals, measured in turn in one run; and what its models cost."""

from __future__ import annotations

from collections.abc import Callable

from ._measure import Result, Settings, Subject, measure
from .build import bench_build
from .embed import bench_embed
from .features import bench_features
from .inference import bench_inference
from .map_step import bench_map
from .model_table import models_table, shipped_models
from .models import ModelTable, bench_models
from .predict import bench_predict
from .table import to_table
from .train import bench_train
from .whisper import bench_whisper
from .windows import bench_windows

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
    "predict": bench_predict,
    "embed": bench_embed,
    "windows": bench_windows,
    "models": bench_models,
    "whisper": bench_whisper,
}
"""What can be measured."""
