"""What the synthetic corpus consists of: true file names of RAVDESS, SAVEE and TESS, and what is said in each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ser_hf.base.errors import CorpusError

_RAVDESS_CODES = {
    "neutral": "01",
    "calm": "02",
    "happy": "03",
    "sad": "04",
    "angry": "05",
    "fearful": "06",
    "disgust": "07",
    "surprised": "08",
}
_RAVDESS_STATEMENTS = {"01": "Kids are talking by the door", "02": "Dogs are sitting by the door"}
_RAVDESS_INTENSITIES = {"01": 0.8, "02": 1.25}

_SAVEE_CODES = {
    "angry": "a",
    "disgust": "d",
    "fearful": "f",
    "happy": "h",
    "neutral": "n",
    "sad": "sa",
    "surprised": "su",
}
_SAVEE_SPEAKERS = ("DC", "JE", "JK", "KL")
_SAVEE_TEXTS = (
    "We will all go home by car today",
    "The old man took his boat over the lake",
    "Please put the letter under the table",
    "Nobody had seen her since the summer",
    "The kettle is boiling in the kitchen",
    "He bought seven apples at the market",
)

_TESS_NAMES = {
    "angry": ("angry", "OAF_angry", "YAF_angry"),
    "disgust": ("disgust", "OAF_disgust", "YAF_disgust"),
    "fearful": ("fear", "OAF_Fear", "YAF_fear"),
    "happy": ("happy", "OAF_happy", "YAF_happy"),
    "neutral": ("neutral", "OAF_neutral", "YAF_neutral"),
    "sad": ("sad", "OAF_Sad", "YAF_sad"),
    "surprised": ("ps", "OAF_Pleasant_surprise", "YAF_pleasant_surprised"),
}
"""Word in the file name and the two folders, spelt as the release spells them."""

_TESS_WORDS = ("back", "bite", "food", "germ", "neat", "chair", "merge", "room", "south", "young")
_TESS_MISSPELT = {"OAF_neutral/OAF_bite_neutral.wav": "OAF_neutral/OA_bite_neutral.wav"}


@dataclass(frozen=True, slots=True)
class Settings:
    """How much is written; see ``write_synthetic``."""

    seed: int
    actors: int
    repetitions: int
    sentences: int
    words: int

    def __post_init__(self) -> None:
        limits = {"actors": 24, "repetitions": 2, "sentences": 15, "words": len(_TESS_WORDS)}
        for name, most in limits.items():
            if not 1 <= getattr(self, name) <= most:
                raise CorpusError(f"synthetic corpus: {name} must be 1 to {most}, not {getattr(self, name)}")
        if self.seed < 0:
            raise CorpusError(f"synthetic corpus: seed must not be negative, not {self.seed}")


@dataclass(frozen=True, slots=True)
class Take:
    """One clip to speak; ``path`` is relative and has slashes."""

    path: str
    speaker: str
    sex: Literal["female", "male"]
    emotion: str
    text: str
    intensity: float
    number: int


def takes(settings: Settings) -> Iterator[Take]:
    """Every clip, always in the same order."""
    yield from _ravdess(settings)
    yield from _savee(settings)
    yield from _tess(settings)


def _ravdess(settings: Settings) -> Iterator[Take]:
    """Odd actors are male, even ones female; neutral exists in normal intensity only."""
    for actor in range(1, settings.actors + 1):
        for emotion, code in _RAVDESS_CODES.items():
            for intensity in ("01",) if emotion == "neutral" else ("01", "02"):
                for statement, text in _RAVDESS_STATEMENTS.items():
                    for repetition in range(1, settings.repetitions + 1):
                        name = f"03-01-{code}-{intensity}-{statement}-{repetition:02d}-{actor:02d}.wav"
                        yield Take(
                            f"ravdess/Actor_{actor:02d}/{name}",
                            f"ravdess {actor:02d}",
                            "male" if actor % 2 else "female",
                            emotion,
                            text,
                            _RAVDESS_INTENSITIES[intensity],
                            repetition,
                        )


def _savee(settings: Settings) -> Iterator[Take]:
    for speaker in _SAVEE_SPEAKERS:
        for emotion, code in _SAVEE_CODES.items():
            for number in range(1, settings.sentences * (2 if emotion == "neutral" else 1) + 1):
                text = _SAVEE_TEXTS[(number - 1) % len(_SAVEE_TEXTS)]
                path = f"savee/AudioData/{speaker}/{code}{number:02d}.wav"
                yield Take(path, f"savee {speaker}", "male", emotion, text, 1.0, number)


def _tess(settings: Settings) -> Iterator[Take]:
    for i, speaker in enumerate(("OAF", "YAF")):
        for emotion, (label, *folders) in _TESS_NAMES.items():
            for word in _TESS_WORDS[: settings.words]:
                path = f"{folders[i]}/{speaker}_{word}_{label}.wav"
                path = f"tess/{_TESS_MISSPELT.get(path, path)}"
                yield Take(path, f"tess {speaker}", "female", emotion, f"Say the word {word}", 1.0, 1)
