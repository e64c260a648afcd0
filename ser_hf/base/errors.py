"""The errors ser_hf raises on purpose: one clear message each, shown by the command line without a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from .plain import plain

_MOST_NAMES = 30


class SerHfError(ValueError):
    """Something the user can mend: the message says what was found, what was expected and what to do.

    The message is text wherever it is shown: names in it that would steer a terminal are told by their codes.
    """

    def __str__(self) -> str:
        return plain(super().__str__())


class CorpusError(SerHfError):
    """A corpus folder, a file name in it or its record is not what it should be."""


class AudioError(SerHfError):
    """A file is not readable audio; the message names the file and the reason."""


class TooLongError(AudioError):
    """A recording is longer than was allowed.

    Attributes:
        seconds: how long it is, or more than which it is.
        limit: seconds.
    """

    def __init__(self, message: str, seconds: float, limit: float) -> None:
        super().__init__(message)
        self.seconds, self.limit = seconds, limit


class SplitError(SerHfError):
    """A split cannot be made as asked, or is not what it claims to be."""


class RecipeError(SerHfError):
    """A recipe or a command-line override has an unknown key or a bad value."""


class CheckpointError(SerHfError):
    """A folder or Hub repository does not hold a loadable checkpoint."""


def led_to(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that led to it, the last one first; each once, for a chain may go in a circle.

    >>> first, second = OSError("disk"), RuntimeError("writing")
    >>> second.__cause__, first.__context__ = first, second
    >>> [*led_to(second)]
    [RuntimeError('writing'), OSError('disk')]
    """
    seen: list[BaseException] = []
    while error is not None and not any(error is one for one in seen):
        seen.append(error)
        yield error
        error = error.__cause__ or error.__context__


class DivergedError(SerHfError):
    """A training's numbers are no numbers any more (NaN or infinity): to go on would be in vain."""


class NotFiniteError(SerHfError):
    """A model gave NaN or infinity for an input.

    Attributes:
        number: of the first such input among those that were asked for, from 0.
    """

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.number = number


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Words the message for a name nobody knows, with the nearest known names.

    >>> unknown("corpus", "ravdes", ["ravdess", "savee"])
    "unknown corpus 'ravdes'; did you mean 'ravdess'? Known: ravdess, savee"
    """
    names = list(known)
    spelt = {known_name.lower(): known_name for known_name in names}
    near = [spelt[low] for low in difflib.get_close_matches(name.lower(), spelt, n=2, cutoff=0.6)]
    hint = f"; did you mean {' or '.join(repr(n) for n in near)}?" if near else "."
    shown = f" Known: {', '.join(names)}" if len(names) <= _MOST_NAMES or not near else ""
    return f"unknown {kind} {name!r}{hint}{shown}"
