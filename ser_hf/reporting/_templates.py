"""The jinja2 environment of the templates beside this file: strict, with the number formats of the reports."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

import jinja2

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
_MARKDOWN = re.compile(r"[\\|*`<>\[\]]|(?<!\w)_|_(?!\w)")


def render(template: str, context: Mapping[str, Any]) -> str:
    """Fills a template of ``ser_hf/reporting/templates``; HTML templates escape every value."""
    return _environment(template.endswith(".html")).get_template(template).render(**context)


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
    environment.filters.update({f.__name__: f for f in (*_WORDS, value)} | {"md": markdown})
    environment.tests["web"] = _is_web
    return environment


def markdown(text: object) -> str:
    r"""A value as plain Markdown text that fits into a table cell.

    >>> markdown("a|b <c>")
    'a\\|b \\<c\\>'
    """
    return _MARKDOWN.sub(r"\\\g<0>", " ".join(str(text).split()))


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
    return isinstance(address, str) and address.startswith(("https://", "http://"))
