"""A split as Parquet shards that ``load_dataset`` reads without a script."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import datasets
import numpy as np

from ser_hf.errors import SerHfError

_SHARD_BYTES = 400 << 20


def write_parquet(parts: datasets.DatasetDict, folder: Path) -> list[dict[str, Any]]:
    """Writes ``data/<corpus>/<split>-<i>-of-<n>.parquet`` below ``folder``.

    Returns:
        The configs of the dataset card, one per corpus and ``combined`` over all: ``config_name``, ``data_files``.
    """
    found: dict[str, list[str]] = {}
    for split, rows in parts.items():
        corpora = np.asarray(list(rows["corpus"]))
        for corpus in sorted(set(corpora)):
            own = rows.select(np.flatnonzero(corpora == corpus))
            shards = math.ceil(own.data.nbytes * len(own) / max(len(rows), 1) / _SHARD_BYTES) or 1
            for i in range(shards):
                path = folder / "data" / corpus / f"{split}-{i:05d}-of-{shards:05d}.parquet"
                path.parent.mkdir(parents=True, exist_ok=True)
                own.shard(shards, i, contiguous=True).to_parquet(path)
            found.setdefault(corpus, []).append(split)
    configs = [_config(corpus, corpus, splits) for corpus, splits in sorted(found.items())]
    return [*configs, {**_config("combined", "*", list(parts)), "default": True}]


def load_built(folder: str | Path, config: str | None = None) -> datasets.DatasetDict:
    """Loads a dataset folder.

    Raises:
        SerHfError: it cannot be loaded, or has no such configuration.
    """
    try:
        return datasets.load_dataset(str(folder), config)
    except (ValueError, FileNotFoundError, datasets.exceptions.DatasetGenerationError) as error:
        raise SerHfError(f"{folder} cannot be loaded as a dataset: {error}") from error


def _config(name: str, folder: str, splits: list[str]) -> dict[str, Any]:
    files = [{"split": split, "path": f"data/{folder}/{split}-*.parquet"} for split in splits]
    return {"config_name": name, "data_files": files}
