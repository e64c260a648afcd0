"""That all who are compared give the same answer, which is asked before anybody is timed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ser_hf.base.errors import SerHfError


def agreement(found: Mapping[str, np.ndarray], reference: str, tolerance: float) -> str:
    """The note of the table that says how far the answers lie apart.

    Args:
        found: the answer of every subject.
        reference: name of the one the others are compared with.
        tolerance: how far a number may lie from its own.

    Raises:
        SerHfError: an answer has another shape, or lies further away: what it costs would tell nothing.
    """
    expected, most = found[reference], 0.0
    for name, answer in found.items():
        if answer.shape != expected.shape:
            raise SerHfError(
                f"{name} gives {answer.shape} numbers where {reference} gives {expected.shape}; expected the same work"
            )
        apart = float(np.abs(answer - expected).max())
        if not apart <= tolerance:  # NaN is no agreement
            raise SerHfError(f"{name} lies {apart:.2g} from {reference}; expected the same answer within {tolerance:g}")
        most = max(most, apart)
    return f"answers: the same within {most:.1g} (allowed: {tolerance:g})"
