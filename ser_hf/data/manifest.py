"""The manifest: which recordings a dataset is made of, without the recordings.

A corpus whose licence forbids passing it on is published as its manifest alone. Who has the corpus builds the same
dataset from the own copy; the hashes of the decoded audio say whether it is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ser_hf.audit import audit
from ser_hf.base.errors import SerHfError, SplitError
from ser_hf.protocols import SPLITS, Split, SplitInfo, computed
from ser_hf.records import AUDIO

MANIFEST = "manifest.parquet"
_COLUMNS = ("corpus", "clip_id", "duration", "audio_hash")
_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("split", "corpus", "clip_id")),
        ("duration", pa.float32()),
        ("audio_hash", pa.string()),
    ]
)
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Differences:
    """How rows differ from a manifest.

    Attributes:
        missing: clips of the manifest that are not there.
        changed: clips whose decoded audio is another.
    """

    missing: tuple[str, ...]
    changed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.lines())

    def lines(self) -> list[str]:
        """One line per kind of difference, with examples."""
        kinds = {
            "not in your copy": self.missing,
            "with other audio than the manifest says": self.changed,
        }
        return [f"{len(ids)} clips {kind}: {_some(ids)}" for kind, ids in kinds.items() if ids]


def write_manifest(parts: Mapping[str, datasets.Dataset], path: Path) -> None:
    """Writes split, corpus, clip id, duration and audio hash of every row, as Parquet."""
    with pq.ParquetWriter(path, _SCHEMA) as writer:
        for split, rows in parts.items():
            columns = {name: rows[name][:] for name in _COLUMNS}
            writer.write_table(pa.table({"split": [split] * len(rows), **columns}, schema=_SCHEMA))


def read_manifest(path: str | Path) -> dict[str, tuple[str, str]]:
    """Clip id -> (split, audio hash).

    Args:
        path: the file, or the folder that holds it.

    Raises:
        SerHfError: there is no manifest, or it is not one.
    """
    file = Path(path) / MANIFEST if Path(path).is_dir() else Path(path)
    if not file.is_file():
        raise SerHfError(f"no manifest {file}; expected {MANIFEST}, which `ser-hf build` writes beside the card")
    try:
        table = pq.read_table(file, columns=["clip_id", "split", "audio_hash"])
    except (pa.ArrowException, OSError, ValueError) as error:
        raise SerHfError(f"{file} is not a manifest: {' '.join(str(error).split())}") from error
    if table.num_columns < 3:
        raise SerHfError(f"{file} is not a manifest: expected the columns {', '.join(_SCHEMA.names)}")
    ids, splits, hashes = (table[name].to_pylist() for name in ("clip_id", "split", "audio_hash"))
    return {clip: (split, digest) for clip, split, digest in zip(ids, splits, hashes, strict=True)}


def compare(parts: Mapping[str, datasets.Dataset], manifest: Mapping[str, tuple[str, str]]) -> Differences:
    """How the rows of a dataset differ from a manifest."""
    there = {
        clip: digest
        for rows in parts.values()
        for clip, digest in zip(rows["clip_id"][:], rows["audio_hash"][:], strict=True)
    }
    return Differences(
        missing=tuple(sorted(manifest.keys() - there.keys())),
        changed=tuple(sorted(clip for clip in there.keys() & manifest.keys() if there[clip] != manifest[clip][1])),
    )


def split_by_manifest(
    dataset: datasets.Dataset, manifest: Mapping[str, tuple[str, str]], info: Mapping[str, Any]
) -> tuple[Split, Differences]:
    """Divides rows as a manifest says; rows it does not know are in no split.

    Args:
        dataset: rows of ``load_corpus``.
        manifest: what `read_manifest` gives.
        info: ``split`` of the build.json beside the manifest.

    Raises:
        SplitError: a split would be empty.
    """
    sides = np.asarray([manifest.get(clip, ("", ""))[0] for clip in dataset["clip_id"][:]], dtype=object)
    empty = [name for name in SPLITS if name not in sides]
    if empty:
        raise SplitError(f"your copy has no clip of the manifest's {' and '.join(empty)} ({len(dataset)} clips in all)")
    parts = datasets.DatasetDict({name: dataset.select(np.flatnonzero(sides == name)) for name in SPLITS})
    left_out = int((sides == "").sum())
    told = replace(SplitInfo.from_dict(info), **computed(parts), left_out=left_out)
    found = audit(parts.remove_columns(AUDIO), claims_speaker_independent=told.claims_speaker_independent)
    return Split(parts, told, found), compare(parts, manifest)


def _some(ids: tuple[str, ...]) -> str:
    more = len(ids) - _SHOWN
    return ", ".join(ids[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
