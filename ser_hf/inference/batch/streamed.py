"""Recordings by the rows of a dataset: of the Hub as they arrive, or of ``save_to_disk``."""

from __future__ import annotations

from collections.abc import Iterator

from ser_hf.base.errors import CorpusError
from ser_hf.base.tables import column_name
from ser_hf.corpora import Reading, part_of

from .item import Item, Wanted
from .source import Source


class Streamed(Source):
    """The rows of every split of a dataset, all of them heard; see `ser_hf.data.streaming.stream`."""

    def items(self, at: int, wanted: Wanted) -> Iterator[Item]:
        """See `Source.items`.

        Raises:
            CorpusError: it cannot be loaded or read on, or has no column with recordings.
        """
        from ser_hf.data.streaming import stream

        for row in stream(self.word, lambda number: wanted(at + number, at + number + 1)):
            item = Item(row.id, row.path, data=row.data, error=row.error)
            try:
                said = {column_name(name): value for name, value in row.said.items()}
                start, end = part_of(said, Reading(), row.id)
            except CorpusError as error:
                yield item._replace(data=None, error=str(error))
                continue
            yield item._replace(start=start, end=end)

    def count(self) -> int | None:
        """The rows, where the dataset says how many it has."""
        from ser_hf.data.streaming import count

        return count(self.word)
