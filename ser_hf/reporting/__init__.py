"""From results.json and predictions.parquet to plots, an HTML report, cards, and a repository on the Hub."""

from __future__ import annotations

from ._pooling import pooled
from ._results import FACTS, load_build, load_predictions, load_results
from ._templates import markdown
from ._upload import Push
from .dataset_card import render_dataset_card, write_dataset_card
from .hub import push_run
from .hub_dataset import is_dataset, push_dataset
from .model_card import ModelCard, write_model_card
from .plots import write_plots
from .report import surest_errors, write_report
from .robustness import robustness_plot
from .study_page import study_page

__all__ = [
    "FACTS",
    "ModelCard",
    "Push",
    "is_dataset",
    "load_build",
    "load_predictions",
    "load_results",
    "markdown",
    "pooled",
    "push_dataset",
    "push_run",
    "render_dataset_card",
    "robustness_plot",
    "study_page",
    "surest_errors",
    "write_dataset_card",
    "write_model_card",
    "write_plots",
    "write_report",
]
