"""YAML as recipes want it: safe, ``1e-4`` is a number, a key given twice is an error."""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from .errors import RecipeError, SerHfError
from .regular_file import expect_regular

_MOST = 1_000_000
"""Values of a document."""


def read_yaml(path: Path, what: str = "") -> Any:
    """Reads a file with one YAML document.

    Args:
        path: the file.
        what: what it is, for the message, e.g. ``"label scheme "``.

    Raises:
        SerHfError: it cannot be read, is not YAML, or a key is given twice.
    """
    try:
        return parse_yaml(expect_regular(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SerHfError(f"{what}{path}: {error.strerror or error}") from error
    except (yaml.YAMLError, ValueError) as error:  # of text that is not UTF-8, or a date such as 2026-13-01
        raise SerHfError(f"{what}{path} is not readable YAML: {' '.join(str(error).split())}") from error


def parse_yaml(text: str) -> Any:
    """Reads one YAML document.

    Raises:
        RecipeError: a key is given twice, or it is nested too deep.
        yaml.YAMLError: it is not YAML.
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _unfolded(node, {}) > _MOST:
            raise RecipeError(f"its anchors (&name, *name) unfold to more than {_MOST} values; write fewer")
        return loader.construct_document(node)
    except (AttributeError, LookupError, OverflowError, TypeError) as error:  # of PyYAML, for `!!timestamp x` and such
        raise yaml.YAMLError(f"a value is not of the kind that is said: {error}") from error
    except RecursionError as error:
        raise RecipeError("it is nested too deep; a recipe or scheme has a few levels") from error
    finally:
        loader.dispose()


def _unfolded(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node stands for, those that are named and repeated each time; so a small file may be endless.

    Raises:
        RecipeError: it stands inside itself.
    """
    if (count := known.get(id(node))) is not None:
        if not count:
            raise RecipeError("an anchor (&name) stands inside itself (*name)")
        return count
    known[id(node)] = 0
    inside: list[yaml.Node] = []
    if isinstance(node, yaml.SequenceNode):
        inside = node.value
    elif isinstance(node, yaml.MappingNode):
        inside = [one for pair in node.value for one in pair]
    known[id(node)] = 1 + sum(_unfolded(one, known) for one in inside)
    return known[id(node)]


class _Loader(yaml.SafeLoader):
    """Safe YAML that reads ``1e-4`` as a number and refuses a key given twice."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+0123456789.")
)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    names = set()
    for key, _ in node.value:
        name = loader.construct_object(key)
        if not isinstance(name, Hashable):
            continue  # refused below
        if name in names:
            raise RecipeError(f"key {name!r} is given twice (line {node.start_mark.line + 1} and after); keep one")
        names.add(name)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
