"""Strangers' words as text: what would steer a terminal, turn a line around or break it is shown by its code."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

_STEERS = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters, with which a terminal is cleared, given links, or told to speak
    "\u2028\u2029"  # ends of lines and of paragraphs
    "\u061c\u202a-\u202e\u2066-\u2069"  # overrides of the direction of writing; joiners, which languages need, are none
    "\ud800-\udfff"  # halves of surrogates: bytes of file names that are no UTF-8, which no encoding takes
    "\U000e0000-\U000e007f]"  # letters that nobody sees
)
_KEPT = "\n\t"


def plain(text: str) -> str:
    r"""A text of any number of lines, with ``\\x1b`` for what steers, and so on.

    >>> plain("a\x1b[2Jb\u202e\udc80\n")
    'a\\x1b[2Jb\\u202e\\udc80\n'
    """
    return _STEERS.sub(lambda found: found[0] if found[0] in _KEPT else _code(found[0]), text)


def one_line(text: str) -> str:
    r"""As `plain`, and in one line.

    >>> one_line("calls\n7.wav")
    'calls\\n7.wav'
    """
    return _STEERS.sub(lambda found: _code(found[0]), text)


def plain_json(value: object, **options: Any) -> str:
    r"""JSON with every letter as it is, and what steers in its strings by JSON's own codes.

    Args:
        value: what `json.dumps` takes.
        options: of `json.dumps`.

    >>> plain_json({"é": "\x9b"})
    '{"é": "\\u009b"}'
    """
    text = json.dumps(value, ensure_ascii=False, **options)
    return _STEERS.sub(lambda found: found[0] if found[0] in _KEPT else json.dumps(found[0])[1:-1], text)


class PlainFormatter(logging.Formatter):
    """What is logged, as text: a name in it moves no cursor."""

    def format(self, record: logging.LogRecord) -> str:
        """As `logging.Formatter`."""
        return plain(super().format(record))


def _code(character: str) -> str:
    return ascii(character)[1:-1]
