"""Class probabilities of a model for rows with features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from transformers import PreTrainedModel

from ser_hf.baselines import Svm
from ser_hf.features import FeatureRows
from ser_hf.records import INPUT_FEATURES


@torch.inference_mode()
def predict(
    model: PreTrainedModel | Svm, rows: FeatureRows, batch_size: int = 64, speakers: Sequence[str | None] | None = None
) -> np.ndarray:
    """Gives ``(N, C)`` probabilities, computed in float32 on the model's device.

    The model must be in evaluation mode, as `load_checkpoint` leaves it. A baseline takes all rows at once, with their
    speakers: it may compare a speaker's clips with each other.
    """
    if isinstance(model, Svm):
        logits = model(torch.from_numpy(vectors(rows)), speakers)["logits"]
        shares: np.ndarray = logits.softmax(dim=-1).numpy()
        return shares
    batches = []
    for start in range(0, len(rows), batch_size):
        batch = rows.__getitems__(list(range(start, min(start + batch_size, len(rows)))))
        features = torch.from_numpy(np.stack([row[INPUT_FEATURES] for row in batch]))
        batches.append(model(features.to(model.device)).logits.float().softmax(dim=-1).cpu().numpy())
    return np.concatenate(batches)


def vectors(rows: FeatureRows) -> np.ndarray:
    """Features ``(N, D)`` float64 of rows of one frame each."""
    given = rows.__getitems__(list(range(len(rows))))
    return np.stack([row[INPUT_FEATURES] for row in given]).reshape(len(rows), -1).astype(np.float64)
