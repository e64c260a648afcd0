"""What accuracy becomes when a model may keep silent where it is unsure: selective prediction.

Geifman and El-Yaniv, NeurIPS 2017, arXiv 1705.08500; the area is that of Geifman et al., ICLR 2019, arXiv 1805.08206.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .calibration import checked
from .metrics import Labels, scores

COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
"""Shares of the clips that are answered, at least."""


def area_under_risk_coverage(probabilities: npt.ArrayLike, references: Labels) -> float:
    """The mean, over all numbers of clips, of the share of errors among so many of the surest clips (AURC).

    Clips of the same confidence count as if in any order. From 0, and lower is better.

    Args:
        probabilities: ``(N, C)``; the confidence of a clip is the largest of its row.
        references: true class ids ``(N,)``.

    >>> area_under_risk_coverage([[0.9, 0.1], [0.6, 0.4]], [0, 1])
    0.25
    """
    shares, true = checked(probabilities, references)
    confidence, wrong = shares.max(axis=1), shares.argmax(axis=1) != true
    _, of, clips = np.unique(-confidence, return_inverse=True, return_counts=True)
    errors = np.repeat(np.bincount(of, wrong) / clips, clips)  # of the surest first; ties share theirs
    return float((errors.cumsum() / np.arange(1, len(true) + 1)).mean())


def evaluate_selective(probabilities: npt.NDArray[np.floating], references: Labels) -> dict[str, Any]:
    """The block ``test.selective`` of results.json.

    Args:
        probabilities: ``(N, C)``.
        references: true class ids ``(N,)``.

    Returns:
        ``aurc``, and the ``curve`` from all clips to the surest tenth (`COVERAGES`): ``coverage``, the share that is
        answered by the rule "confidence of ``threshold`` or more", their number ``clips``, ``accuracy`` and ``uar``
        among them (over the classes that they hold). Clips at the threshold are all in, so a share may be larger.
    """
    shares, true = checked(probabilities, references)
    confidence, predicted = shares.max(axis=1), shares.argmax(axis=1)
    falling = np.sort(confidence)[::-1]
    thresholds = dict.fromkeys(float(falling[int(np.ceil(round(share * len(true), 6))) - 1]) for share in COVERAGES)
    curve = []
    for threshold in thresholds:
        kept = confidence >= threshold
        found = scores(true[kept], predicted[kept], shares.shape[1])
        row = {"coverage": float(kept.mean()), "clips": int(kept.sum()), "threshold": threshold}
        curve.append({**row, "accuracy": found["accuracy"], "uar": found["uar"]})
    return {"aurc": area_under_risk_coverage(shares, true), "curve": curve}
