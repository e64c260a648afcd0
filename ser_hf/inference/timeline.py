"""What a model says of a long recording: segments of one emotion each, and a verdict of the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ser_hf.audio.speech import LEAST

from .heard import UNSURE

NO_SPEECH = "no speech"
"""Said in place of a class where nobody speaks."""


class Segment(NamedTuple):
    """A stretch of one emotion, or without speech.

    Attributes:
        start, end: seconds.
        label: a class, `UNSURE` or `NO_SPEECH`.
        classes: name -> mean of the smoothed probabilities, the most probable first; empty where nobody speaks.
        dimensions: name -> mean rating; empty where nobody speaks, or the model rates nothing.
        speech: seconds of speech in it; None where nobody looked.
        speaker: who speaks, where turns were given.
    """

    start: float
    end: float
    label: str
    classes: dict[str, float]
    dimensions: dict[str, float]
    speech: float | None = None
    speaker: str | None = None

    @property
    def confidence(self) -> float | None:
        """Probability of the first class; None without speech."""
        return next(iter(self.classes.values()), None)

    @property
    def spoken(self) -> bool:
        """Whether somebody speaks."""
        return bool(self.classes)

    def as_dict(self) -> dict[str, Any]:
        """What JSON says of it."""
        found: dict[str, Any] = {"start": round(self.start, 6), "end": round(self.end, 6), "label": self.label}
        found |= {} if self.speaker is None else {"speaker": self.speaker}
        return found | {"confidence": self.confidence} | _told(self.classes, self.dimensions, self.speech)


class Verdict(NamedTuple):
    """One answer for a whole recording, or for all that one speaker says in it.

    Attributes:
        classes: name -> mean probability over the windows, each counted by the seconds of speech in its own part, the
            most probable first; empty where nothing was heard.
        dimensions: name -> mean rating, likewise.
        speech: seconds of speech; None where nobody looked.
        seconds: how long it is.
        sure_from: the probability the first class needs to be the answer.
        shares: label -> its share of the time of all segments with speech, the largest first.
    """

    classes: dict[str, float]
    dimensions: dict[str, float]
    speech: float | None
    seconds: float
    sure_from: float
    shares: dict[str, float]

    @property
    def confidence(self) -> float | None:
        """Probability of the first class; None where nothing was heard."""
        return next(iter(self.classes.values()), None)

    @property
    def label(self) -> str:
        """The first class; `UNSURE` where it is less probable than ``sure_from``; `NO_SPEECH`.

        >>> Verdict({"sad": 0.6, "calm": 0.4}, {}, 2.0, 9.0, 0.7, {"sad": 1.0}).label
        'unsure'
        """
        if not self.classes or (self.speech is not None and self.speech < LEAST):
            return NO_SPEECH
        first, share = next(iter(self.classes.items()))
        return first if share >= self.sure_from else UNSURE

    def as_dict(self) -> dict[str, Any]:
        """What JSON says of it."""
        found = {"label": self.label, "confidence": self.confidence, "seconds": round(self.seconds, 6)}
        return found | _told(self.classes, self.dimensions, self.speech) | {"shares": self.shares}


@dataclass(frozen=True)
class Timeline:
    """A recording from beginning to end.

    Attributes:
        name: of the recording.
        duration: seconds.
        labels: class names, in the order of the model's outputs.
        targets: names of the ratings it gives.
        window, hop: seconds of a window, and from one to the next.
        min_confidence: the probability a class needs to be said.
        segments: they follow each other without a gap from 0 to ``duration``, the stretches without speech among them.
        speech: start and end, in seconds, of what the detector took for speech; empty where nobody looked.
        starts, ends: seconds of the windows ``(N,)``, in order.
        probabilities: what the model said of each, ``(N, C)`` float32, as it was; NaN where there was no speech.
        smoothed: the same, averaged with their neighbours: what the segments go by.
        verdict: of the whole.
        speakers: name -> verdict of all a speaker says, where turns were given.
        envelope: smallest and largest sample in equal parts of the recording, ``(P, 2)``, for a picture.
        edges: seconds between which the parts lie, ``(P + 1,)``.
    """

    name: str
    duration: float
    labels: tuple[str, ...]
    targets: tuple[str, ...]
    window: float
    hop: float
    min_confidence: float
    segments: tuple[Segment, ...]
    speech: tuple[tuple[float, float], ...]
    starts: np.ndarray
    ends: np.ndarray
    probabilities: np.ndarray
    smoothed: np.ndarray
    verdict: Verdict
    speakers: Mapping[str, Verdict] = field(default_factory=dict)
    envelope: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    edges: np.ndarray = field(default_factory=lambda: np.zeros(1))

    def as_dict(self) -> dict[str, Any]:
        """Everything but the envelope, for JSON."""
        rows = zip(self.starts.tolist(), self.ends.tolist(), self.probabilities.astype(float), strict=True)
        return {
            "file": self.name,
            "seconds": round(self.duration, 6),
            "verdict": self.verdict.as_dict(),
            "speakers": {name: verdict.as_dict() for name, verdict in self.speakers.items()},
            "segments": [segment.as_dict() for segment in self.segments],
            "labels": list(self.labels),
            "window": self.window,
            "hop": self.hop,
            "min_confidence": self.min_confidence,
            "speech": [[round(start, 6), round(end, 6)] for start, end in self.speech],
            "windows": [
                {
                    "start": round(start, 6),
                    "end": round(end, 6),
                    "probabilities": None if np.isnan(shares).any() else [round(share, 6) for share in shares.tolist()],
                }
                for start, end, shares in rows
            ],
        }


def _told(classes: dict[str, float], dimensions: dict[str, float], speech: float | None) -> dict[str, Any]:
    found: dict[str, Any] = {"speech": speech if speech is None else round(speech, 3), "scores": classes}
    return found | ({"dimensions": dimensions} if dimensions else {})
