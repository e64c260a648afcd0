"""Recordings by the rows of a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ser_hf.corpora import listed, text_of

from .item import Item, Wanted
from .source import Source


class Table(Source):
    """The rows of a ``.csv``, ``.tsv``, ``.jsonl`` or ``.xlsx`` file: every one is heard, also a file or part twice.

    The id of a row is what its column ``id`` or ``clip_id`` says, else ``calls.csv#LINE``.
    """

    def items(self, at: int, wanted: Wanted) -> Iterator[Item]:
        """See `Source.items`.

        Raises:
            CorpusError: the table is not readable, or has no column with the path.
        """
        for row in listed(Path(self.word)):
            name = row.name or f"{self.word}#{row.line}"
            yield Item(text_of(name), row.path, row.start, row.end, error=row.error)
