"""The tables of MSP-Podcast: consensus labels, the raters' choices, transcripts; which of them to read, and how."""

from __future__ import annotations

import csv
import filecmp
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ser_hf.base.errors import CorpusError, unknown
from ser_hf.records import Sex

from ._walk import table_files

CONSENSUS = ("labels_consensus.csv", "labels_concensus.csv")
DETAILED = ("labels_detailed.json",)
EMOTIONS = {
    "anger": "angry",
    "happiness": "happy",
    "sadness": "sad",
    "neutral": "neutral",
    "surprise": "surprised",
    "fear": "fearful",
    "disgust": "disgust",
    "contempt": "contempt",
    "other": "other",
    "no agreement": "undecided",
}
_CODES = dict(zip("AHSNUFDCOX", EMOTIONS, strict=True))
_VOTES = {**EMOTIONS, "angry": "angry", "happy": "happy", "sad": "sad"}
_COLUMNS = ("FileName", "EmoClass", "EmoAct", "EmoVal", "EmoDom", "SpkrID", "Gender", "Split_Set")
_PARTITIONS = {
    "Train": "train",
    "Validation": "validation",
    "Development": "validation",
    "Test": "test",
    "Test1": "test",
    "Test2": "test2",
    "Test3": "test3",
}
_SEXES: dict[str, Sex] = {"female": "female", "male": "male"}

Votes = tuple[tuple[str, float], ...]


class Consensus(NamedTuple):
    """What the table of consensus labels says of a clip; mean ratings from 1 to 7."""

    native: str
    speaker: str | None
    sex: Sex | None
    partition: str | None
    valence: float | None
    arousal: float | None
    dominance: float | None


class SideFiles(NamedTuple):
    """What lies beside the audio: tables (copies of one another, if several) and folders of transcripts."""

    consensus: list[Path]
    detailed: list[Path]
    transcripts: list[Path]


def find_side_files(root: Path) -> SideFiles:
    """Everything below ``root`` but what belongs to former releases, whose labels differ."""
    found = SideFiles([], [], [])
    for path in table_files(root, frozenset({".csv", ".json", ".txt"})):
        folders = [part.lower() for part in path.relative_to(root).parts[:-1]]
        if any(folder.startswith("previous_release") for folder in folders):
            continue
        if path.name.lower() in CONSENSUS:
            found.consensus.append(path)
        elif path.name.lower() in DETAILED:
            found.detailed.append(path)
        elif folders[-1:] == ["transcripts"] and path.parent not in found.transcripts:
            found.transcripts.append(path.parent)
    return found


def read_consensus(tables: list[Path]) -> dict[str, Consensus]:
    """Stem of a file in capitals -> its row.

    Raises:
        CorpusError: the tables differ, or a row is malformed.
    """
    rows: dict[str, Consensus] = {}
    for where, row in _rows(_only(tables)):
        code = row["EmoClass"].upper()
        if not code:  # labels of the last test set are kept back
            continue
        if code not in _CODES:
            raise CorpusError(f"{where}: {unknown('MSP-Podcast emotion code', code, _CODES)}")
        entry = Consensus(
            native=_CODES[code],
            speaker=None if row["SpkrID"].lower() in ("", "unknown") else row["SpkrID"],
            sex=_SEXES.get(row["Gender"].lower()),
            partition=_partition(row["Split_Set"], where),
            valence=_mean(row, "EmoVal", where),
            arousal=_mean(row, "EmoAct", where),
            dominance=_mean(row, "EmoDom", where),
        )
        if rows.setdefault(Path(row["FileName"]).stem.upper(), entry) != entry:
            raise CorpusError(f"{where}: {row['FileName']} is listed before with other values; keep one line")
    return rows


def read_votes(tables: list[Path]) -> dict[str, Votes]:
    """Stem of a file in capitals -> votes, from ``{file: {rater: {"EmoClass_Major": word, ...}}}``.

    Folded while it is read, as the ratings are many times as large as the votes.

    Raises:
        CorpusError: the tables differ, or are not of this form.
    """
    table = _only(tables)
    try:
        with table.open(encoding="utf-8-sig") as text:
            content = json.load(text, object_pairs_hook=_fold)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise CorpusError(f"{table}: not readable as JSON: {error}") from error
    if not isinstance(content, dict) or not all(isinstance(votes, tuple) for votes in content.values()):
        raise CorpusError(f"{table}: expected {{file: {{rater: {{'EmoClass_Major': word}}}}}} throughout")
    return {Path(name).stem.upper(): votes for name, votes in content.items()}


def read_transcript(folders: list[Path], stem: str) -> str | None:
    """The words of a clip from the first folder that has them."""
    for folder in folders:
        path = folder / f"{stem}.txt"
        if path.is_file():
            return path.read_text(encoding="utf-8", errors="replace").strip() or None
    return None


class _Vote(str):
    """The emotion one rater chose; a type of its own, so that raters are told from clips."""

    __slots__ = ()


def _fold(pairs: list[tuple[str, Any]]) -> Any:
    """A rater's object becomes a vote, a clip's object the count of its votes."""
    found = dict(pairs)
    if "EmoClass_Major" in found:
        word = re.split("[^a-z]", str(found["EmoClass_Major"]).strip().lower())[0]
        return _Vote(_VOTES.get(word, "other"))  # "Other-amused" and words of the raters' own
    if pairs and all(isinstance(value, _Vote) for value in found.values()):
        return tuple(sorted((emotion, float(n)) for emotion, n in Counter(map(str, found.values())).items()))
    return found


def _only(tables: list[Path]) -> Path:
    for copy in tables[1:]:
        if not filecmp.cmp(tables[0], copy, shallow=False):
            raise CorpusError(
                f"corpus 'msp_podcast': {tables[0]} and {copy} differ; labels change between releases, so keep the "
                "table of the release at hand, or name the folder of one release"
            )
    return tables[0]


def _rows(table: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Every row with the words that name its place in a message; cells without blanks, absent ones empty."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            columns = reader.fieldnames or ()
            if not {"FileName", "EmoClass"} <= set(columns):
                raise CorpusError(
                    f"{table}, line 1: expected the columns {', '.join(_COLUMNS)}; "
                    f"found: {', '.join(columns) or 'none'}"
                )
            for row in reader:
                yield f"{table}, line {reader.line_num}", {name: (row.get(name) or "").strip() for name in _COLUMNS}
    except (UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{table}: not readable as CSV in UTF-8: {error}") from error


def _partition(text: str, where: str) -> str | None:
    if text and text.capitalize() not in _PARTITIONS:
        raise CorpusError(f"{where}: {unknown('MSP-Podcast partition', text, _PARTITIONS)}")
    return _PARTITIONS.get(text.capitalize())


def _mean(row: Mapping[str, str], column: str, where: str) -> float | None:
    text = row[column]
    if text.lower() in ("", "nan"):
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if not math.isfinite(value):
        raise CorpusError(f"{where}: {column} is {text!r:.40}; expected a number from 1 to 7")
    return value
