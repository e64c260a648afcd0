"""The tables beside CREMA-D's recordings: who speaks, and what those who only heard a clip voted for."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ser_hf.base.errors import CorpusError
from ser_hf.records import Sex

from ._walk import table_files

People = Mapping[str, tuple[Sex, int]]
"""Actor -> sex and age in years."""

Votes = Mapping[str, tuple[tuple[str, float], ...]]
"""File stem -> harmonised emotion and number of votes, of emotions with any."""

_PEOPLE = ("VideoDemographics.csv",)
_VOTES = ("processedResults", "tabulatedVotes.csv")
_SEXES: dict[str, Sex] = {"Female": "female", "Male": "male"}
_LETTERS = {"A": "angry", "D": "disgust", "F": "fearful", "H": "happy", "N": "neutral", "S": "sad"}


def read_people(root: Path) -> People:
    """Reads the actors' sex and age; empty where there is no table.

    Raises:
        CorpusError: the table lacks a column, or a row is not what it should be.
    """
    people: dict[str, tuple[Sex, int]] = {}
    for where, (actor, sex, age) in _rows(root, _PEOPLE, ("ActorID", "Sex", "Age")):
        if sex not in _SEXES or not age.isdecimal():
            raise CorpusError(f"{where}: expected Female or Male and an age in years, found {sex!r} and {age!r}")
        people[actor] = _SEXES[sex], int(age)
    return people


def read_votes(root: Path) -> Votes:
    """Reads the votes on the voice alone; empty where there is no table.

    An index that begins with 1 is a vote on the voice, with 2 on the face, with 3 on both.

    Raises:
        CorpusError: the table lacks a column, or a row is not what it should be.
    """
    votes: dict[str, tuple[tuple[str, float], ...]] = {}
    for where, (index, name, *counts) in _rows(root, _VOTES, ("", "fileName", *_LETTERS)):
        if not re.fullmatch("[123][0-9]{5}", index) or not all(count.isdecimal() for count in counts):
            raise CorpusError(f"{where}: expected an index such as 100001 and six counts, found {index!r}, {counts}")
        if index.startswith("1"):
            pairs = zip(_LETTERS.values(), map(float, counts), strict=True)
            votes[name] = tuple(pair for pair in pairs if pair[1])
    return votes


def _rows(root: Path, name: tuple[str, ...], columns: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    """Where it is, and the named columns, of every row of a table; nothing where there is no such table."""
    table = _find(root, name)
    if table is None:
        return
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            for column in columns:
                if column not in (rows.fieldnames or ()):
                    raise CorpusError(f"{table}, line 1: expected a column {column!r}, found {rows.fieldnames}")
            for row in rows:
                yield f"{table}, line {rows.line_num}", [row[column] or "" for column in columns]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{table} is not a readable table: {error}") from error


def _find(root: Path, name: tuple[str, ...]) -> Path | None:
    """A table anywhere below ``root``, else where the release has it when ``root`` is the folder of the audio."""
    below = (p for p in table_files(root, frozenset({".csv"})) if p.name.lower() == name[-1].lower())
    beside = root.resolve().parent.joinpath(*name)
    return next(below, beside if beside.is_file() else None)
