"""Class probabilities of a model for rows with features."""

from __future__ import annotations

import numpy as np
import torch
from transformers import PreTrainedModel

from ser_hf.features import FeatureRows
from ser_hf.records import INPUT_FEATURES


@torch.inference_mode()
def predict(model: PreTrainedModel, rows: FeatureRows, batch_size: int = 64) -> np.ndarray:
    """Gives ``(N, C)`` probabilities, computed in float32 on the model's device.

    The model must be in evaluation mode, as `load_checkpoint` leaves it.
    """
    batches = []
    for start in range(0, len(rows), batch_size):
        batch = rows.__getitems__(list(range(start, min(start + batch_size, len(rows)))))
        features = torch.from_numpy(np.stack([row[INPUT_FEATURES] for row in batch]))
        batches.append(model(features.to(model.device)).logits.float().softmax(dim=-1).cpu().numpy())
    return np.concatenate(batches)
