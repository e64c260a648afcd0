"""Features are numbers: what is NaN or infinite is told of by the name of its clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from ser_hf.base.errors import AudioError, NotFiniteError

_LEAST = 3e-5
"""A clip whose largest feature is smaller loses more than a thousandth of it in float16, whose steps there are 6e-8."""
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


def check_kept(features: np.ndarray, names: Sequence[str], dtype: str) -> None:
    """Refuses features of a clip that are so small that float16 makes other ones of them, or nothing.

    Raises:
        AudioError: with the name of the first such clip.
    """
    of_clip = tuple(range(1, features.ndim))
    largest = np.maximum(features.max(axis=of_clip), -features.min(axis=of_clip))
    lost = (largest > 0) & (largest < _LEAST)
    if lost.any():
        raise AudioError(
            f"the features of {names[int(np.argmax(lost))]} are too small for {dtype}; use dtype='float32'"
        )
