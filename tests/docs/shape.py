"""Whether what a command printed has the shape of what a document shows.

Lines are compared in order, after figures, names of emotions, rules of dashes and padding are taken out; a line ``...``
stands for any number of lines, ``...`` in a line for any words.
"""

import re
from collections.abc import Sequence

LABELS = (
    *("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"),
    *("Freude", "Wut", "Trauer", "Angst", "Ekel", "Ruhe", "Staunen", "no speech", "unsure"),
)
_LABEL = re.compile(rf"\b({'|'.join(LABELS)})\b")
_FIGURE = re.compile(r"(?<![A-Za-z_\d])\d[\d,]*(?:\.\d+)?")
_PLURALS = re.compile(r"(# (?:clip|recording|speaker|error|warning|test clip))s?\b")


def shape(line: str) -> str:
    """A line without what differs from run to run.

    >>> shape("ravdess    144  82.6 %  76.4 % - 88.2 %")
    'ravdess # # % # % - # %'
    >>> shape("call.wav: unsure 0.260 in 95.0 s (unsure 35 %, calm 26 % of the time)")
    'call.wav: LABEL # in # s (LABEL # % of the time)'
    """
    line = _FIGURE.sub("#", _LABEL.sub("LABEL", line))
    line = re.sub(r"(LABEL # %)(?:, LABEL # %)+", r"\1", line)
    line = re.sub(r"(^|(?<=[|:( ]))[-+]#", r"\1#", line)
    line = re.sub(r"-{3,}:?", "---", line)
    return _PLURALS.sub(r"\1", " ".join(line.split()))


def difference(shown: Sequence[str], printed: Sequence[str]) -> str:
    """Says where what was printed is not of the shape that is shown; ``""`` if it is.

    >>> difference(["a 1", "...", "z 2"], ["a 3", "b", "c", "z 9"])
    ''
    >>> difference(["a 1", "z 2"], ["a 3", "b", "z 9"])
    "shown: 'z #'\\nprinted: 'b'"
    """
    wanted, found = _lines(shown), _lines(printed)
    reached = {0}
    for number, line in enumerate(wanted):
        if line == "...":
            reached = set(range(min(reached), len(found) + 1))
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in line.split("...")))
        ahead = {at + 1 for at in reached if at < len(found) and pattern.fullmatch(found[at])}
        if not ahead:
            near = found[min(reached)] if min(reached) < len(found) else "nothing more"
            elided = number > 0 and wanted[number - 1] == "..."
            return f"shown: {line!r}\nprinted: {'no such line' if elided else repr(near)}"
        reached = ahead
    return "" if len(found) in reached else f"shown: nothing more\nprinted: {found[max(reached)]!r}"


def _lines(lines: Sequence[str]) -> list[str]:
    """The shapes, without empty lines: how many there are is no promise."""
    return [line for line in (shape(line) for line in lines) if line]
