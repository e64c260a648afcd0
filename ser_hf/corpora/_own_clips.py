"""The clips of a corpus of one's own: sub-folders that are labels, or a table of files and of parts of files."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ser_hf.base.errors import CorpusError
from ser_hf.base.plain import one_line
from ser_hf.base.tables import SUFFIXES, TableError, read_table
from ser_hf.labels import emotion_of
from ser_hf.records import Clip

from ._corpus import Refuse
from ._listed import TableFiles
from ._reading import PARTITIONS, Reading, cell, fields_of
from ._segments import apart
from ._walk import audio_files

logger = logging.getLogger(__name__)


def find(root: Path, refuse: Refuse, *, name: str, reading: Reading) -> Iterator[Clip]:
    """The clips of a folder or a table, sorted by path and time; those of which too little is known are refused.

    A folder whose sub-folders are all called ``train``, ``validation``, ``test`` or the like holds a split of its own:
    each of them is read as a folder, and its clips are of that partition.

    Raises:
        CorpusError: a table without path and label, a row whose file is missing.
    """
    clips: list[Clip] = []
    for part, partition in _parts(root):
        table = part if part.is_file() else next((t for e in SUFFIXES if (t := part / f"metadata{e}").is_file()), None)
        if table is not None and table.suffix.lower() not in SUFFIXES:
            raise CorpusError(f"{table}: expected a folder or a table ending in {', '.join(SUFFIXES)}")
        found = (
            _Table(table, name, reading).clips(refuse)
            if table is not None
            else _from_folders(part, refuse, name, reading)
        )
        clips += (replace(clip, partition=partition) if partition else clip for clip in found)
    clips = _named(clips, name, root if root.is_dir() else root.parent)
    clips.sort(key=lambda clip: (clip.path, clip.start or 0.0))
    yield from apart(clips, refuse)


def _named(clips: list[Clip], corpus: str, home: Path) -> list[Clip]:
    """The clips with their ids: the file below ``home``, or of files elsewhere below the folder that holds them all.

    So neither two spellings of one path are two clips, nor do the folders of a machine stand in what is published.
    """
    files = {path: os.path.abspath(path) for path in dict.fromkeys(clip.path for clip in clips)}
    inside = os.path.join(os.path.abspath(home), "")
    outside = {os.path.dirname(file) for file in files.values() if not file.startswith(inside)}
    elsewhere = os.path.join(os.path.commonpath(outside), "") if outside else ""
    mark = "../" if outside and len(outside) < len({os.path.dirname(file) for file in files.values()}) else ""

    def name(path: Path) -> str:
        file = files[path]
        below = file.removeprefix(inside) if file.startswith(inside) else mark + file.removeprefix(elsewhere)
        return f"{corpus}/{one_line(below.replace(os.sep, '/'))}"

    names = {path: name(path) for path in files}
    return [replace(clip, clip_id=names[clip.path] + clip.clip_id) for clip in clips]


def _parts(root: Path) -> list[tuple[Path, str | None]]:
    """The folders to read, with the partition of each."""
    if root.is_dir() and not any((root / f"metadata{suffix}").is_file() for suffix in SUFFIXES):
        below = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
        if below and all(path.name.lower() in PARTITIONS for path in below):
            return [(path, PARTITIONS[path.name.lower()]) for path in below]
    return [(root, None)]


def _from_folders(part: Path, refuse: Refuse, name: str, reading: Reading) -> Iterator[Clip]:
    for path in audio_files(part):
        label, *between = path.relative_to(part).parts[:-1] or ("",)
        if not label:
            refuse(path, CorpusError(f"{path}: lies outside a sub-folder; expected {part}/<emotion>/{path.name}"))
            continue
        yield Clip(
            path=path,
            corpus=name,
            native_label=one_line(label),
            emotion=emotion_of(one_line(label), reading.labels),
            speaker=f"{name}_{one_line(between[0])}" if between else None,
            clip_id="",
        )


@dataclass
class _Table:
    """A table while it is read."""

    table: Path
    name: str
    reading: Reading

    def clips(self, refuse: Refuse) -> Iterator[Clip]:
        rows, unnamed, files = 0, 0, TableFiles(self.table)
        try:
            for line, row in read_table(self.table):
                where = f"{self.table}, line {line}"
                if not rows:
                    self._first(row)
                rows += 1
                path = files.find(cell(row, "path", self.reading, where), where)
                try:
                    clip = self._clip(path, row, where)
                except CorpusError as error:
                    refuse(path, error)
                    continue
                unnamed += clip.speaker is None
                yield clip
        except TableError as error:
            raise CorpusError(str(error)) from error
        if 0 < unnamed < rows:
            logger.warning(
                "%s: %d of %d rows say no speaker; protocols that hold out speakers refuse them, so fill them in",
                *(self.table, unnamed, rows),
            )

    def _first(self, row: dict[str, Any]) -> None:
        unused = [name for name in self.reading.check(str(self.table), row) if name]
        if unused:
            logger.warning("%s: columns not used: %s", self.table, ", ".join(unused))

    def _clip(self, path: Path, row: dict[str, Any], where: str) -> Clip:
        label = cell(row, "label", self.reading, where)
        if label is None:
            raise CorpusError(f"{where}: the label is empty; fill it in, or delete the row")
        said = fields_of(row, self.reading, where)
        if said["speaker"] is not None:
            said["speaker"] = f"{self.name}_{said['speaker']}"
        return Clip(
            path=path,
            corpus=self.name,
            native_label=label,
            emotion=emotion_of(label, self.reading.labels),
            clip_id=_mark(said),
            **said,
        )


def _mark(said: dict[str, Any]) -> str:
    """What a clip id ends with, to tell a segment from the others of its file: ``#t=0.5,1.7``."""
    if said["start"] is None:
        return ""
    end = "" if said["end"] is None else f",{said['end']:g}"
    return f"#t={said['start']:g}{end}"
