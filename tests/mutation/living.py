"""Functions that are loaded, and how they take the code of another compilation."""

from __future__ import annotations

import gc
import types
from typing import Any


def living(files: list[str]) -> list[Any]:
    """The functions of these files, and the caches of the package."""
    caches = [one for one in gc.get_objects() if type(one).__name__ == "_lru_cache_wrapper"]
    functions = [one for one in gc.get_objects() if isinstance(one, types.FunctionType)]
    functions = [one for one in functions if one.__code__.co_filename in files]
    return functions + [one for one in caches if str(getattr(one, "__module__", "")).startswith("ser_hf")]


def swap(objects: list[Any], file: str, code: types.CodeType) -> bool:
    """Gives the living functions of a file their code of another compilation; False where that cannot be done."""
    new: dict[tuple[str, int], list[types.CodeType]] = {}
    todo = [code]
    while todo:
        for inner in todo.pop().co_consts:
            if isinstance(inner, types.CodeType):
                new.setdefault((inner.co_qualname, inner.co_firstlineno), []).append(inner)
                todo.append(inner)
    for one in objects:
        if not isinstance(one, types.FunctionType):
            one.cache_clear()
        elif one.__code__.co_filename == file:
            fitting = new.get((one.__code__.co_qualname, one.__code__.co_firstlineno), [])
            if len(fitting) != 1 or fitting[0].co_freevars != one.__code__.co_freevars:
                return False
            one.__code__ = fitting[0]
    return True
