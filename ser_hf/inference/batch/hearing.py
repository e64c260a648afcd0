"""One recording, decoded: its samples and the seconds of speech in it, or why it cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ser_hf.audio.decode import LONGEST, check_form
from ser_hf.audio.load import load
from ser_hf.audio.parts import span
from ser_hf.audio.speech import SpeechDetector, speech_detector
from ser_hf.base.errors import AudioError, SerHfError

from .item import Item


class Sound(NamedTuple):
    """What was made of a recording.

    Attributes:
        samples: mono float32 ``(n,)``; None where it cannot be used.
        speech: seconds; None where nobody looked.
        error: why it cannot be used.
    """

    samples: np.ndarray | None = None
    speech: float | None = None
    error: str | None = None


@dataclass(frozen=True)
class Settings:
    """How recordings are read.

    Attributes:
        rate: Hz the samples are wanted at.
        max_duration: seconds; a longer recording cannot be used.
        speech: what finds speech, by its name; None does not look.
    """

    rate: int
    max_duration: float = LONGEST
    speech: str | None = None


def hearer(settings: Settings) -> Callable[[Item], Sound]:
    """What decodes items one by one; nothing that is wrong with one of them ends it."""
    detector = None if settings.speech is None else speech_detector(settings.speech)
    return lambda item: _hear(item, settings, detector)


def _hear(item: Item, settings: Settings, detector: SpeechDetector | None) -> Sound:
    if item.error is not None:
        return Sound(error=item.error)
    try:
        samples = _samples(item, settings)
    except (SerHfError, OSError) as error:
        return Sound(error=" ".join(str(error).split()))
    return Sound(samples, None if detector is None else detector.seconds(samples, settings.rate))


def _samples(item: Item, settings: Settings) -> np.ndarray:
    if item.data is None:
        return load(item.called, settings.rate, max_duration=settings.max_duration)
    if item.start is None:
        return load(item.data, settings.rate, item.called, settings.max_duration)
    whole = load(item.data, settings.rate, item.called, LONGEST)
    first, last = span(len(whole), settings.rate, item.start, item.end, item.called)
    check_form(item.called, last - first, settings.rate, settings.max_duration)
    if last <= first:
        raise AudioError(f"{item.called} holds no samples between {item.start:g} and {item.end:g} s")
    return whole[first:last]
