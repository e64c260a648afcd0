"""The score of a run as an entry of a benchmark on the Hub: a file in ``.eval_results/``.

Such a file is read by the leaderboard of a dataset that is registered as a benchmark, whose ``eval.yaml`` names tasks.
It must name no other dataset, and none of the corpora here is known to be registered. So it is written only where
somebody names the benchmark; every score stands in the card's ``model-index`` anyway.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from ser_hf.base.errors import SerHfError

from . import _wording
from ._results import check_results

_BENCHMARK = re.compile(r"[\w.-]+/[\w.-]+:[\w.-]+")


def benchmark_entry(results: Mapping[str, Any], benchmark: str) -> tuple[str, str]:
    """The name of the file and its content: the UAR of the test split, with the split rule as a note.

    Args:
        results: the content of results.json.
        benchmark: ``"user/dataset:task"``.

    Raises:
        SerHfError: ``benchmark`` is no such name, or ``results`` lacks a key.
    """
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    if not _BENCHMARK.fullmatch(benchmark):
        raise SerHfError(f"{benchmark!r} is no benchmark, expected USER/DATASET:TASK with a task of its eval.yaml")
    dataset, _, task = benchmark.partition(":")
    checked = check_results(results)
    split, scheme = checked["split"], checked["data"]["scheme"]
    caveat = [checked["caveat"]] if checked.get("caveat") else []
    synthetic = [_wording.SYNTHETIC] if checked["synthetic"] else []
    entry = EvalResultEntry(
        dataset_id=dataset,
        task_id=task,
        value=round(checked["test"]["metrics"]["uar"]["value"], 4),
        date=checked["created"],
        notes=", ".join(["UAR", scheme, _wording.protocol(split), _wording.sides(split), *synthetic, *caveat]),
    )
    name = f".eval_results/{dataset.replace('/', '--')}--{task}.yaml"
    return name, yaml.safe_dump(eval_result_entries_to_yaml([entry]), sort_keys=False, allow_unicode=True)
