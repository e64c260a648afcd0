"""A split as Parquet shards that ``load_dataset`` reads without a script."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any

import datasets
import numpy as np

from ser_hf.errors import SerHfError
from ser_hf.records import AUDIO

_SHARD_BYTES = 400 << 20


def write_parquet(parts: datasets.DatasetDict, folder: Path) -> list[dict[str, Any]]:
    """Writes ``data/<corpus>/<split>-<i>-of-<n>-<digest>.parquet`` below ``folder``.

    ``load_dataset`` caches a folder by its own name and the patterns of its files, whatever is in them. The digest of
    the rows stands in the patterns, so that a dataset built again, or another in a folder of that name, is read anew.

    Returns:
        The configs of the dataset card, one per corpus and ``combined`` over all: ``config_name``, ``data_files``.
    """
    found: dict[str, list[str]] = {}
    digest = _digest(parts)
    for split, rows in parts.items():
        corpora = np.asarray(rows["corpus"][:])
        for corpus in sorted(set(corpora.tolist())):
            own = rows.select(np.flatnonzero(corpora == corpus))
            shards = math.ceil(own.data.nbytes * len(own) / max(len(rows), 1) / _SHARD_BYTES) or 1
            for i in range(shards):
                path = folder / "data" / corpus / f"{split}-{i:05d}-of-{shards:05d}-{digest}.parquet"
                path.parent.mkdir(parents=True, exist_ok=True)
                own.shard(shards, i, contiguous=True).to_parquet(path)
            found.setdefault(corpus, []).append(split)
    configs = [_config(corpus, corpus, splits, digest) for corpus, splits in sorted(found.items())]
    return [*configs, {**_config("combined", "*", list(parts), digest), "default": True}]


def load_built(folder: str | Path, config: str | None = None) -> datasets.DatasetDict:
    """Loads a dataset folder as it is now, past the cache of ``datasets``, which does not see changes inside its files.

    Raises:
        SerHfError: it cannot be loaded, or has no such configuration.
    """
    try:
        fresh = {"download_mode": "force_redownload", "verification_mode": "no_checks"}
        return datasets.load_dataset(str(folder), config, **fresh)
    except (ValueError, FileNotFoundError, datasets.exceptions.DatasetGenerationError) as error:
        raise SerHfError(f"{folder} cannot be loaded as a dataset: {error}") from error


def _digest(parts: datasets.DatasetDict) -> str:
    """Eight hex digits that change with the rows; the recordings enter by their hash."""
    digest = hashlib.sha256()
    for split, rows in parts.items():
        digest.update(f"{split}: {rows.features}".encode())
        for column in rows.column_names:
            if column != AUDIO:
                digest.update(repr(rows[column][:]).encode())
    return digest.hexdigest()[:8]


def _config(name: str, folder: str, splits: list[str], digest: str) -> dict[str, Any]:
    files = [{"split": split, "path": f"data/{folder}/{split}-*-{digest}.parquet"} for split in splits]
    return {"config_name": name, "data_files": files}
