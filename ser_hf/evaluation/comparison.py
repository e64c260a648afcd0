"""Whether one model is better than another on the same clips."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_EXACT_BELOW = 25
"""Clips on which the two disagree below which the binomial distribution itself is taken."""


def mcnemar(right: npt.ArrayLike, right_other: npt.ArrayLike) -> float:
    """The p-value of McNemar's test: are two models right on as many clips (1947, doi 10.1007/BF02295996)?

    Exact where fewer than 25 clips are right by one alone, else chi-squared with a correction for continuity. Clips of
    one speaker are taken as independent, which they are not: `uar_difference` draws whole speakers.

    Args:
        right: whether the first model is right, ``(clips,)``.
        right_other: the same of the second.

    >>> round(mcnemar([True] * 8 + [False] * 2, [False] * 8 + [True] * 2), 3)
    0.109
    """
    from statsmodels.stats.contingency_tables import mcnemar as test

    one, other = np.asarray(right, dtype=bool), np.asarray(right_other, dtype=bool)
    table = [[np.sum(one & other), np.sum(one & ~other)], [np.sum(~one & other), np.sum(~one & ~other)]]
    return float(test(table, exact=bool(table[0][1] + table[1][0] < _EXACT_BELOW), correction=True).pvalue)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """P-values corrected for how many there are (Holm 1979); None stays None.

    >>> holm([0.01, None, 0.04])
    [0.02, None, 0.04]
    """
    from statsmodels.stats.multitest import multipletests

    known = [p for p in p_values if p is not None]
    corrected = iter(multipletests(known, method="holm")[1].tolist() if known else ())
    return [None if p is None else float(next(corrected)) for p in p_values]
