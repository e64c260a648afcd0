"""Waveforms scored together: those of like length side by side, and one that a model cannot take alone in its error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..heard import Heard
from ..listener import Listener, Scores
from .hearing import Sound
from .item import Item
from .rows import Row

_POOL = 16
"""Batches sorted by length together."""
_SAMPLES = 32 << 20
"""Samples (128 MiB) that are held for that at most, beyond the last recording."""
_MEMORY = "out of memory"
"""What PyTorch's error says of a batch that is too large for the device."""


class _Waiting(NamedTuple):
    item: Item
    sound: Sound


class Batches:
    """Gathers what is decoded and gives rows in the same order.

    Which recordings share a batch follows from their order alone, so that the same ones have the same scores, to the
    bit, whatever was done before.

    Args:
        scorer: asks the model.
        batch_size: recordings scored together.
    """

    def __init__(self, scorer: Scorer, batch_size: int = 32) -> None:
        self.scorer = scorer
        self.batch_size = batch_size
        self._pool: list[_Waiting] = []
        self._held = 0

    def add(self, item: Item, sound: Sound) -> list[Row]:
        """Takes one; gives the rows of all that waited, where there are enough."""
        self._pool.append(_Waiting(item, sound))
        self._held += 0 if sound.samples is None else len(sound.samples)
        full = len(self._pool) >= _POOL * self.batch_size or self._held >= _SAMPLES
        return self.flush() if full else []

    def flush(self) -> list[Row]:
        """The rows of all that waited."""
        pool, self._pool, self._held = self._pool, [], 0
        heard = [i for i, (_, sound) in enumerate(pool) if sound.samples is not None]
        heard.sort(key=lambda i: len(pool[i].sound.samples))  # type: ignore[arg-type]
        rows = [Row(item, error=sound.error) for item, sound in pool]
        for start in range(0, len(heard), self.batch_size):
            some = heard[start : start + self.batch_size]
            for i, row in zip(some, self.scorer.rows([pool[i] for i in some]), strict=True):
                rows[i] = row
        return rows


class Scorer:
    """Asks a model.

    Args:
        model: it must not compare the clips of a call with each other.
        min_confidence: probability the first class needs to be the answer.
        embeddings: whether the rows carry them.
    """

    def __init__(self, model: Listener, min_confidence: float = 0.0, embeddings: bool = False) -> None:
        self.model = model
        self.min_confidence = min_confidence
        self.embeddings = embeddings

    def rows(self, waiting: list[_Waiting]) -> Iterator[Row]:
        """The rows of sounds, all of which have samples."""
        try:
            found, vectors = self._asked([sound.samples for _, sound in waiting if sound.samples is not None])
        except (ValueError, MemoryError, RuntimeError) as error:
            if not isinstance(error, ValueError | MemoryError) and _MEMORY not in str(error):
                raise
            if len(waiting) == 1:
                yield Row(waiting[0].item, error=f"{waiting[0].item.called}: {' '.join(str(error).split())}")
                return
            half = len(waiting) // 2
            yield from self.rows(waiting[:half])
            yield from self.rows(waiting[half:])
            return
        for i, (item, sound) in enumerate(waiting):
            ratings = [] if found.dimensions is None else found.dimensions[i].tolist()
            heard = Heard(
                self.model.named(found.probabilities[i]),
                dict(zip(self.model.targets, ratings, strict=True)),
                sound.speech,
                0.0 if sound.samples is None else len(sound.samples) / self.model.sampling_rate,
                self.min_confidence,
            )
            yield Row(item, heard, embedding=None if vectors is None else vectors[i])

    def _asked(self, waveforms: list[np.ndarray]) -> tuple[Scores, np.ndarray | None]:
        if self.embeddings:
            return self.model.score_and_embed(waveforms)
        return self.model.score(waveforms), None
