"""Where a segment begins and ends, as tables write it: seconds, ``H:MM:SS.f``, or the time spans of pandas."""

from __future__ import annotations

import re

from ser_hf.base.errors import CorpusError

_SPAN = re.compile(r"(?:(-?\d+) days? ?\+?)?(?:(-?\d+):)?(\d+):(\d+(?:\.\d+)?)")
_DAYS = re.compile(r"(-?\d+) days?")


def seconds(text: str, where: str) -> float:
    """A time in seconds.

    >>> seconds("0 days 00:00:01.700000", "a.csv"), seconds("1:02.5", "a.csv"), seconds("0,5", "a.csv")
    (1.7, 62.5, 0.5)

    Args:
        text: seconds with a point or a comma, ``M:SS``, ``H:MM:SS`` or ``N days HH:MM:SS``.
        where: for the message.

    Raises:
        CorpusError: it is none of them, or negative.
    """
    value = _number(text) if (span := _SPAN.fullmatch(text)) is None else _of_span(span)
    if value is None and (days := _DAYS.fullmatch(text)):
        value = 86400.0 * int(days[1])
    if value is None:
        raise CorpusError(f"{where} is {text!r}; expected seconds, such as 1.5, or a time span, such as 0:00:01.5")
    if not value >= 0:
        raise CorpusError(f"{where} is {text!r}; expected a time of 0 s or later")
    return round(value, 6)


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _of_span(span: re.Match[str]) -> float:
    days, hours, minutes, rest = span.groups()
    negative = -1 if (hours or "").startswith("-") else 1
    return 86400 * int(days or 0) + negative * (3600 * abs(int(hours or 0)) + 60 * int(minutes) + float(rest))
