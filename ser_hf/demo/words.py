"""What the page says, as HTML; every word from outside is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import jinja2

from ser_hf.inference import ModelFacts

from .hearing import Shown

_LONGEST_NAME = 80


def head(facts: ModelFacts) -> str:
    """Title, what it is, and what it scores."""
    return _template("head.html").render(facts=facts)


def about(facts: ModelFacts) -> str:
    """What the model is for and what not, its score, its licence."""
    return _template("about.html").render(facts=facts)


def answer(shown: Shown | None, error: str | None = None) -> str:
    """The answer in a line, or why there is none."""
    return _template("answer.html").render(shown=shown, error=error)


def segments(shown: Shown) -> str:
    """The segments of a long recording as a table."""
    return _template("segments.html").render(segments=shown.segments)


def file_name(given: str | None) -> str:
    r"""A file name from outside, for one line.

    >>> file_name("../a\n.wav")
    'a?.wav'
    """
    last = (given or "").replace("\\", "/").rpartition("/")[2][:_LONGEST_NAME]
    return "".join(c if c.isprintable() else "?" for c in last).strip() or "the recording"


def score(told: Mapping[str, Any]) -> str:
    """A score in words.

    >>> told = {"uar": 0.572, "interval": [0.522, 0.624], "clips": 1440, "speakers": 24, "chance": 0.125}
    >>> score({**told, "interval_over": "speakers", "new_voices": True})
    'UAR 57 % (95 %: 52 to 62) on 1,440 clips of 24 new voices; guessing gives 12.5 %'
    """
    low, high = told["interval"] or (told["uar"], told["uar"])
    voices = "new voices" if told["new_voices"] else "voices it was trained on"
    return (
        f"UAR {100 * told['uar']:.0f} % (95 %: {100 * low:.0f} to {100 * high:.0f}) on {told['clips']:,} clips of "
        f"{told['speakers']} {voices}; guessing gives {100 * told['chance']:.1f} %"
    )


@cache
def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ser_hf.demo"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"score": score, "clock": _clock}
    return environment.get_template(name)


def _clock(seconds: float) -> str:
    tenths = round(10 * seconds)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"
