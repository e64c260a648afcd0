"""Recordings of any length, heard from beginning to end."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from ser_hf.audio.envelope import Envelope
from ser_hf.audio.speech import SpeechDetector, speech_detector
from ser_hf.base.errors import AudioError, SerHfError

from .assembly import Settings, assemble
from .heard import check_confidence
from .listener import Listener
from .segments import PAUSE
from .sound import name_of, sound_of
from .timeline import Timeline
from .turns import Turn, read_turns, sample_spans
from .windows import Cut, Cutter, Window, hear, window_and_hop

SMOOTHING = 3
"""Windows of which the running mean is taken."""
SHORTEST = 1.0
"""Seconds: a shorter segment goes to its neighbour."""
_TOGETHER = 8
"""Windows computed at once: of 32 a CPU's caches hold less than they take (`ser-hf bench windows`)."""


def segment(
    model: Listener,
    source: Any,
    sampling_rate: int | None = None,
    *,
    window: float | None = None,
    hop: float | None = None,
    speech: SpeechDetector | str | None = "auto",
    smoothing: int = SMOOTHING,
    shortest: float = SHORTEST,
    pause: float = PAUSE,
    min_confidence: float = 0.0,
    turns: str | Path | Sequence[Turn] | None = None,
    max_duration: float = math.inf,
    progress: Callable[[float], None] | None = None,
) -> Timeline:
    """Hears all of a recording, window by window, and tells which emotion is where.

    A file is read in blocks and never held whole. Windows with less than 0.3 s of speech are not given to the model.
    The probabilities of neighbouring windows are averaged; each window answers for the part of the recording nearest to
    its middle, as far as somebody speaks there, and parts that agree are one segment.

    Args:
        model: of `ser_hf.inference.open_model`.
        source: a path, or whatever `Listener.listen` takes for one recording.
        sampling_rate: Hz of what is given as bare samples.
        window: seconds heard at once; by default what the model hears, at most 4.
        hop: seconds from one window to the next; by default half a window.
        speech: what finds speech, or its name (see `ser_hf.audio.speech.speech_detector`); None takes all for speech.
        smoothing: windows of which the running mean is taken, an odd number; 1 leaves them as they are.
        shortest: seconds; a shorter segment goes to the longer of the neighbours it touches.
        pause: seconds without speech that do not part two segments.
        min_confidence: where the most probable class is less probable than this, the label is `unsure`.
        turns: who speaks when: an RTTM file (see `ser_hf.inference.turns.read_turns`), or turns. Then every turn is
            heard for itself, no window and no segment crosses from one to another, and what lies outside of all turns
            is without speech. Where turns overlap, the one who began last is taken to be heard.
        max_duration: seconds; a longer recording is refused when that much was heard.
        progress: called with the seconds that were heard so far.

    Raises:
        AudioError: the recording is not readable, holds no samples, or is too long.
        SerHfError: an option is out of its range, the turns are not those of the recording, or the model compares the
            clips of one speaker with each other.
    """
    size, step = window_and_hop(model, window, hop)
    settings = _checked(Settings(size, step, smoothing, shortest, pause, min_confidence))
    detector = speech_detector(speech) if isinstance(speech, str) else speech
    name, rate = name_of(source), model.sampling_rate
    who = read_turns(turns, name) if isinstance(turns, str | Path) else turns
    asked = None if who is None else sample_spans(who, rate)
    cutter = Cutter(size, step, None if asked is None else [(start, end) for start, end, _ in asked])
    envelope = Envelope()
    windows: list[Window] = []
    cuts = _cuts(_watched(sound_of(source, rate, sampling_rate), envelope, max_duration * rate, name), cutter)
    while some := list(islice(cuts, _TOGETHER)):
        windows += hear(model, some, detector)
        if progress is not None:
            progress(windows[-1].end / rate)
    if not cutter.total:
        raise AudioError(f"{name} holds no samples")
    spans = _spans(asked, cutter.total, f"{turns}" if isinstance(turns, str | Path) else "the turns", rate)
    found = assemble(model, name, cutter.total, windows, spans, settings, detector is not None)
    return dataclasses.replace(found, envelope=envelope.parts(), edges=envelope.edges(cutter.total) / rate)


def _checked(settings: Settings) -> Settings:
    check_confidence(settings.min_confidence)
    if settings.smoothing < 1 or settings.smoothing % 2 == 0:
        raise SerHfError(f"smoothing is {settings.smoothing}; expected an odd number of windows: 1, 3, 5, ...")
    for name in ("shortest", "pause"):
        if not 0 <= (value := getattr(settings, name)) < math.inf:
            raise SerHfError(f"{name} is {value:g}; expected seconds, not below 0")
    return settings


def _cuts(blocks: Iterable[Any], cutter: Cutter) -> Iterator[Cut]:
    for block in blocks:
        yield from cutter.feed(block)
    yield from cutter.finish()


def _watched(blocks: Iterable[Any], envelope: Envelope, most: float, name: str) -> Iterator[Any]:
    """The blocks, which are drawn in passing and counted."""
    total = 0
    for block in blocks:
        total += len(block)
        if total > most:
            raise AudioError(f"{name} is longer than max_duration; cut it, or raise the limit")
        envelope.add(block)
        yield block


def _spans(
    asked: Sequence[tuple[int, int, str]] | None, total: int, called: str, rate: int
) -> list[tuple[int, int, str | None]]:
    """The stretches that were heard: the turns as far as the recording goes, or all of it."""
    if asked is None:
        return [(0, total, None)]
    found: list[tuple[int, int, str | None]] = [(start, min(end, total), who) for start, end, who in asked]
    if asked and asked[0][0] >= total:
        raise SerHfError(
            f"{called}: the first one begins at {asked[0][0] / rate:g} s, and the recording ends at "
            f"{total / rate:g} s; give the turns of this recording"
        )
    return [one for one in found if one[0] < one[1]]
