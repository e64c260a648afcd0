"""What every model at work has in common, PyTorch's and onnxruntime's: recordings of any kind in, answers out."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from ser_hf.audio.accepted import is_one, recordings
from ser_hf.audio.decode import LONGEST
from ser_hf.audio.speech import SpeechDetector, speech_detector
from ser_hf.base.errors import SerHfError

from .heard import Heard, check_confidence

logger = logging.getLogger(__name__)


class Scores(NamedTuple):
    """What a model says of waveforms.

    Attributes:
        probabilities: ``(N, C)`` float32, columns as in ``Listener.labels``.
        dimensions: ratings ``(N, T)`` of ``Listener.targets``; None where it has none.
    """

    probabilities: np.ndarray
    dimensions: np.ndarray | None = None


class Listener(ABC):
    """A model that classifies recordings.

    Attributes:
        labels: class names, in the order of the model's outputs.
        targets: names of the ratings it gives; mostly none.
        sampling_rate: Hz it works at.
        window: seconds of a recording it hears at once, of longer ones the middle; infinite where it hears all.
        one_speaker_a_call: whether the clips of one call are compared with each other, so that they must be of one
            speaker.
    """

    labels: tuple[str, ...]
    targets: tuple[str, ...] = ()
    sampling_rate: int
    window: float
    one_speaker_a_call: bool = False

    @abstractmethod
    def score(self, waveforms: Sequence[np.ndarray]) -> Scores:
        """What it says of mono float32 waveforms ``(n,)`` of any lengths at ``sampling_rate``; at least one.

        Neighbours change nothing, but for a model of ``one_speaker_a_call``.
        """

    def score_and_embed(self, waveforms: Sequence[np.ndarray]) -> tuple[Scores, np.ndarray]:
        """The same as `score`, and an embedding ``(D,)`` float32 of every waveform: what its last layer takes.

        Raises:
            SerHfError: it gives none; see `no_embeddings`.
        """
        raise SerHfError(self.no_embeddings())

    def no_embeddings(self) -> str | None:
        """Why it gives no embeddings; None where it does."""
        return "a model of this kind gives scores alone, and no embeddings"

    def __call__(self, clips: Any, sampling_rate: int | None = None, **options: Any) -> Any:
        """Class name -> probability, the most probable first: of one recording, or a list for many; see `listen`.

        Where there is too little speech to go by, a warning is logged; `listen` tells it with the answer.
        """
        heard = self.listen(clips, sampling_rate, **options)
        if isinstance(heard, Heard):
            return _told(0, heard)
        if isinstance(heard, list):
            return [_told(i, one) for i, one in enumerate(heard)]
        return (_told(i, one) for i, one in enumerate(heard))

    def listen(
        self,
        clips: Any,
        sampling_rate: int | None = None,
        batch_size: int = 32,
        max_duration: float = LONGEST,
        min_confidence: float = 0.0,
        speech: SpeechDetector | str | None = "auto",
    ) -> Any:
        """Classifies recordings, and rates them where the model does.

        Args:
            clips: one recording or many, in whatever form; see `ser_hf.audio.accepted.recording`.
            sampling_rate: Hz of what is given as bare samples.
            batch_size: clips held at a time.
            max_duration: seconds; a recording that is longer is refused.
            min_confidence: a clip whose first class is less probable than this is `unsure`.
            speech: what finds speech, or its name (see `ser_hf.audio.speech.speech_detector`); None does not look.

        Returns:
            A `Heard` for one recording, a list of them for many; for an iterator (a generator, a stream) an iterator,
            which takes ``batch_size`` clips at a time.

        Raises:
            AudioError: one cannot be used; the message names it.
            SerHfError: an option is out of its range.
        """
        check_confidence(min_confidence)
        detector = speech_detector(speech) if isinstance(speech, str) else speech
        one = is_one(clips)
        found = self._listen(
            [clips] if one else clips, sampling_rate, batch_size, max_duration, min_confidence, detector
        )
        if one:
            return next(found)
        return found if isinstance(clips, Iterator) else list(found)

    def _listen(
        self,
        clips: Iterable[Any],
        sampling_rate: int | None,
        batch_size: int,
        max_duration: float,
        min_confidence: float,
        detector: SpeechDetector | None,
    ) -> Iterator[Heard]:
        rate = self.sampling_rate
        waveforms = (samples for _, samples in recordings(clips, rate, sampling_rate, max_duration))
        while batch := list(waveforms if self.one_speaker_a_call else islice(waveforms, batch_size)):
            found = self.score(batch)
            for i, samples in enumerate(batch):
                ratings = [] if found.dimensions is None else found.dimensions[i].tolist()
                yield Heard(
                    self.named(found.probabilities[i]),
                    dict(zip(self.targets, ratings, strict=True)),
                    None if detector is None else detector.seconds(samples, rate),
                    len(samples) / rate,
                    min_confidence,
                )

    def named(self, shares: np.ndarray) -> dict[str, float]:
        """Class name -> probability of ``(C,)``, the most probable first."""
        order = np.argsort(-shares, kind="stable")
        return {self.labels[i]: float(shares[i]) for i in order}


def _told(number: int, heard: Heard) -> dict[str, float]:
    if heard.warning:
        logger.warning("clip %d: %s", number, heard.warning)
    return heard.classes
