"""The tables of MELD: one per split, the only place where the labels are."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ser_hf.base.errors import CorpusError, unknown

from ._walk import table_files

EMOTIONS = {
    "neutral": "neutral",
    "joy": "happy",
    "sadness": "sad",
    "anger": "angry",
    "surprise": "surprised",
    "fear": "fearful",
    "disgust": "disgust",
}
Key = tuple[int, int]
_NAME = re.compile(r"(train|dev|test)_sent_emo\.csv", re.IGNORECASE)
_NEEDED = ("Dialogue_ID", "Utterance_ID", "Emotion", "Speaker", "Utterance")
_COLUMNS = (*_NEEDED, "Season", "Episode")
# Typographic marks that went through Windows-1252 and back come out as control characters in some copies.
_MARKS = {code: bytes([code]).decode("cp1252") for code in (0x85, 0x91, 0x92, 0x93, 0x94, 0x96, 0x97)}


@dataclass(frozen=True, slots=True)
class Utterance:
    """One row: the label in MELD's word, the name of the speaker without blanks, the text and, if told, the episode."""

    emotion: str
    speaker: str
    text: str
    episode: str | None


def read_tables(root: Path) -> dict[str, dict[Key, Utterance]]:
    """Split (``train``, ``dev``, ``test``) -> (dialogue, utterance) -> row, for the tables found below ``root``.

    Raises:
        CorpusError: a table is malformed, or labels a clip otherwise than a row before.
    """
    tables: dict[str, dict[Key, Utterance]] = {}
    for table in table_files(root, frozenset({".csv"})):
        if match := _NAME.fullmatch(table.name):
            rows = tables.setdefault(match[1].lower(), {})
            for line, cells in _lines(table):
                key, row = _row(cells, f"{table}, line {line}")
                if rows.setdefault(key, row) != row:
                    raise CorpusError(
                        f"{table}, line {line}: dialogue {key[0]}, utterance {key[1]} has another row already: "
                        f"{rows[key]}; keep one table per split"
                    )
    return tables


def _lines(table: Path) -> Iterator[tuple[int, dict[str, str | None]]]:
    try:
        text = table.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise CorpusError(f"{table}, line {line}: not UTF-8; fetch the table again") from error
    rows = csv.DictReader(io.StringIO(text, newline=""))
    missing = [column for column in _NEEDED if column not in (rows.fieldnames or ())]
    if missing:
        raise CorpusError(f"{table}, line 1: expected the columns {', '.join(_NEEDED)}; missing: {', '.join(missing)}")
    try:
        yield from ((rows.line_num, row) for row in rows)
    except csv.Error as error:
        raise CorpusError(f"{table}, line {rows.line_num}: not readable as CSV: {error}") from error


def _row(cells: dict[str, str | None], where: str) -> tuple[Key, Utterance]:
    values = {column: (cells.get(column) or "").translate(_MARKS).strip() for column in _COLUMNS}
    key = _number(values, "Dialogue_ID", where), _number(values, "Utterance_ID", where)
    emotion = values["Emotion"].lower()
    if emotion not in EMOTIONS:
        raise CorpusError(f"{where}: {unknown('MELD emotion', values['Emotion'], EMOTIONS)}")
    if not values["Speaker"]:
        raise CorpusError(f"{where}: the speaker is empty; fetch the table again")
    speaker = "-".join(values["Speaker"].split())
    season, episode = values["Season"], values["Episode"]
    told = season.isdecimal() and episode.isdecimal()
    return key, Utterance(
        emotion, speaker, values["Utterance"], f"s{int(season):02d}e{int(episode):02d}" if told else None
    )


def _number(values: dict[str, str], column: str, where: str) -> int:
    if not values[column].isdecimal():
        raise CorpusError(f"{where}: expected a whole number as {column}, found {values[column]!r}")
    return int(values[column])
