"""What the words of a command name: files, folders, patterns, tables and datasets, as one stream of recordings."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ser_hf.base.errors import SerHfError
from ser_hf.base.tables import SUFFIXES as TABLES
from ser_hf.corpora import AUDIO_EXTENSIONS, FILM_EXTENSIONS, audio_files

from .item import Item, Wanted
from .source import Source

_HUB = "hf://"
_PARQUET = ".parquet"
_SAVED = ("state.json", "dataset_dict.json")
_PATTERN = frozenset("*?[")


class Sources:
    """All recordings that some words name, in the order of the words; a file is taken once however often it is named.

    Attributes:
        parts: one for every word.
    """

    def __init__(self, parts: Sequence[Source]) -> None:
        self.parts = tuple(parts)

    def items(self, wanted: Wanted = lambda first, last: True) -> Iterator[Item]:
        """The recordings, found one after the other; the same each time while nothing is changed.

        Args:
            wanted: which positions of the stream will be heard; bytes of others are not read where that saves work.
        """
        named: set[str] = set()
        folders: list[str] = []
        at = 0
        for part in self.parts:
            for item in part.items(at, wanted):
                if part.names_files and len(self.parts) > 1:
                    file = os.path.abspath(item.path)
                    if file in named or file.startswith(tuple(folders)):
                        continue
                    if part.folder is None:  # the files of a folder are known by its name: there may be millions
                        named.add(file)
                yield item
                at += 1
            if part.folder is not None:
                folders.append(os.path.join(os.path.abspath(part.folder), ""))

    def count(self) -> int | None:
        """How many there are, those named twice counted twice; None where nobody can say before the end."""
        counts = [part.count() for part in self.parts]
        return None if None in counts else sum(filter(None, counts))


def sources_of(words: Sequence[str | Path]) -> Sources:
    """Finds out what words mean; nothing is read yet.

    Args:
        words: audio files; folders, below which every audio file is taken; patterns (``calls/*.wav``, ``**`` for any
            depth); tables ``.csv``, ``.tsv``, ``.jsonl``, ``.xlsx`` with a column of paths, and perhaps ``start`` and
            ``end``; Parquet files with a column of recordings or paths, or folders of them; a folder of
            ``save_to_disk``; ``hf://USER/NAME[:CONFIG]``.

    Raises:
        SerHfError: a word names nothing.
    """
    return Sources([_source(os.fspath(word)) for word in words])


def is_source(word: str) -> bool:
    """Whether a word can only mean recordings, and no checkpoint.

    >>> is_source("calls.csv"), is_source("calls/*.wav"), is_source("hf://somebody/calls"), is_source("somebody/model")
    (True, True, True, False)
    """
    suffix = os.path.splitext(word)[1].lower()
    if os.path.isdir(word):
        return holds_recordings(word)
    known = suffix in AUDIO_EXTENSIONS | FILM_EXTENSIONS or suffix in TABLES or suffix == _PARQUET
    return known or word.startswith(_HUB) or (_is_pattern(word) and not os.path.exists(word))


def holds_recordings(folder: str) -> bool:
    """Whether a folder is one of recordings, and no run: no weights lie in it, and somewhere below audio or data."""
    if any(name == "config.json" or name.endswith((".safetensors", ".skops")) for name in os.listdir(folder)):
        return False
    return _is_saved(folder) or any(True for _ in audio_files(Path(folder), AUDIO_EXTENSIONS | {_PARQUET}))


def _source(word: str) -> Source:
    from .files import Files, Folder, Pattern

    suffix = os.path.splitext(word)[1].lower()
    if word.startswith(_HUB):
        return _streamed(word)
    if os.path.isdir(word):
        if _is_saved(word):
            return _streamed(word)
        if any(True for _ in audio_files(Path(word))):
            return Folder(word)
        if shards := [*audio_files(Path(word), frozenset({_PARQUET}))]:
            return _parquet(word, shards)
        raise SerHfError(f"{word} holds no recording: no audio file, no Parquet file and no dataset lies in it")
    if _is_pattern(word) and not os.path.exists(word):
        return Pattern(word)
    if suffix in TABLES or suffix == _PARQUET:
        if not os.path.exists(word):
            raise SerHfError(f"no table {word}; check the path")
        if suffix == _PARQUET:
            return _parquet(word, [Path(word)])
        from .tables import Table

        return Table(word)
    if not os.path.exists(word) and suffix not in AUDIO_EXTENSIONS | FILM_EXTENSIONS:
        raise SerHfError(f"{word} is no file, folder, pattern or table here; a dataset of the Hub is hf://USER/NAME")
    return Files([word])


def _parquet(word: str, shards: Sequence[Path]) -> Source:
    from .parquet import Parquet

    return Parquet(word, shards)


def _streamed(word: str) -> Source:
    from .streamed import Streamed

    return Streamed(word)


def _is_saved(folder: str) -> bool:
    return any(os.path.isfile(os.path.join(folder, name)) for name in _SAVED)


def _is_pattern(word: str) -> bool:
    return bool(_PATTERN & set(word))
