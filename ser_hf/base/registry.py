"""Name -> thing, filled by modules that register themselves when their package is first asked."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Generic, TypeVar

from .errors import SerHfError, unknown

T = TypeVar("T")


class Registry(Generic[T]):
    """A table of named things of one kind.

    Modules of ``package`` whose name does not start with ``_`` are imported at the first look-up, so adding an entry
    is adding a file. Two entries under one name are an error.

    >>> colours = Registry("colour")
    >>> colours.register("red", 1)
    1
    >>> colours["red"], list(colours)
    (1, ['red'])
    """

    def __init__(self, kind: str, package: str | None = None) -> None:
        self.kind = kind
        self.package = package
        self._entries: dict[str, T] = {}
        self._discovered = package is None

    def register(self, name: str, entry: T) -> T:
        """Adds ``entry`` and returns it.

        Raises:
            SerHfError: the name is taken.
        """
        if name in self._entries:
            raise SerHfError(f"{self.kind} {name!r} is registered twice; choose another name")
        self._entries[name] = entry
        return entry

    def _discover(self) -> None:
        if self._discovered or self.package is None:
            return
        self._discovered = True
        package = importlib.import_module(self.package)
        for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
            if not module.startswith("_"):
                importlib.import_module(f"{self.package}.{module}")

    def __getitem__(self, name: str) -> T:
        self._discover()
        if name not in self._entries:
            raise SerHfError(unknown(self.kind, name, self))
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        self._discover()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        self._discover()
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        self._discover()
        return len(self._entries)

    def values(self) -> list[T]:
        """The entries in the order of their names."""
        return [self[name] for name in self]
