"""What the feature code does, as a key: it changes with the code, and not with its comments or the files around it."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def code_key(*modules: str) -> str:
    """Sixteen hex digits of the modules and of all that they import from their own packages.

    Comments, docstrings and layout do not count.

    Args:
        modules: dotted names of imported modules.

    Raises:
        OSError: the source of a module is not there, as for one that was typed in.
    """
    sources: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in sources:
            tree = ast.parse(_source(name))
            waiting += [found for found in _siblings(tree, name) if _is_module(found)]
            sources[name] = ast.dump(_Bare().visit(tree))
    return hashlib.sha256(repr(sorted(sources.items())).encode()).hexdigest()[:16]


def _source(name: str) -> bytes:
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:
        raise OSError(f"the source of module {name} is not there")
    return Path(file).read_bytes()


def _siblings(tree: ast.Module, name: str) -> Iterator[str]:
    """Names of what may be modules among the relative imports of a module."""
    package = name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            yield from ([f"{package}.{node.module}"] if node.module else [f"{package}.{a.name}" for a in node.names])


def _is_module(name: str) -> bool:
    return name in sys.modules or find_spec(name) is not None


class _Bare(ast.NodeTransformer):
    """Takes strings that are statements out: they are documentation."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if text else node
