"""Long recordings, for ``/v1/segments``."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser_hf.inference import Listener, Scores, segment
from ser_hf.inference.segment_formats import FORMATS as WRITERS

if TYPE_CHECKING:
    from .service import Service

FORMATS = {
    form: {"json": "application/json", "csv": "text/csv", "vtt": "text/vtt"}.get(form, "text/plain") for form in WRITERS
}
"""Format -> its content type."""


class Together(Listener):
    """A model whose windows are scored in the batches of a service, for threads beside its event loop.

    Args:
        service: running in ``loop``.
        loop: its event loop.
    """

    def __init__(self, service: Service, loop: asyncio.AbstractEventLoop) -> None:
        self._service, self._loop = service, loop
        model = service.model
        self.labels, self.targets, self.sampling_rate = model.labels, model.targets, model.sampling_rate
        self.window, self.one_speaker_a_call = model.window, model.one_speaker_a_call

    def score(self, waveforms: Sequence[np.ndarray]) -> Scores:
        """See `Listener.score`."""
        return asyncio.run_coroutine_threadsafe(self._service.score(waveforms), self._loop).result()


def hear_all(model: Together, service: Service, file: Path, name: str, form: str) -> str:
    """The timeline of a recording as text of a format.

    Args:
        model: scores.
        service: whose settings hold.
        file: mono WAV.
        name: of the recording.
        form: one of `FORMATS`.

    Raises:
        SerHfError: the recording cannot be used, or the model hears no window alone.
    """
    found = segment(model, file, speech=service.detector, min_confidence=service.settings.min_confidence)
    text: str = WRITERS[form][1](dataclasses.replace(found, name=name))
    return text
