"""A recording from the page, as what the page shows of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from ser_hf.audio.bounded import BoundedDecoder, Decoded
from ser_hf.audio.speech import speech_detector
from ser_hf.base.errors import SerHfError
from ser_hf.inference import Heard, Listener, plot_timeline, segment
from ser_hf.reporting.clip_picture import write_clip

from .limits import Limits

LONG = 1.5
"""Windows of a model from which on a recording is shown over time."""
_LONG_SECONDS = 8.0
"""The same for models that hear all."""


@dataclass(frozen=True)
class Shown:
    """What the page shows.

    Attributes:
        label: the answer: a class, ``"unsure"`` or ``"no speech"``.
        classes: class -> probability, the most probable first.
        facts: about the recording and the answer, short.
        warning: what must be known of it, or None.
        clip: waveform and spectrogram, PNG.
        attention: where the model looked, PNG; None where it has no attention, or heard windows.
        timeline: emotion over time, PNG; None for short recordings.
        segments: start, end, label and confidence of a long one.
    """

    label: str
    classes: dict[str, float]
    facts: tuple[str, ...]
    warning: str | None
    clip: Path
    attention: Path | None = None
    timeline: Path | None = None
    segments: list[tuple[float, float, str, float | None]] = field(default_factory=list)


class Hearing:
    """Hears recordings for the page.

    Args:
        model: open.
        limits: what is taken.
    """

    def __init__(self, model: Listener, limits: Limits) -> None:
        self.model, self.limits = model, limits
        self._detector = speech_detector(limits.vad)
        self._decoder = BoundedDecoder(
            model.sampling_rate, limits.max_seconds, limits.decode_seconds, workers=1, speech=limits.vad
        )

    def close(self) -> None:
        """Ends the process that decodes."""
        self._decoder.close()

    def hear(self, file: Path, name: str, folder: Path) -> Shown:
        """Hears a recording, and draws it.

        Args:
            file: as it was sent.
            name: how people call it.
            folder: where the pictures go.

        Raises:
            AudioError: it cannot be used; the line says why.
        """
        sound = folder / "sound.wav"
        decoded = self._decoder.decode(file, name, into=sound)
        samples = soundfile.read(sound, dtype="float32")[0]
        window = self.model.window
        long = decoded.seconds > (LONG * window if np.isfinite(window) else _LONG_SECONDS)
        write_clip(samples, self.model.sampling_rate, folder / "clip.png")
        if long and not self.model.one_speaker_a_call:
            return self._over_time(sound, name, folder)
        return self._at_once(samples, sound, name, folder, decoded)

    def _at_once(self, samples: np.ndarray, sound: Path, name: str, folder: Path, decoded: Decoded) -> Shown:
        scores = self.model.score([samples])
        ratings = [] if scores.dimensions is None else scores.dimensions[0].tolist()
        rated = dict(zip(self.model.targets, ratings, strict=True))
        classes = self.model.named(scores.probabilities[0])
        heard = Heard(classes, rated, decoded.speech, decoded.seconds, self.limits.min_confidence)
        facts = [f"{heard.seconds:.1f} s", f"{decoded.speech or 0:.1f} s of speech"]
        facts += [f"{target} {value:.2f}" for target, value in rated.items()]
        attention = self._attention(sound, name, folder)
        return Shown(heard.label, classes, tuple(facts), heard.warning, folder / "clip.png", attention)

    def _attention(self, sound: Path, name: str, folder: Path) -> Path | None:
        """Draws where the model looked, if it can be told."""
        from ser_hf.inference.attention import attend
        from ser_hf.reporting.attention import write_attention

        try:
            attended = attend(self.model, sound)
        except SerHfError:  # no attention, no spectrogram, or an ONNX file
            return None
        write_attention(dataclasses.replace(attended, clip=name), folder / "attention.png")
        return folder / "attention.png"

    def _over_time(self, sound: Path, name: str, folder: Path) -> Shown:
        found = segment(self.model, sound, speech=self._detector, min_confidence=self.limits.min_confidence)
        found = dataclasses.replace(found, name=name)
        plot_timeline(found, folder / "timeline.png")
        verdict = found.verdict
        facts = [
            f"{verdict.seconds:.1f} s",
            f"{verdict.speech or 0:.1f} s of speech",
        ]
        facts += [f"{target} {value:.2f}" for target, value in verdict.dimensions.items()]
        return Shown(
            label=verdict.label,
            classes=verdict.classes,
            facts=tuple(facts),
            warning=None if verdict.classes else "nobody speaks in it, as far as can be told",
            clip=folder / "clip.png",
            timeline=folder / "timeline.png",
            segments=[(one.start, one.end, one.label, one.confidence) for one in found.segments],
        )
