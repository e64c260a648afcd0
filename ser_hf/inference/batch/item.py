"""A recording to be heard, before it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ser_hf.audio.parts import part_name
from ser_hf.base.errors import AudioError
from ser_hf.corpora import text_of

Wanted = Callable[[int, int], bool]
"""Whether any of the items from one position up to another, which is not counted, will be heard."""


class Item(NamedTuple):
    """A recording, or a part of one.

    Attributes:
        id: what it is known by: the path, the line of a table or the row of a dataset.
        path: the file; empty where there are only bytes.
        start: seconds at which the part begins; None for the whole.
        end: seconds at which it ends; None for the end of the file.
        data: the bytes of the file, where they come with the row.
        error: why it cannot be used, where that is known before it is read.
        file: what is read, where that is another than ``path``, which is as the source has it.
    """

    id: str
    path: str = ""
    start: float | None = None
    end: float | None = None
    data: bytes | None = None
    error: str | None = None
    file: str | None = None

    @property
    def called(self) -> str:
        """How messages name it: its file and part, or its id where the bytes came with a row."""
        file = "" if self.data is not None else self.file or self.path
        return part_name(file, self.start, self.end) if file else self.id

    @property
    def shown(self) -> str:
        """The same as text that can be printed."""
        return text_of(self.called)

    def given(self) -> Any:
        """The recording as `ser_hf.audio.recording` takes it.

        Raises:
            AudioError: it cannot be used, or is a part of bytes.
        """
        if self.error is not None:
            raise AudioError(self.error)
        if self.data is None:
            return self.called
        if self.start is not None:
            raise AudioError(f"{self.called} is a part of what a row holds; give --output to hear it")
        return {"bytes": self.data, "path": self.called}

    @property
    def key(self) -> bytes:
        """What tells it from others, for a digest."""
        return "\0".join((text_of(self.id), text_of(self.path), f"{self.start}", f"{self.end}", "")).encode()


def file_item(path: str) -> Item:
    """The item of a whole file."""
    return Item(text_of(path), path)
