"""Rows as a data loader asks for them: features and labels, read from the dataset's file on demand."""

from __future__ import annotations

from typing import Any

import datasets
import torch

from ser_hf.records import INPUT_FEATURES, LABEL


class FeatureRows(torch.utils.data.Dataset[dict[str, Any]]):
    """Features and labels of a dataset, read from its file as they are asked for.

    Args:
        dataset: rows with ``input_features`` and ``label``.
        training: whether the collator may augment them.
    """

    def __init__(self, dataset: datasets.Dataset, *, training: bool) -> None:
        self.rows = dataset.select_columns([INPUT_FEATURES, LABEL]).with_format("numpy")
        self.training = training

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: list[int]) -> list[dict[str, Any]]:
        """Several rows at once, as the data loader asks for them."""
        batch = self.rows[indices]
        pairs = zip(batch[INPUT_FEATURES], batch[LABEL], strict=True)
        return [{INPUT_FEATURES: x, "labels": int(y), "training": self.training} for x, y in pairs]
