"""From the name of a recording in a user's table to its row."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from pathlib import Path, PurePosixPath

from ser_hf.base.errors import CorpusError, SplitError
from ser_hf.corpora import CORPORA

from ._columns import Columns
from ._options import some


class ClipNames:
    """Finds the row of a clip by its id, by its path in whatever layout, or by its file name where that is unique."""

    def __init__(self, columns: Columns) -> None:
        self.rows = {clip: row for row, clip in enumerate(columns.clip_ids)}
        self._parsers = [CORPORA[name].parse for name in columns.corpus_names() if name in CORPORA]

    def row(self, name: str) -> int | None:
        """The row of a clip, or None where there is none of this name.

        Raises:
            SplitError: the name fits several clips.
        """
        if name in self.rows:
            return self.rows[name]
        path = PurePosixPath(name.replace("\\", "/"))
        fitting = self._fitting(path)
        if len(fitting) > 1:
            exact = [clip for clip in fitting if _ends(path, clip)]
            if len(exact) != 1:
                raise SplitError(f"{name!r} fits {len(fitting)} clips ({some(fitting)}); give their clip_id instead")
            fitting = exact
        if fitting:
            return self.rows[fitting[0]]
        return next((self.rows[clip] for clip in self._parsed(path) if clip in self.rows), None)

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        """The last part of an id, with and without an extension -> the clips; made when a name is no id."""
        found = defaultdict(list)
        for clip in self.rows:
            for name in {PurePosixPath(clip).name, PurePosixPath(clip).stem}:
                found[name].append(clip)
        return found

    def _fitting(self, path: PurePosixPath) -> list[str]:
        """Clips whose id without the corpus ends the path, or is ended by it."""
        near = dict.fromkeys((*self._by_name.get(path.name, ()), *self._by_name.get(path.stem, ())))
        tails = {clip: clip.partition("/")[2] or clip for clip in near}
        return [c for c, tail in tails.items() if _ends(path, tail) or f"/{tail}".endswith(_forms(path))]

    def _parsed(self, path: PurePosixPath) -> list[str]:
        """What the corpora themselves read from the name: spellings and flattened layouts are known there."""
        found = []
        for parse in self._parsers:
            try:
                clip = parse(Path(path)) if parse is not None else None
            except CorpusError:
                continue
            if clip is not None:
                found.append(clip.clip_id)
        return found


def _forms(path: PurePosixPath) -> tuple[str, str]:
    """The path with and without its extension, each after a slash."""
    return f"/{path}", f"/{path.with_name(path.stem)}"


def _ends(path: PurePosixPath, clip: str) -> bool:
    return any(form.endswith(f"/{clip}") for form in _forms(path))
