"""The outline of a waveform of any length, in little memory: the smallest and largest sample of equal parts."""

from __future__ import annotations

import numpy as np


class Envelope:
    """Takes samples as they come; where there are too many parts, every two become one.

    Args:
        most: parts kept; an even number. There are at least half as many where there are as many samples.
    """

    def __init__(self, most: int = 2048) -> None:
        self._found = np.zeros((most, 2), np.float32)
        self._count = 0
        self._size = 1
        self._rest = np.zeros(0, np.float32)

    def add(self, samples: np.ndarray) -> None:
        """Takes the next samples ``(n,)``."""
        self._rest = np.concatenate([self._rest, samples])
        while len(self._rest) >= self._size:
            if self._count == len(self._found):
                self._halve()
                continue
            parts = min(len(self._rest) // self._size, len(self._found) - self._count)
            whole = self._rest[: parts * self._size].reshape(parts, self._size)
            self._found[self._count : self._count + parts] = np.stack([whole.min(axis=1), whole.max(axis=1)], axis=1)
            self._count += parts
            self._rest = self._rest[parts * self._size :]

    def parts(self) -> np.ndarray:
        """Smallest and largest sample of each part, ``(P, 2)``; the last part may be a shorter one."""
        rest = [[self._rest.min(), self._rest.max()]] if len(self._rest) else np.zeros((0, 2))
        return np.concatenate([self._found[: self._count], np.asarray(rest, np.float32)])

    def edges(self, total: int) -> np.ndarray:
        """Samples between which the parts lie, ``(P + 1,)``, of ``total`` that came."""
        return np.minimum(np.arange(len(self.parts()) + 1) * self._size, total)

    def _halve(self) -> None:
        half = len(self._found) // 2
        self._found[:half, 0] = self._found[:, 0].reshape(half, 2).min(axis=1)
        self._found[:half, 1] = self._found[:, 1].reshape(half, 2).max(axis=1)
        self._count, self._size = half, 2 * self._size
