"""Which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

MOST = 10


def top_confusions(confusion: npt.NDArray[np.int64], classes: Sequence[str], most: int = MOST) -> list[dict[str, Any]]:
    """The most frequent confusions, as Bonnefoy & Illouz-Laurent list them for each corpus.

    Args:
        confusion: counts ``(C, C)``, rows true, columns predicted.
        classes: names of the C classes.
        most: how many.

    Returns:
        ``true``, ``predicted``, ``clips`` and ``share`` of the clips of the true class; in the order of the classes
        where they are as many.

    >>> top_confusions(np.array([[5, 3], [1, 9]]), ["angry", "sad"])[0]
    {'true': 'angry', 'predicted': 'sad', 'clips': 3, 'share': 0.375}
    """
    wrong = [
        (int(confusion[i, j]), i, j)
        for i in range(len(classes))
        for j in range(len(classes))
        if i != j and confusion[i, j]
    ]
    return [
        {"true": classes[i], "predicted": classes[j], "clips": clips, "share": clips / int(confusion[i].sum())}
        for clips, i, j in sorted(wrong, key=lambda cell: (-cell[0], cell[1:]))[:most]
    ]
