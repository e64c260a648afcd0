"""What IEMOCAP keeps beside the recordings: evaluations (labels, ratings, votes) and transcriptions, one per dialog."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ser_hf.base.errors import CorpusError, unknown

from ._walk import table_files

EMOTIONS = {
    "anger": "angry",
    "happiness": "happy",
    "excitement": "excited",
    "sadness": "sad",
    "neutral": "neutral",
    "frustration": "frustrated",
    "fear": "fearful",
    "surprise": "surprised",
    "disgust": "disgust",
    "other": "other",
    "no agreement": "undecided",
}
_TURN = re.compile(r"\[[-\d.\s]+\]\s+(\w+)\s+(\w+)\s+\[([^\],]+),([^\],]+),([^\],]+)\]")
_TEXT = re.compile(r"(Ses\w+)\s*\[[-\d.\s]+\]\s*:?\s*(.*)")
_CODES = {
    "ang": "anger",
    "hap": "happiness",
    "exc": "excitement",
    "sad": "sadness",
    "neu": "neutral",
    "fru": "frustration",
    "fea": "fear",
    "sur": "surprise",
    "dis": "disgust",
    "oth": "other",
    "xxx": "no agreement",
}
_VOTES = {**EMOTIONS, "excited": "excited"}  # the raters' words are the labels' but for this one


class Rating(NamedTuple):
    """What an evaluation file says of a turn; ratings from 1 to 5."""

    native: str
    valence: float
    arousal: float
    dominance: float
    votes: tuple[tuple[str, float], ...]


def read_ratings(root: Path) -> dict[str, Rating]:
    """Turn -> what the evaluation files below ``root`` say of it; empty where there are none.

    Raises:
        CorpusError: a line is malformed, or two files rate a turn otherwise.
    """
    ratings: dict[str, Rating] = {}
    for table in _tables(root, "emoevaluation"):
        for name, rating in _read_evaluation(table):
            if ratings.setdefault(name, rating) != rating:
                raise CorpusError(f"{table}: rates {name} otherwise than its copy below {root}; keep one of the two")
    return ratings


def read_texts(root: Path) -> dict[str, str]:
    """Turn -> its words, from the transcriptions below ``root``; empty where there are none.

    Raises:
        CorpusError: no line of a file is the transcription of a turn.
    """
    texts: dict[str, str] = {}
    for table in _tables(root, "transcriptions"):
        lines = [line for _, line in _lines(table) if line]
        matches = [match for match in map(_TEXT.fullmatch, lines) if match]  # remarks between the turns are passed over
        if lines and not matches:
            raise CorpusError(
                f"{table}, line 1: expected lines like `Ses01F_impro01_F000 [006.2901-008.2357]: text`, "
                f"found {lines[0]!r:.80}"
            )
        texts.update((match[1], match[2]) for match in matches if match[2])
    return texts


def _tables(root: Path, folder: str) -> list[Path]:
    """The ``Ses*.txt`` directly in folders of this name, not in ``EmoEvaluation/Categorical`` and the like."""
    tables = table_files(root, frozenset({".txt"}))
    return [t for t in tables if t.parent.name.lower() == folder and t.name.lower().startswith("ses")]


def _lines(table: Path) -> Iterator[tuple[str, str]]:
    """Every line with the words that name its place in a message."""
    text = table.read_text(encoding="utf-8", errors="replace")  # raters' remarks come in any encoding
    for number, line in enumerate(text.splitlines(), start=1):
        yield f"{table}, line {number}", line.strip()


def _read_evaluation(table: Path) -> Iterator[tuple[str, Rating]]:
    turn: tuple[str, Rating] | None = None
    votes: dict[str, float] = {}
    for where, line in _lines(table):
        if line.startswith("["):
            if turn is not None:
                yield _with_votes(turn, votes)
            turn, votes = _read_turn(line, where), {}
        elif line.startswith("C-E"):
            if turn is None:
                raise CorpusError(f"{where}: a rater's line before the first turn: {line!r:.80}")
            words = line.partition(":")[2].partition("(")[0].lower().split(";")
            given = [word.split()[0] for word in words if word.strip()]
            for word in given:
                emotion = _VOTES.get(word, "other")  # a word beyond the list is what "other" means
                votes[emotion] = votes.get(emotion, 0.0) + 1 / len(given)
    if turn is not None:
        yield _with_votes(turn, votes)


def _with_votes(turn: tuple[str, Rating], votes: dict[str, float]) -> tuple[str, Rating]:
    name, rating = turn
    return name, rating._replace(votes=tuple(sorted(votes.items())))


def _read_turn(line: str, where: str) -> tuple[str, Rating]:
    match = _TURN.fullmatch(line)
    if match is None:
        raise CorpusError(
            f"{where}: expected `[start - end] turn emotion [valence, arousal, dominance]`, found {line!r:.80}"
        )
    name, code, *means = match.groups()
    if code not in _CODES:
        raise CorpusError(f"{where}: {unknown('IEMOCAP emotion code', code, _CODES)}")
    try:
        valence, arousal, dominance = map(float, means)
    except ValueError:
        valence = arousal = dominance = math.nan
    if not all(map(math.isfinite, (valence, arousal, dominance))):
        raise CorpusError(f"{where}: expected three numbers [valence, arousal, dominance], found {line!r:.80}")
    return name, Rating(_CODES[code], valence, arousal, dominance, ())
