"""What crosses from the corpora into the data: the ``Clip`` record and the names of the dataset's columns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

AUDIO = "audio"
LABEL = "label"
NATIVE_LABEL = "native_label"
EMOTION = "emotion"
CORPUS = "corpus"
SPEAKER = "speaker"
SEX = "sex"
LANGUAGE = "language"
SENTENCE = "sentence"
INTENSITY = "intensity"
REPETITION = "repetition"
CHANNEL = "channel"
SESSION = "session"
AGE = "age"
PARTITION = "partition"
LABEL_DISTRIBUTION = "label_distribution"
VALENCE, AROUSAL, DOMINANCE = "valence", "arousal", "dominance"
SOURCE = "source"
AUGMENTATION = "augmentation"
CLIP_ID = "clip_id"
DURATION = "duration"
SAMPLING_RATE = "sampling_rate"
AUDIO_HASH = "audio_hash"
INPUT_FEATURES = "input_features"
LOUDNESS_DB, SNR_DB = "loudness_db", "snr_db"

Sex = Literal["female", "male"]


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording of one emotion by one speaker, as read from its name or table; the audio is not opened.

    Attributes:
        path: the file.
        corpus: registered name of the corpus.
        native_label: the label in the corpus' own word, e.g. ``"anger"``.
        emotion: the harmonised emotion, one of ``ser_hf.labels.EMOTIONS``, or a word of one's own.
        speaker: unique across corpora, e.g. ``"ravdess_01"``; None where nothing is known of the speaker.
        clip_id: unique across corpora, e.g. ``"savee/DC/a01"``.
        sentence: what is said, or an identifier of it that is equal for equal texts.
        channel: ``"speech"``, ``"song"`` or ``"non-speech"`` (laughter, cries).
        session: where clips were recorded together, e.g. ``"Session1"``.
        age: of the speaker, in years, where it is published.
        partition: the corpus' own split: ``train``, ``validation``, ``test`` or a further test set such as ``test2``.
        votes: raters' votes, as (harmonised emotion, number); None where there are none.
        valence: mean rating on the corpus' own scale; the same for ``arousal`` and ``dominance``.
        start: where in the file the clip begins, in seconds; None for a whole file.
        end: where it ends; None for the end of the file.
        source: the clip of the same file that it overlaps, so that no split may part them.
        row: the number of its row, for a clip of a dataset.
    """

    path: Path
    corpus: str
    native_label: str
    emotion: str
    speaker: str | None
    clip_id: str
    sex: Sex | None = None
    language: str | None = None
    sentence: str | None = None
    intensity: str | None = None
    repetition: int | None = None
    channel: Literal["speech", "song", "non-speech"] = "speech"
    session: str | None = None
    age: int | None = None
    partition: str | None = None
    votes: tuple[tuple[str, float], ...] | None = None
    valence: float | None = None
    arousal: float | None = None
    dominance: float | None = None
    start: float | None = None
    end: float | None = None
    source: str | None = None
    row: int | None = None
