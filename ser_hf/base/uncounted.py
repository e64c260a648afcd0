"""The keys of a run that change none of its numbers: how many processes prepared it, and where it is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNCOUNTED = frozenset(
    {
        *("num_proc", "dataloader_pin_memory"),
        *("report_to", "run_name", "project", "trackio_space_id", "trackio_bucket_id", "trackio_static_space_id"),
        *("logging_strategy", "logging_first_step", "logging_nan_inf_filter", "log_level", "log_level_replica"),
        *("log_on_each_node", "disable_tqdm", "skip_memory_metrics"),
        *("hub_strategy", "hub_always_push", "hub_revision"),
    }
)


def counted(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that may change a number: two runs that agree in these did the same.

    ``logging_steps`` counts only where it says when the validation is scored.

    >>> counted({"seed": 1, "report_to": ["trackio"], "logging_steps": 5})
    {'seed': 1}
    """
    found = {key: value for key, value in arguments.items() if key not in UNCOUNTED}
    if found.get("eval_strategy") != "steps" or "eval_steps" in found:
        found.pop("logging_steps", None)
    return found
