"""The scores by which a training chooses its checkpoint."""

from __future__ import annotations

from typing import Any

import numpy as np
from transformers import EvalPrediction

from ser_hf.base.finite import check_outputs
from ser_hf.evaluation import ccc, scores


def validation_scores(prediction: EvalPrediction) -> dict[str, float]:
    """Accuracy (WA), UAR, macro and weighted F1 of logits ``(N, C)`` against ids ``(N,)``.

    With targets, which come as second of pairs, also ``ccc``, the mean over targets that have a rating.

    Raises:
        NotFiniteError: there is NaN or infinity among logits or ratings, which must choose no checkpoint.
    """
    logits, *dimensions = _parts(prediction.predictions)
    check_outputs("logits", logits)
    for said in dimensions:
        check_outputs("ratings", said)
    ids, *rated = _parts(prediction.label_ids)
    found = scores(ids, logits.argmax(axis=-1), logits.shape[-1])
    if not rated:
        return found
    columns = [i for i in range(rated[0].shape[1]) if np.isfinite(rated[0][:, i]).any()]
    values = [ccc(rated[0][:, i], dimensions[-1][:, i]) for i in columns]
    return {**found, "ccc": float(np.mean(values)) if values else 0.0}


def _parts(arrays: Any) -> list[np.ndarray]:
    return [np.asarray(one) for one in arrays] if isinstance(arrays, tuple) else [np.asarray(arrays)]
