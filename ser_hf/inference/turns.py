"""Who speaks when, as a diarisation says it: the turns of an RTTM file (NIST's Rich Transcription Time Marked)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ser_hf.base.errors import SerHfError

_FIELDS = 8
"""A SPEAKER line has nine or ten; some programs leave out the last two, which say nothing of turns."""
_OTHER = frozenset(
    {"SEGMENT", "NOSCORE", "NO_RT_METADATA", "LEXEME", "NON-LEX", "NON-SPEECH", "FILLER", "EDIT", "SU", "IP", "CB"}
    | {"A/P", "SPKR-INFO"}
)
"""Types of RTTM lines that say nothing of turns."""


class Turn(NamedTuple):
    """A stretch in which one person speaks.

    Attributes:
        start, end: seconds.
        speaker: who.
    """

    start: float
    end: float
    speaker: str


def read_turns(file: str | Path, recording: str | Path | None = None) -> list[Turn]:
    """Reads the turns of a recording from an RTTM file.

    Args:
        file: lines ``SPEAKER name channel start duration <NA> <NA> speaker <NA> <NA>``.
        recording: whose turns are wanted, where the file has those of several: its name without folder and suffix is
            the name in the lines.

    Returns:
        The turns as they stand there, in order of time; they may overlap.

    Raises:
        SerHfError: the file cannot be read, a line is not RTTM, or there is no turn of this recording; the message has
            the number of the line.
    """
    try:
        text = Path(file).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SerHfError(f"{file} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise SerHfError(f"{file} is no RTTM file: it is not UTF-8 text") from error
    found: dict[str, list[Turn]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.lstrip().startswith(";;"):
            name, turn = _turn(line.split(), f"{file}, line {number}")
            if turn is not None:
                found.setdefault(name, []).append(turn)
    if not found:
        raise SerHfError(
            f"{file} has no turns; expected lines such as SPEAKER call 1 0.5 2.25 <NA> <NA> anna <NA> <NA>"
        )
    return sorted(_own(found, file, recording))


def exclusive(turns: Iterable[Turn]) -> list[Turn]:
    """Turns of which no two overlap: where several people speak at once, the one who began last is taken to be heard.

    The one who was interrupted goes on after that, where the turn still lasts. Turns of one speaker that overlap are
    one turn.

    >>> exclusive([Turn(0, 10, "a"), Turn(4, 6, "b")])
    [Turn(start=0, end=4, speaker='a'), Turn(start=4, end=6, speaker='b'), Turn(start=6, end=10, speaker='a')]
    """
    waiting: list[Turn] = []  # those that are on, the last to begin at the end
    result: list[Turn] = []
    now = 0.0

    def speak_until(time: float) -> None:
        nonlocal now
        while waiting and now < time:
            turn = waiting[-1]
            if turn.end > now:
                _append(result, Turn(now, min(turn.end, time), turn.speaker))
            now = max(now, min(turn.end, time))
            if turn.end <= time:
                waiting.pop()

    for turn in _joined(turns):
        speak_until(turn.start)
        now = turn.start
        waiting.append(turn)
    speak_until(math.inf)
    return result


def sample_spans(turns: Iterable[Turn], rate: int) -> list[tuple[int, int, str]]:
    """First sample, the one behind the last, and speaker of each of the turns of `exclusive` that has a sample."""
    found = [(round(turn.start * rate), round(turn.end * rate), turn.speaker) for turn in exclusive(turns)]
    return [one for one in found if one[0] < one[1]]


def _turn(fields: Sequence[str], where: str) -> tuple[str, Turn | None]:
    if fields[0] in _OTHER:
        return "", None
    if fields[0] != "SPEAKER":
        raise SerHfError(f"{where}: {fields[0][:40]!r} is no type of RTTM line; expected SPEAKER")
    if len(fields) < _FIELDS:
        raise SerHfError(
            f"{where}: {len(fields)} fields; expected SPEAKER name channel start duration <NA> <NA> speaker"
        )
    try:
        start, duration = float(fields[3]), float(fields[4])
    except ValueError:
        raise SerHfError(f"{where}: start and duration are {fields[3]!r} and {fields[4]!r}; expected seconds") from None
    if not (0 <= start < math.inf and 0 <= duration < math.inf):
        raise SerHfError(f"{where}: start {start:g} and duration {duration:g} s; expected numbers not below 0")
    return fields[1], Turn(start, start + duration, fields[7]) if duration else None


def _own(found: dict[str, list[Turn]], file: str | Path, recording: str | Path | None) -> list[Turn]:
    if len(found) == 1:
        (turns,) = found.values()
        return turns
    name = "" if recording is None else Path(recording).stem
    if name not in found:
        names = ", ".join(list(found)[:5])
        raise SerHfError(
            f"{file} has turns of {len(found)} recordings ({names}{', ...' if len(found) > 5 else ''}), and none is "
            f"called {name!r}; give the recording one of these names"
        )
    return found[name]


def _joined(turns: Iterable[Turn]) -> list[Turn]:
    """In order of time, with the overlapping turns of one speaker as one."""
    by_speaker: dict[str, list[Turn]] = {}
    for turn in sorted(turns):
        own = by_speaker.setdefault(turn.speaker, [])
        if own and turn.start < own[-1].end:
            own[-1] = own[-1]._replace(end=max(own[-1].end, turn.end))
        else:
            own.append(turn)
    return sorted(turn for own in by_speaker.values() for turn in own)


def _append(result: list[Turn], turn: Turn) -> None:
    if turn.end > turn.start:
        result.append(turn)
