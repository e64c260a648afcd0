"""Sound as it comes: from a microphone, a pipe or a network, answered while it goes on."""

from __future__ import annotations

import queue
from collections.abc import Iterable, Iterator
from typing import IO, Any, NamedTuple

import numpy as np

from ser_hf.audio.speech import SpeechDetector, speech_detector
from ser_hf.base.errors import AudioError, SerHfError
from ser_hf.base.optional import require

from .heard import UNSURE, check_confidence
from .listener import Listener
from .sound import resampled
from .timeline import NO_SPEECH
from .windows import Cutter, Window, hear, window_and_hop

_TOGETHER = 32
_BYTES = 1 << 16
_WAITING = 100
"""Blocks of a microphone that may wait; when there are more, the model is too slow for it."""


class Answer(NamedTuple):
    """What a model says of the last seconds.

    Attributes:
        start, end: seconds since the beginning of the window it heard.
        label: a class, `UNSURE` or `NO_SPEECH`.
        classes: name -> probability, the most probable first; empty without speech.
        dimensions: name -> rating; empty without speech, or where the model rates nothing.
        speech: seconds of speech in the window; None where nobody looked.
    """

    start: float
    end: float
    label: str
    classes: dict[str, float]
    dimensions: dict[str, float]
    speech: float | None

    @property
    def confidence(self) -> float | None:
        """Probability of the first class; None without speech."""
        return next(iter(self.classes.values()), None)

    def as_dict(self) -> dict[str, Any]:
        """What JSON says of it."""
        found: dict[str, Any] = {"start": round(self.start, 6), "end": round(self.end, 6), "label": self.label}
        found |= {"confidence": self.confidence, "scores": self.classes}
        found |= {"dimensions": self.dimensions} if self.dimensions else {}
        return found | {"speech": self.speech if self.speech is None else round(self.speech, 3)}


def live(
    model: Listener,
    blocks: Iterable[np.ndarray],
    rate: int,
    *,
    window: float | None = None,
    hop: float | None = None,
    speech: SpeechDetector | str | None = "auto",
    min_confidence: float = 0.0,
) -> Iterator[Answer]:
    """Answers about the last window of a stream, again and again.

    The first answer comes when a window is full, and one more after every hop; what was said is in an answer at most a
    hop and a block later, besides the time the model takes. The windows are those of `ser_hf.inference.segment`,
    without its smoothing: at the end of the stream one more hears what is left. No more is held than a window, a hop
    and a block.

    Args:
        model: of `ser_hf.inference.open_model`.
        blocks: mono float samples ``(n,)`` in [-1, 1], of any sizes, as they come.
        rate: their sampling rate in Hz.
        window: seconds heard at once; by default what the model hears, at most 4.
        hop: seconds from one answer to the next; by default half a window.
        speech: what finds speech, or its name; None takes all for speech.
        min_confidence: where the first class is less probable, the label is `unsure`.

    Raises:
        SerHfError: an option is out of its range, or a block is not such samples.
    """
    check_confidence(min_confidence)
    size, step = window_and_hop(model, window, hop)
    detector = speech_detector(speech) if isinstance(speech, str) else speech
    return _answers(model, resampled(blocks, rate, model.sampling_rate), Cutter(size, step), detector, min_confidence)


def _answers(
    model: Listener,
    blocks: Iterable[np.ndarray],
    cutter: Cutter,
    detector: SpeechDetector | None,
    min_confidence: float,
) -> Iterator[Answer]:
    for block in blocks:
        cuts = cutter.feed(block)
        for start in range(0, len(cuts), _TOGETHER):
            for window in hear(model, cuts[start : start + _TOGETHER], detector):
                yield _answer(model, window, min_confidence)
    for window in hear(model, cutter.finish(), detector):
        yield _answer(model, window, min_confidence)


def _answer(model: Listener, window: Window, min_confidence: float) -> Answer:
    start, end = window.start / model.sampling_rate, window.end / model.sampling_rate
    if window.probabilities is None:
        return Answer(start, end, NO_SPEECH, {}, {}, window.speech)
    classes = model.named(window.probabilities)
    first, share = next(iter(classes.items()))
    ratings = [] if window.dimensions is None else window.dimensions.tolist()
    label = first if share >= min_confidence else UNSURE
    return Answer(start, end, label, classes, dict(zip(model.targets, ratings, strict=True)), window.speech)


def pcm_blocks(stream: IO[bytes]) -> Iterator[np.ndarray]:
    """Blocks of raw 16-bit little-endian mono samples, as soon as they can be read, until the stream ends.

    Args:
        stream: opened for reading bytes, such as ``sys.stdin.buffer``.
    """
    read = getattr(stream, "read1", stream.read)  # read would wait until there is a whole block
    odd = b""
    while data := read(_BYTES):
        data = odd + data
        whole = len(data) - len(data) % 2
        odd = data[whole:]
        if whole:
            yield np.frombuffer(data[:whole], "<i2").astype(np.float32) / np.float32(32768)


def microphone_blocks(rate: int, device: str | int | None = None) -> Iterator[np.ndarray]:
    """Blocks of a tenth of a second from a microphone, until the iterator is closed.

    Args:
        rate: Hz.
        device: name or number of an input; by default that of the system.

    Raises:
        SerHfError: sounddevice or the library PortAudio is missing.
        AudioError: there is no such input, it does not work at this rate, or the model cannot keep up with it.
    """
    return _recorded(_sounddevice(), rate, device)


def _recorded(sound: Any, rate: int, device: str | int | None) -> Iterator[np.ndarray]:
    waiting: queue.Queue[np.ndarray] = queue.Queue(_WAITING)
    lost: list[bool] = []

    def take(samples: np.ndarray, frames: int, time: Any, status: Any) -> None:
        try:
            waiting.put_nowait(samples[:, 0].copy())
        except queue.Full:
            lost.append(True)

    try:
        with sound.InputStream(rate, rate // 10, device, channels=1, dtype="float32", callback=take):
            while not lost:
                yield waiting.get()
    except (sound.PortAudioError, ValueError) as error:
        raise AudioError(f"the microphone cannot be used: {' '.join(str(error).split())}") from error
    raise AudioError("the model is slower than the microphone; use a longer hop, or an ONNX file of the model")


def _sounddevice() -> Any:
    try:
        return require("sounddevice", "live")
    except OSError as error:  # the package is there, and the library it loads is not
        raise SerHfError(
            f"sounddevice does not find PortAudio ({error}); install it (Debian, Ubuntu: apt install libportaudio2), "
            "or pipe the sound in: --stdin"
        ) from error
