"""YAML as recipes want it: safe, ``1e-4`` is a number, a key given twice is an error."""

from __future__ import annotations

import re
from typing import Any

import yaml

from .errors import RecipeError


def parse_yaml(text: str) -> Any:
    """Reads one YAML document.

    Raises:
        RecipeError: a key is given twice, or it is nested too deep.
        yaml.YAMLError: it is not YAML.
    """
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    except RecursionError as error:
        raise RecipeError("it is nested too deep; a recipe or scheme has a few levels") from error
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """Safe YAML that reads ``1e-4`` as a number and refuses a key given twice."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+0123456789.")
)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    names = [loader.construct_object(key) for key, _ in node.value]
    for name in names:
        if names.count(name) > 1:
            raise RecipeError(f"key {name!r} is given twice (line {node.start_mark.line + 1} and after); keep one")
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
