"""Rows of recordings, decoded and augmented as they are asked for, so that every epoch can hear other ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import datasets
import numpy as np
import torch
from transformers import SequenceFeatureExtractor

from ser_hf.augment import clip_generator
from ser_hf.base.errors import AudioError, SerHfError
from ser_hf.records import AUDIO, CLIP_ID, LABEL

from ._compute import load_clip
from .feature_rows import check_columns, labelled, vote_column

Augment = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]
"""Samples ``(n,)`` float32, their rate in Hz and where chance comes from -> samples of any length at that rate."""


class RecordingRows(torch.utils.data.Dataset[dict[str, Any]], ABC):
    """What a model takes and labels, computed from recordings on demand; see `inputs` for what a kind of rows adds.

    An augmented clip depends on ``seed``, ``clip_id`` (the row's number where there is none) and epoch alone, not on
    batch, order or worker.

    Args:
        dataset: rows with ``audio`` and ``label``.
        extractor: what computes the inputs; recordings are decoded at its rate.
        training: whether the rows are augmented, here and by the collator.
        augment: applied to the decoded recording at the extractor's rate, before anything else.
        seed: of the augmentation, 0 or more.
        cache_bytes: memory for decoded recordings, in every process that reads rows (one second at 16 kHz takes
            64,000); the first ones asked for are kept. 0 decodes every time.
        votes: as for `FeatureRows`.
        targets: as for `FeatureRows`.

    Raises:
        AudioError: a clip cannot be used, when it is asked for.
        SerHfError: a column is missing, or the seed is negative.
    """

    def __init__(
        self,
        dataset: datasets.Dataset,
        extractor: SequenceFeatureExtractor,
        *,
        training: bool,
        augment: Augment | None = None,
        seed: int = 0,
        cache_bytes: int = 0,
        votes: bool = False,
        targets: Sequence[str] = (),
    ) -> None:
        check_columns(dataset, AUDIO, LABEL, *targets)
        if seed < 0:
            raise SerHfError(f"seed is {seed}; expected 0 or more")
        columns = [name for name in (LABEL, CLIP_ID) if name in dataset.column_names] + vote_column(dataset, votes)
        self.rows = dataset.select_columns([*columns, *targets]).with_format("arrow")
        self.targets = tuple(targets)
        self._audio = dataset.select_columns([AUDIO]).with_format("arrow")
        self.extractor = extractor
        self.training = training
        self.augment = augment
        self.seed = seed
        self.cache_bytes = cache_bytes
        self._decoded: dict[int, tuple[str, np.ndarray]] = {}
        self._held = 0
        # in shared memory: workers that live on from epoch to epoch have a copy of everything else
        self._epoch = torch.zeros(1, dtype=torch.int64)
        self._epoch.share_memory_()  # type: ignore[no-untyped-call]

    @abstractmethod
    def inputs(self, recordings: Iterator[tuple[str, np.ndarray]]) -> list[dict[str, np.ndarray]]:
        """What the model takes of each recording, given as its name and samples ``(n,)``."""

    def name_of(self, index: int) -> str:
        """What messages call a row: its clip's id, where there is one."""
        table = self.rows[[index]]
        return str(table.column(CLIP_ID)[0]) if CLIP_ID in table.column_names else f"row {index}"

    def set_epoch(self, epoch: int) -> None:
        """Changes what chance decides, here and in the workers of a data loader."""
        if epoch < 0:
            raise SerHfError(f"epoch is {epoch}; expected 0 or more")
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: list[int]) -> list[dict[str, Any]]:
        """Several rows at once, as the data loader asks for them."""
        numbers = [range(len(self))[index] for index in indices]
        table = self.rows[numbers]
        ids = table.column(CLIP_ID).to_pylist() if CLIP_ID in table.column_names else [None] * len(numbers)
        inputs = self.inputs(self._recordings(numbers, ids))
        return labelled(inputs, table, numbers, training=self.training, targets=self.targets)

    def _recordings(self, numbers: list[int], ids: list[str | None]) -> Iterator[tuple[str, np.ndarray]]:
        for number, clip_id in zip(numbers, ids, strict=True):
            name, samples = self._decode(number)
            if self.training and self.augment is not None:
                rng = clip_generator(self.seed, clip_id or f"row {number}", int(self._epoch))
                # a copy, because an augmentation may work in place
                samples = self.augment(samples.copy(), self.extractor.sampling_rate, rng)
                if not np.isfinite(samples).all():
                    raise AudioError(f"{name} holds NaN or infinity after its augmentation; check the augmentation")
            yield name, samples

    def _decode(self, number: int) -> tuple[str, np.ndarray]:
        if number in self._decoded:
            return self._decoded[number]
        clip = self._audio[number].column(AUDIO)[0]
        decoded = load_clip(clip, self.extractor.sampling_rate, f"row {number}")
        # the first ones stay: an epoch asks for every clip once, so that the one used last is the one needed last
        if self._held + decoded[1].nbytes <= self.cache_bytes:
            self._decoded[number] = decoded
            self._held += decoded[1].nbytes
        return decoded
