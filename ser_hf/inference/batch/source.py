"""What one word of a command names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from .item import Item, Wanted


class Source(ABC):
    """Recordings in an order that stays the same while nothing is changed.

    Attributes:
        word: as it was written.
        names_files: whether items are whole files, of which none is to be heard twice; rows of tables are all heard.
        folder: the folder all files lie below, where the source is all of it.
    """

    names_files = False
    folder: str | None = None

    def __init__(self, word: str) -> None:
        self.word = word

    @abstractmethod
    def items(self, at: int, wanted: Wanted) -> Iterator[Item]:
        """The recordings.

        Args:
            at: position of the first one in the whole stream.
            wanted: which positions will be heard; the others need no bytes.
        """

    def count(self) -> int | None:
        """How many there are; None where that is not known before the end."""
        return sum(1 for _ in self.items(0, lambda first, last: False))
