"""Packages whose names are imported on first use, so that nobody waits for what they do not use."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def lazily(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package.

    Args:
        package: its ``__name__``.
        homes: public name -> the module of the package that defines it. No module may have a public name: once it
            is imported, the package's attribute of that name is the module.
    """

    def find(name: str) -> Any:
        """Imports a public name from its home on first use."""
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f".{homes[name]}", package), name)

    return find
