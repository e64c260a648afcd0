"""Memory that ran out, by whatever error a library says so."""

from __future__ import annotations

from .errors import led_to

_WORDS = (
    *("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory", "bad_alloc"),
    *("could not create a primitive", "could not create a memory object"),  # oneDNN
)


def out_of_memory(error: BaseException) -> bool:
    """Whether this error, or one that led to it, is about memory.

    >>> out_of_memory(MemoryError()), out_of_memory(RuntimeError("CUDA out of memory.")), out_of_memory(OSError("gone"))
    (True, True, False)
    """
    return any(
        isinstance(one, MemoryError) or any(word in str(one).lower() for word in _WORDS) for one in led_to(error)
    )
