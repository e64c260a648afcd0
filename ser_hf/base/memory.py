"""Memory that ran out, by whatever error a library says so."""

from __future__ import annotations

_WORDS = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory", "bad_alloc")


def out_of_memory(error: BaseException) -> bool:
    """Whether this error, or one that led to it, is about memory.

    >>> out_of_memory(MemoryError()), out_of_memory(RuntimeError("CUDA out of memory.")), out_of_memory(OSError("gone"))
    (True, True, False)
    """
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, MemoryError) or any(word in str(link).lower() for word in _WORDS):
            return True
        link = link.__cause__ or link.__context__
    return False
