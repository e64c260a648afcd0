"""What a model says is numbers: NaN and infinity are told of, and never taken for an emotion."""

from __future__ import annotations

import numpy as np

from .errors import NotFiniteError


def check_outputs(what: str, values: np.ndarray) -> None:
    """Refuses what a model says of inputs ``(N, ...)`` if there is NaN or infinity in it.

    Args:
        what: it says, in words: ``probabilities``, ``ratings`` ...
        values: of every input.

    Raises:
        NotFiniteError: with the number of the first such input.
    """
    finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if not finite.all():
        bad = np.flatnonzero(~finite)
        raise NotFiniteError(
            f"the model's {what} are NaN or infinite for {len(bad)} of {len(values)} inputs, first for input "
            f"{bad[0] + 1}: its weights are damaged or its precision overflows; use another checkpoint, or float32",
            int(bad[0]),
        )
