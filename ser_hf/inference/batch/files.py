"""Recordings as files: named one by one, found below a folder, or by a pattern."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ser_hf.base.errors import SerHfError
from ser_hf.corpora import AUDIO_EXTENSIONS, FILM_EXTENSIONS, audio_files

from .item import Item, Wanted, file_item
from .source import Source


class Files(Source):
    """Files by their names; one that is not there is told when it is read."""

    names_files = True

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(paths[0])
        self.paths = paths

    def items(self, at: int, wanted: Wanted) -> Iterator[Item]:
        """See `Source.items`."""
        return map(file_item, self.paths)


class Folder(Source):
    """Every audio file below a folder, sorted within each folder; see `ser_hf.corpora.audio_files`."""

    names_files = True

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.folder = word

    def items(self, at: int, wanted: Wanted) -> Iterator[Item]:
        """See `Source.items`."""
        return (file_item(str(path)) for path in audio_files(Path(self.word)))


class Pattern(Source):
    """The files that a pattern matches, sorted; those whose name says that they are no audio are passed over."""

    names_files = True

    def items(self, at: int, wanted: Wanted) -> Iterator[Item]:
        """See `Source.items`.

        Raises:
            SerHfError: it matches none.
        """
        paths = sorted(
            path
            for path in glob.iglob(self.word, recursive=True)
            if os.path.splitext(path)[1].lower() in AUDIO_EXTENSIONS | FILM_EXTENSIONS and not os.path.isdir(path)
        )
        if not paths:
            raise SerHfError(f"the pattern {self.word} matches no audio file; check it, and put it into quotes")
        return map(file_item, paths)
