"""Sound that arrives in blocks of any size, as the windows a model hears."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import soxr

from ser_hf.audio.decode import check_form
from ser_hf.base.errors import AudioError, unknown

FORMATS = {"s16le": "<i2", "f32le": "<f4"}
_LOUDEST = 8.0


class Window(NamedTuple):
    """What is to be scored.

    Attributes:
        start: seconds from the beginning of the stream.
        end: likewise.
        samples: mono float32 at the model's rate.
    """

    start: float
    end: float
    samples: np.ndarray


class Hops:
    """Gives the last seconds of a stream again and again; holds no more than these and one block.

    Args:
        sampling_rate: Hz of the blocks.
        rate: Hz of the windows.
        window: seconds of a window; at the beginning they are shorter.
        hop: seconds from one to the next.
        form: ``"s16le"`` or ``"f32le"``, mono.

    Raises:
        AudioError: a value is out of its range.
    """

    def __init__(self, sampling_rate: int, rate: int, window: float, hop: float, form: str = "s16le") -> None:
        if form not in FORMATS:
            raise AudioError(unknown("format", form, FORMATS))
        check_form("the stream", 0, sampling_rate, 1.0)
        if not 0.1 <= hop <= window:
            raise AudioError(f"hop is {hop:g} s; expected 0.1 to {window:g}")
        self._type, self._rate = np.dtype(FORMATS[form]), rate
        self._window, self._hop = round(window * rate), round(hop * rate)
        self._resampler = soxr.ResampleStream(sampling_rate, rate, 1, dtype="float32")
        self._rest = b""
        self._held = np.zeros(0, np.float32)
        self._heard, self._due = 0, self._hop

    def push(self, block: bytes, last: bool = False) -> Iterator[Window]:
        """Takes a block, of which a sample may go on in the next, and gives the windows that are due.

        Args:
            block: bytes of the format.
            last: whether the stream ends here; what was not yet heard is given then.

        Raises:
            AudioError: samples are not finite, or beyond any level.
        """
        data = self._rest + block
        whole = len(data) - len(data) % self._type.itemsize
        self._rest = data[whole:]
        samples = np.frombuffer(data[:whole], self._type)
        if self._type.kind == "i":
            samples = samples.astype(np.float32) / np.float32(32768)
        elif not (np.isfinite(samples).all() and np.abs(samples).max(initial=0) <= _LOUDEST):
            raise AudioError("the stream holds samples that are not finite or far beyond [-1, 1]")
        fresh = self._resampler.resample_chunk(samples, last=last)
        for at in range(0, len(fresh), self._hop):
            yield from self._take(fresh[at : at + self._hop])
        if last and self._heard > self._due - self._hop:
            yield self._give(self._heard)

    def _take(self, samples: np.ndarray) -> Iterator[Window]:
        """No more than a hop, so that at most one window is due."""
        self._held = np.concatenate([self._held, samples])[-(self._window + self._hop) :]
        self._heard += len(samples)
        if self._heard >= self._due:
            yield self._give(self._due)
            self._due += self._hop

    def _give(self, end: int) -> Window:
        behind = self._heard - end
        samples = self._held[: len(self._held) - behind][-self._window :]
        return Window((end - len(samples)) / self._rate, end / self._rate, samples)
