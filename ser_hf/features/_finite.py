"""Features are numbers: what is NaN or infinite is told of by the name of its clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from ser_hf.base.errors import AudioError, NotFiniteError

_LOST = 1e-3
"""Of the largest feature of a clip; float16 rounds by half of it, and below 6e-5 by more and more."""
TOO_LOUD = "its samples are too large for float32; scale them to [-1, 1]"


@contextmanager
def naming(names: Sequence[str]) -> Iterator[None]:
    """Has an error of a model that computes features name the clip it is of, by the names of its inputs."""
    try:
        yield
    except NotFiniteError as error:
        raise NotFiniteError(f"{names[error.number]}: {error}", error.number) from error


def check_finite(features: np.ndarray, names: list[str], why: str) -> None:
    """Refuses features with NaN or infinity.

    Raises:
        AudioError: with the name of the first such clip, and ``why``.
    """
    finite = np.isfinite(features)
    if not finite.all():
        bad = int(np.argmin(finite.reshape(len(features), -1).all(axis=1)))
        raise AudioError(f"the features of {names[bad]} are not finite: {why}")


def check_kept(rounded: np.ndarray, features: np.ndarray, names: Sequence[str]) -> None:
    """Refuses features of a clip that are so small that a shorter type makes other ones of them, or nothing.

    Raises:
        AudioError: with the name of the first such clip.
    """
    of_clip = tuple(range(1, features.ndim))
    lost = np.abs(features - rounded).max(axis=of_clip) > _LOST * np.abs(features).max(axis=of_clip)
    if lost.any():
        name = names[int(np.argmax(lost))]
        raise AudioError(f"the features of {name} are too small for {rounded.dtype}; use dtype='float32'")
