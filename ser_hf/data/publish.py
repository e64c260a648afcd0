"""A split as Parquet shards that ``load_dataset`` reads without a script."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets.info import DatasetInfosDict
from huggingface_hub import DatasetCardData

from ser_hf.audio import cut, named_part
from ser_hf.base.errors import SerHfError
from ser_hf.records import AUDIO, CLIP_ID, CORPUS

from ._shards import Shards

_HELD_BYTES = 64 << 20
"""Of rows that wait for their row group to be full, in all files together."""


def write_parquet(parts: datasets.DatasetDict, folder: Path) -> list[dict[str, Any]]:
    """Writes ``data/<corpus>/<split>-<i>-of-<n>-<digest>.parquet`` below ``folder``, in one pass over the rows.

    The audio column becomes ``datasets.Audio(decode=False)``: bytes and path as before, and the Hub's viewer plays it.

    ``load_dataset`` caches a folder by its own name and the patterns of its files, whatever is in them. The digest of
    the rows stands in the patterns, so that a dataset built again, or another in a folder of that name, is read anew.

    Returns:
        The configs of the dataset card, one per corpus and ``combined`` over all: ``config_name``, ``data_files``.
    """
    features = _features(parts)
    shards: dict[tuple[str, str], Shards] = {}
    for split, corpus, rows in _batches(parts):
        if (corpus, split) not in shards:
            shards[corpus, split] = Shards(folder / "data" / corpus, split, features)
        shards[corpus, split].add(_embedded(rows))
        if sum(one.held for one in shards.values()) > _HELD_BYTES:
            max(shards.values(), key=lambda one: one.held).write()
    digest = hashlib.sha256(repr(features).encode())
    for key in sorted(shards):
        digest.update(f"{key} {shards[key].close()}".encode())
    name = digest.hexdigest()[:8]
    for one in shards.values():
        one.name(name)
    found = {corpus: [split for split in parts if (corpus, split) in shards] for corpus, _ in sorted(shards)}
    configs = [_config(corpus, corpus, splits, name) for corpus, splits in found.items()]
    return [*configs, {**_config("combined", "*", list(parts), name), "default": True}]


def card_features(parts: datasets.DatasetDict) -> list[dict[str, Any]]:
    """The columns of what `write_parquet` writes, as ``dataset_info`` of a dataset card has them."""
    card = DatasetCardData()
    DatasetInfosDict({"": datasets.DatasetInfo(features=_features(parts))}).to_dataset_card_data(card)
    features: list[dict[str, Any]] = card["dataset_info"]["features"]
    return features


def _features(parts: datasets.DatasetDict) -> datasets.Features:
    features = datasets.Features(next(iter(parts.values())).features)
    if AUDIO in features:
        features[AUDIO] = datasets.Audio(decode=False)
    return features


def _embedded(rows: pa.Table) -> pa.Table:
    """The rows, with the parts of files, which only named them so far, cut out of these."""
    if AUDIO not in rows.column_names:
        return rows
    audio = rows[AUDIO].to_pylist() if pc.struct_field(rows[AUDIO], "bytes").null_count else []
    if not audio:
        return rows
    clips = [_cut_out(clip) if clip["bytes"] is None else clip for clip in audio]
    column = rows.schema.get_field_index(AUDIO)
    return rows.set_column(column, rows.schema.field(AUDIO), pa.array(clips, rows.schema.field(AUDIO).type))


def _cut_out(clip: dict[str, Any]) -> dict[str, Any]:
    part = named_part(clip["path"])
    if part is None:
        raise SerHfError(f"{clip['path']} is not part of a file that is there; build the dataset again")
    path, start, end = part
    data = cut(path, start, end, clip["path"])
    until = "" if end is None else f"-{end:g}"
    return {"bytes": data, "path": f"{Path(path).stem}_{start:g}{until}.{'flac' if data[:4] == b'fLaC' else 'wav'}"}


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


def _batches(parts: datasets.DatasetDict) -> Iterator[tuple[str, str, pa.Table]]:
    """Every row once, with its split and corpus; the rows of a split in their order."""
    names = list(parts)
    for splits, rows in _numbered(list(parts.values())):
        for corpus in pc.unique(rows[CORPUS]).to_pylist():
            own = pc.equal(rows[CORPUS], corpus).to_numpy()
            for number in np.unique(splits[own & (splits >= 0)]):
                yield names[number], corpus, rows.filter(pa.array(own & (splits == number)))


def _numbered(parts: Sequence[datasets.Dataset]) -> Iterator[tuple[np.ndarray, pa.Table]]:
    """Batches of rows with the number of every row's split, or -1.

    The splits of one dataset are read together, in one pass over its cached files: ``datasets`` maps them into memory,
    and a page that was touched counts as this process' own; what is read from a plain file does not.
    """
    home = _home(parts)
    if home is None:
        for number, part in enumerate(parts):
            for rows in part.with_format("arrow").iter(100):
                yield np.full(len(rows), number), rows
        return
    start = 0
    for entry in parts[0].cache_files:
        with pa.OSFile(entry["filename"]) as file, pa.ipc.open_stream(file) as reader:
            for batch in reader:
                yield home[start : start + len(batch)], pa.Table.from_batches([batch])
                start += len(batch)


def _home(parts: Sequence[datasets.Dataset]) -> np.ndarray | None:
    """The number of the split each row of the common cached files is in, or -1.

    None where the splits are not made of the same files, or are not just rows of them in their order.
    """
    files, features = parts[0].cache_files, parts[0].features
    if any(part.cache_files != files or part.features != features for part in parts):
        return None
    clips: list[str] = []
    schema = features.arrow_schema
    for entry in files:
        with pa.memory_map(entry["filename"]) as file, pa.ipc.open_stream(file) as reader:
            if reader.schema != schema:
                return None
            clips += reader.read_all()[CLIP_ID].to_pylist()
    place = {clip: row for row, clip in enumerate(clips)}
    home = np.full(len(clips), -1)
    for number, part in enumerate(parts):
        rows = np.array([place.get(clip, -1) for clip in part[CLIP_ID][:]], dtype=int)
        if len(place) < len(clips) or (np.diff(rows, prepend=-1) <= 0).any() or (home[rows] >= 0).any():
            return None
        home[rows] = number
    return home


def _config(name: str, folder: str, splits: list[str], digest: str) -> dict[str, Any]:
    files = [{"split": split, "path": f"data/{folder}/{split}-*-{digest}.parquet"} for split in splits]
    return {"config_name": name, "data_files": files}
