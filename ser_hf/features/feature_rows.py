"""Rows as a data loader asks for them: features and labels, read from the dataset's file on demand."""

from __future__ import annotations

from typing import Any

import datasets
import torch

from ser_hf.errors import SerHfError
from ser_hf.records import INPUT_FEATURES, LABEL

from ._arrays import from_column


class FeatureRows(torch.utils.data.Dataset[dict[str, Any]]):
    """Features and labels of a dataset, read from its file as they are asked for.

    The features are views of the file, float32 and not to be written to; those stored as float16 are converted.

    Args:
        dataset: rows with ``input_features`` and ``label``.
        training: whether the collator may augment them.

    Raises:
        SerHfError: a column is missing.
    """

    def __init__(self, dataset: datasets.Dataset, *, training: bool) -> None:
        check_columns(dataset, INPUT_FEATURES, LABEL)
        self.rows = dataset.select_columns([INPUT_FEATURES, LABEL]).with_format("numpy")
        self.training = training
        self._tables = self.rows.with_format("arrow")

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: list[int]) -> list[dict[str, Any]]:
        """Several rows at once, as the data loader asks for them."""
        table = self._tables[indices]
        pairs = zip(from_column(table.column(INPUT_FEATURES)), table.column(LABEL).to_pylist(), strict=True)
        return [{INPUT_FEATURES: x, "labels": y, "training": self.training} for x, y in pairs]


def check_columns(dataset: datasets.Dataset, *wanted: str) -> None:
    """Refuses a dataset that lacks a column.

    Raises:
        SerHfError: with the columns that are there.
    """
    missing = [name for name in wanted if name not in dataset.column_names]
    if missing:
        there = ", ".join(dataset.column_names)
        raise SerHfError(f"the dataset has no {missing[0]!r} column (it has: {there}); expected {', '.join(wanted)}")
