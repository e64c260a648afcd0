"""How recordings of one's own are read: which column says what, and what a row says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ser_hf.base.errors import CorpusError
from ser_hf.base.tables import column, column_name
from ser_hf.records import Sex

from ._times import seconds

COLUMNS = {
    "path": (
        *("path", "file", "file_name", "filename", "file_path", "filepath", "file_id", "wav", "wav_path", "wav_file"),
        *("audio", "audio_path", "audio_file", "recording"),
    ),
    "label": ("label", "emotion", "class", "category", "emotion_label", "emoclass", "labels", "emotions"),
    "speaker": ("speaker", "speaker_id", "spk", "spk_id", "spkr", "spkrid", "subject", "actor", "speakers"),
    "sex": ("sex", "gender"),
    "language": ("language", "lang", "locale"),
    "sentence": ("sentence", "text", "transcript", "transcription", "raw_text"),
    "partition": ("split", "partition", "subset", "split_set"),
    "session": ("session", "session_id"),
    "age": ("age",),
    "start": ("start", "begin", "onset", "start_time", "start_s"),
    "end": ("end", "stop", "offset", "end_time", "end_s"),
    "valence": ("valence", "emoval"),
    "arousal": ("arousal", "activation", "emoact"),
    "dominance": ("dominance", "emodom"),
}
"""What a row may say -> the usual names of its column."""

CHOSEN = {"path": "audio_column", "label": "label_column", "speaker": "speaker_column", "partition": "split_column"}
"""What a row may say -> the option that names its column."""

_NOTHING = frozenset({"", "nan", "none", "null", "na", "n/a", "<na>", "nat"})
_SEXES: dict[str, Sex] = {
    **dict.fromkeys(("female", "f", "woman", "w"), "female"),
    **dict.fromkeys(("male", "m", "man"), "male"),
}
_NO_SEX = frozenset({"unknown", "other", "diverse", "o", "u", "x"})
PARTITIONS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "devel", "development"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}
"""Names of splits -> ours."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What somebody says of recordings of their own; the rest is found.

    Attributes:
        labels: label as it is written -> the word or emotion it stands for, over the words that are known.
        audio_column: the column with the recording, or its path; lower case, blanks are underscores.
        label_column: the column with the label.
        speaker_column: the column with the speaker.
        split_column: the column with the split, for the protocol ``official``.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    audio_column: str | None = None
    label_column: str | None = None
    speaker_column: str | None = None
    split_column: str | None = None

    def names(self, what: str) -> tuple[str, ...]:
        """The columns that may say ``what``, one of `COLUMNS`."""
        chosen = getattr(self, CHOSEN[what]) if what in CHOSEN else None
        return COLUMNS[what] if chosen is None else (column_name(chosen),)

    def check(self, where: str, columns: Iterable[str], needed: Iterable[str] = ("path", "label")) -> list[str]:
        """Checks that the columns that are needed, or were named, are there; gives those that nothing is read from.

        Raises:
            CorpusError: one of them is not.
        """
        there = [column_name(name) for name in columns]
        shown = ", ".join(there)
        for what, option in CHOSEN.items():
            if getattr(self, option) is not None and self.names(what)[0] not in there:
                raise CorpusError(f"{where}: no column {getattr(self, option)!r} ({option}); columns found: {shown}")
        for what in needed:
            if not set(self.names(what)) & set(there):
                raise CorpusError(
                    f"{where}: no column with the {what} ({', '.join(self.names(what)[:3])} ...); columns found: "
                    f"{shown}. Name it by --{CHOSEN[what]}"
                )
        used = {name for what in COLUMNS for name in self.names(what)}
        return [name for name in there if name not in used]


def cell(row: Mapping[str, Any], what: str, reading: Reading, where: str) -> str | None:
    """What a row says of ``what``, without words for nothing (``nan``, ``None``); None where it says nothing.

    Raises:
        CorpusError: two columns say different things.
    """
    said: dict[str, str] = {}
    for name in reading.names(what):
        if name in row and (text := column(row, (name,))) is not None and text.lower() not in _NOTHING:
            said[name] = text
    if len(set(said.values())) > 1:
        both = " and ".join(f"{name} {value!r}" for name, value in said.items())
        option = f", or name it by --{CHOSEN[what]}" if what in CHOSEN else ""
        raise CorpusError(f"{where}: {both} could each be the {what}; keep one of these columns{option}")
    return next(iter(said.values()), None)


def fields_of(row: Mapping[str, Any], reading: Reading, where: str) -> dict[str, Any]:
    """The fields of a ``Clip`` that stand in a row beside its path and label; the speaker in its own words.

    Raises:
        CorpusError: a value is none of those that can be.
    """
    said = {what: cell(row, what, reading, where) for what in COLUMNS if what not in ("path", "label")}
    partition, (start, end) = said["partition"], part_of(row, reading, where)
    return {
        "speaker": said["speaker"],
        "sex": _sex(said["sex"], where),
        "language": said["language"],
        "sentence": said["sentence"],
        "session": said["session"],
        "partition": PARTITIONS.get(partition.lower(), partition.lower()) if partition else None,
        "age": _age(said["age"]),
        "start": start,
        "end": end,
        **{name: _rating(said[name], name, where) for name in ("valence", "arousal", "dominance")},
    }


def part_of(row: Mapping[str, Any], reading: Reading, where: str) -> tuple[float | None, float | None]:
    """Start and end of the part of the file that a row means, in seconds; both None for the whole file.

    Raises:
        CorpusError: one is no time, or the part ends before it starts.
    """
    start, end = (cell(row, what, reading, where) for what in ("start", "end"))
    begins = seconds(start, f"{where}: start") if start else None
    ends = seconds(end, f"{where}: end") if end else None
    if ends is not None and ends <= (begins or 0):
        raise CorpusError(f"{where}: the segment ends at {ends:g} s and starts at {begins or 0:g} s")
    return begins if begins or ends is not None else None, ends


def _sex(text: str | None, where: str) -> Sex | None:
    word = (text or "").lower()
    if word and word not in _SEXES and word not in _NO_SEX:
        raise CorpusError(f"{where}: unknown sex {text!r}; expected female, male or nothing")
    return _SEXES.get(word)


def _age(text: str | None) -> int | None:
    """Whole years; a range such as ``20-29`` says none."""
    return int(float(text)) if text and text.replace(".", "", 1).isdigit() else None


def _rating(text: str | None, name: str, where: str) -> float | None:
    try:
        return None if text is None else float(text.replace(",", "."))
    except ValueError as error:
        raise CorpusError(f"{where}: {name} is {text!r}; expected a number") from error
