"""Rows of a stock feature extractor -> batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from .sharing import WEIGHT
from .soft_labels import check_smoothing, soft_labels, weighted


@dataclass
class WaveformCollator:
    """Pads what the extractor gave of each clip to the longest; smooths and weighs the labels of rows for training.

    Waveforms are padded with zeros after they were normalised, attention masks with zeros. A model whose extractor
    gives no mask (wav2vec2-base and others with group normalisation) hears the padding, as it did when it was
    pretrained; so, at the very end of a clip, does data2vec. Scores are computed without any (`probabilities`).

    Attributes:
        num_classes: of the label scheme.
        label_smoothing: share of every training label spread over all classes.
        class_weights: of the classes in the training loss, ``(num_classes,)``; None weighs them all alike.
    """

    num_classes: int
    label_smoothing: float = 0.0
    class_weights: np.ndarray | None = None

    def __post_init__(self) -> None:
        check_smoothing(self.label_smoothing)

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Gives the inputs by name and ``labels``: ids ``(B,)``, soft ``(B, C)`` in training.

        With class weights also what the batch weighs, which `SerTrainer` takes off.
        """
        names = [name for name, value in rows[0].items() if isinstance(value, np.ndarray)]
        inputs = {n: pad_sequence([torch.from_numpy(row[n]) for row in rows], batch_first=True) for n in names}
        labels = torch.tensor([row["labels"] for row in rows])
        if rows[0]["training"]:
            labels = soft_labels(labels, self.num_classes, self.label_smoothing)
            if self.class_weights is not None:
                labels, inputs[WEIGHT] = weighted(labels, torch.from_numpy(self.class_weights).to(labels.dtype))
        return {**inputs, "labels": labels}
