"""Rows as a data loader asks for them: features and labels, read from the dataset's file on demand."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import torch

from ser_hf.base.errors import SerHfError
from ser_hf.records import CLIP_ID, INPUT_FEATURES, LABEL, LABEL_DISTRIBUTION

from ._arrays import from_column


class FeatureRows(torch.utils.data.Dataset[dict[str, Any]]):
    """Features and labels of a dataset, read from its file as they are asked for.

    The features are views of the file, float32 and not to be written to; those stored as float16 are converted.

    Args:
        dataset: rows with ``input_features`` and ``label``.
        training: whether the collator may augment them.
        votes: the rows carry ``label_distribution``, the raters' shares of the classes, where there are any.
        targets: columns of ratings; the rows carry them as ``targets``, NaN where there are none.

    Raises:
        SerHfError: a column is missing, or, when they are asked for, features are not finite.
    """

    def __init__(
        self, dataset: datasets.Dataset, *, training: bool, votes: bool = False, targets: Sequence[str] = ()
    ) -> None:
        check_columns(dataset, INPUT_FEATURES, LABEL, *targets)
        columns = [INPUT_FEATURES, LABEL, *vote_column(dataset, votes), *targets]
        self.rows = dataset.select_columns(columns).with_format("numpy")
        self.training = training
        self.targets = tuple(targets)
        self._tables = self.rows.with_format("arrow")
        self._ids = dataset.select_columns([CLIP_ID]) if CLIP_ID in dataset.column_names else None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: list[int]) -> list[dict[str, Any]]:
        """Several rows at once, as the data loader asks for them."""
        table = self._tables[indices]
        features = from_column(table.column(INPUT_FEATURES))
        for index, x in zip(indices, features, strict=True):
            if not np.isfinite(x).all():
                raise SerHfError(
                    f"the features of {self.name_of(index)} hold NaN or infinity: they are damaged; remove their file "
                    f"in the cache{self._file()} and compute them again"
                )
        inputs = ({INPUT_FEATURES: x} for x in features)
        return labelled(inputs, table, indices, training=self.training, targets=self.targets)

    def name_of(self, index: int) -> str:
        """What messages call a row: its clip's id, where there is one."""
        return f"row {index}" if self._ids is None else str(self._ids.with_format(None)[index][CLIP_ID])

    def _file(self) -> str:
        files = [Path(file["filename"]).name for file in self.rows.cache_files]
        return f" ({files[-1]})" if files else ""


def labelled(
    inputs: Iterable[dict[str, np.ndarray]],
    table: pa.Table,
    numbers: Sequence[int],
    *,
    training: bool,
    targets: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Rows as the collator takes them: what a model takes by name, their labels, and their numbers as ``row``."""
    names = {LABEL: "labels", LABEL_DISTRIBUTION: LABEL_DISTRIBUTION}
    columns = {names[name]: table.column(name).to_pylist() for name in table.column_names if name in names}
    values = zip(*columns.values(), strict=True)
    rows = [
        {**x, **dict(zip(columns, row, strict=True)), "row": int(number), "training": training}
        for x, row, number in zip(inputs, values, numbers, strict=True)
    ]
    rated = zip(*(table.column(name).to_pylist() for name in targets), strict=True)
    for row, ratings in zip(rows, rated, strict=True) if targets else ():
        row["targets"] = [math.nan if rating is None else rating for rating in ratings]
    return rows


def vote_column(dataset: datasets.Dataset, votes: bool) -> list[str]:
    """The column of votes as a list, empty where it is not asked for or not there."""
    return [LABEL_DISTRIBUTION] if votes and LABEL_DISTRIBUTION in dataset.column_names else []


def check_columns(dataset: datasets.Dataset, *wanted: str) -> None:
    """Refuses a dataset that lacks a column.

    Raises:
        SerHfError: with the columns that are there.
    """
    missing = [name for name in wanted if name not in dataset.column_names]
    if missing:
        there = ", ".join(dataset.column_names)
        raise SerHfError(f"the dataset has no {missing[0]!r} column (it has: {there}); expected {', '.join(wanted)}")
