"""The jinja2 environment of the templates beside this file: strict, with the number formats of the reports."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import jinja2

from ser_hf.base.plain import one_line, plain

from . import _wording

_WORDS: tuple[Callable[..., Any], ...] = (
    _wording.percent,
    _wording.interval,
    _wording.number,
    _wording.span,
    _wording.count,
    _wording.speakers,
    _wording.duration,
    _wording.protocol,
    _wording.sides,
    _wording.flat,
    _wording.heard,
)
_NUMBERED = re.compile(r"^(\d{1,9})(?=[.)](?:\s|$))")
_WEB = re.compile(r"https?://[^\s()<>\[\]\\\"'`|\x00-\x1f\x7f]+")
_MARKDOWN = re.compile(
    r"[\\|*`<>\[\]$]|(?<!\w)_|_(?!\w)|~(?=~)|(?<=~)~"  # of CommonMark, its tables and the Hub's formulas
    r"|&(?=#?\w+;)"  # entities
    r"|^(?=(?:#{1,6}|[-+])(?:\s|$)|-{3,}$|=+$)"  # at the start: headings, lists, lines
)


def render(template: str, context: Mapping[str, Any]) -> str:
    """Fills a template of ``ser_hf/reporting/templates``; HTML templates escape every value.

    What steers a terminal or the direction of writing is shown by its code: cards are read in terminals as well.
    """
    return plain(_environment(template.endswith(".html")).get_template(template).render(**context))


@functools.cache
def _environment(autoescape: bool) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ser_hf.reporting"),
        autoescape=autoescape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        {f.__name__: f for f in (*_WORDS, value)} | {"md": markdown, "code": code, "quoted": quoted}
    )
    environment.tests["web"] = _is_web
    return environment


def markdown(text: object) -> str:
    r"""A value as plain Markdown text that fits into a table cell.

    >>> markdown("a|b <c>")
    'a\\|b \\<c\\>'
    """
    escaped = _MARKDOWN.sub(r"\\\g<0>", " ".join(str(text).split()))
    return _NUMBERED.sub(r"\1\\", escaped)


def code(text: object) -> str:
    """A value as it may stand in one line of code between backticks or fences.

    >>> code("a`b")
    "a'b"
    """
    return one_line(str(text)).replace("`", "'")


def quoted(text: object) -> str:
    """A text as one of Python, in one line of code."""
    return json.dumps(code(text), ensure_ascii=False)


def value(setting: object) -> str:
    """A setting as people read it: no quotes round text, lists with commas, a dash for nothing."""
    if setting is None:
        return "–"
    if isinstance(setting, list | tuple):
        return ", ".join(value(item) for item in setting) or "–"
    if isinstance(setting, Mapping):
        return ", ".join(f"{key}: {value(item)}" for key, item in setting.items()) or "–"
    return f"{setting:g}" if isinstance(setting, float) else str(setting)


def _is_web(address: object) -> bool:
    """Whether an address may be a link: it has nothing by which Markdown would end it."""
    return isinstance(address, str) and _WEB.fullmatch(address) is not None
