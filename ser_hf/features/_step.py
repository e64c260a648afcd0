"""The callable that ``datasets`` maps over a table with audio, in this process or in a worker."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import datasets
import numpy as np
import pyarrow as pa
import torch

from ser_hf.base.errors import SerHfError
from ser_hf.models import SerFeatureExtractor
from ser_hf.records import AUDIO, INPUT_FEATURES

from ._arrays import array_feature, to_column
from ._compute import features_of
from ._finite import check_finite, check_kept
from ._prepared import features_of_prepared, takes_prepared


@dataclass(frozen=True)
class FeatureStep:
    """A table with audio in, the same with a column of features out.

    Attributes:
        extractor: what computes the features.
        device: where; plain ``"cuda"`` is the GPU ``rank % count``.
        dtype: of the column.
        columns: of the table, that are kept.
        first: number of the first row, for messages about clips without a name.
        process: where the step was made: in any other it is a worker.
        deterministic: whether PyTorch was told so there, which a worker that is started anew does not know.
    """

    extractor: SerFeatureExtractor
    device: str
    dtype: str
    columns: tuple[str, ...] = ()
    first: int = 0
    process: int = field(default_factory=os.getpid)
    deterministic: bool = field(default_factory=torch.are_deterministic_algorithms_enabled)

    def __call__(self, table: pa.Table, numbers: list[int], rank: int | None = None) -> pa.Table:
        """Decodes, resamples and transforms a batch.

        Raises:
            AudioError: a clip cannot be used; the message names it.
        """
        if os.getpid() != self.process:
            torch.set_num_threads(1)  # a forked worker that starts threads can hang
            torch.use_deterministic_algorithms(self.deterministic)
        called = (f"row {self.first + number}" for number in numbers)
        rows = list(zip(called, table.column(AUDIO), strict=True))
        way = features_of_prepared if takes_prepared(self.extractor) else features_of
        names, features = way(rows, self.extractor, _of_rank(self.device, rank), torch.get_num_threads())
        return table.select(self.columns).append_column(INPUT_FEATURES, to_column(self._rounded(features, names)))

    @property
    def heavy(self) -> bool:
        """Whether a network computes the features: every process would hold it, and run it by one thread."""
        return bool(getattr(self.extractor, "computed_by", ()))

    def feature(self) -> datasets.Array2D:
        """The type of the column, as the extractor's answer to silence has it."""
        silence = np.zeros(self.extractor.n_samples, np.float32)
        features = self.extractor([silence], sampling_rate=self.extractor.sampling_rate)[INPUT_FEATURES]
        return array_feature(np.asarray(features).shape[1:], self.dtype)

    def row_bytes(self) -> int:
        """Of the features of a clip, in a file."""
        return int(np.prod(self.feature().shape)) * np.dtype(self.dtype).itemsize

    def _rounded(self, features: np.ndarray, names: list[str]) -> np.ndarray:
        if self.dtype == str(features.dtype):
            return np.ascontiguousarray(features)
        with np.errstate(over="ignore"):
            rounded = features.astype(self.dtype, order="C")
        check_finite(rounded, names, f"they are too large for {self.dtype}; use dtype='float32'")
        check_kept(features, names, self.dtype)
        return rounded


def choose_device(device: str) -> str:
    """The device meant by ``"auto"``, or the one named.

    Raises:
        SerHfError: it is unknown, or not there.
    """
    there = torch.cuda.is_available()
    if device == "auto":
        return "cuda" if there else "cpu"
    if device.startswith("cuda") and not there:
        raise SerHfError(f"device {device!r} was asked for and no GPU is visible; use device='cpu' or 'auto'")
    try:
        torch.device(device)
    except RuntimeError as error:
        raise SerHfError(f"unknown device {device!r}; expected 'auto', 'cpu', 'cuda' or 'cuda:N'") from error
    return device


def _of_rank(device: str, rank: int | None) -> str:
    return f"cuda:{(rank or 0) % torch.cuda.device_count()}" if device == "cuda" else device
