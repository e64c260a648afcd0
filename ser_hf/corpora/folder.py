"""The user's own recordings: one sub-folder per emotion, or a table with a path and a label column.

- Folders: ``ROOT/<emotion>/clip.wav``, or ``ROOT/<emotion>/<speaker>/clip.wav`` where speakers are known.
- Table: ``ROOT`` is a ``.csv``, ``.tsv`` or ``.jsonl`` file, or holds one called ``metadata.*``. Columns ``path`` (or
  ``file``, ``file_name``; relative to the table) and ``label`` (or ``emotion``); optional ``speaker``, ``sex``,
  ``language``, ``sentence``.

Labels are the harmonised emotions or common words for them (``anger``, ``happiness``, ``fear`` ...), in any case.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from ser_hf.base.errors import CorpusError, unknown
from ser_hf.labels import EMOTIONS
from ser_hf.records import Clip, Sex

from ._corpus import Corpus, register
from ._scan import audio_files

_WORDS = {
    "anger": "angry",
    "happiness": "happy",
    "joy": "happy",
    "sadness": "sad",
    "fear": "fearful",
    "disgusted": "disgust",
    "surprise": "surprised",
    "neutrality": "neutral",
    "calmness": "calm",
    "excitement": "excited",
    **{emotion: emotion for emotion in EMOTIONS},
}
_TABLES = (".csv", ".tsv", ".jsonl")
_COLUMNS = {"path": ("path", "file", "file_name"), "label": ("label", "emotion")}


def find(root: Path) -> Iterator[Clip]:
    """The clips of a folder or a table, sorted by path.

    Raises:
        CorpusError: an unknown label, a table without path and label, a row whose file is missing.
    """
    table = root if root.is_file() else next((t for e in _TABLES if (t := root / f"metadata{e}").is_file()), None)
    clips = _from_table(table) if table is not None else _from_folders(root)
    yield from sorted(clips, key=lambda clip: clip.path)


def _emotion(label: str, where: str) -> str:
    word = label.strip().lower()
    if word not in _WORDS:
        raise CorpusError(f"{where}: {unknown('emotion', label, sorted(_WORDS))}")
    return _WORDS[word]


def _text(name: str) -> str:
    """A file name as text a dataset can hold; bytes that are not UTF-8 become escapes."""
    return name.encode("utf-8", "backslashreplace").decode()


def _from_folders(root: Path) -> Iterator[Clip]:
    for path in audio_files(root):
        emotion, *between = path.relative_to(root).parts[:-1] or ("",)
        if not emotion:
            raise CorpusError(f"{path}: lies outside a sub-folder; expected {root}/<emotion>/{path.name}")
        yield Clip(
            path=path,
            corpus="folder",
            native_label=emotion,
            emotion=_emotion(emotion, f"folder {root / emotion}"),
            speaker=FOLDER.speaker(_text(between[0])) if between else None,
            clip_id=f"folder/{_text(path.relative_to(root).as_posix())}",
        )


def _from_table(table: Path) -> Iterator[Clip]:
    for number, row in _rows(table):
        where = f"{table}, row {number}"
        if not isinstance(row, dict):
            raise CorpusError(f"{where}: expected an object with a path and a label, found {row!r:.60}")
        values = {key: next((row[c] for c in names if row.get(c)), None) for key, names in _COLUMNS.items()}
        if not all(values.values()):
            columns = ", ".join(map(str, row))
            raise CorpusError(
                f"{where}: needs a path and a label, each in a column of that name; columns found: {columns}"
            )
        path = table.parent / str(values["path"])
        if not path.is_file():
            raise CorpusError(f"{where}: no file {path}; paths are relative to the folder of the table")
        sex = str(row.get("sex") or "").lower() or None
        if sex not in (None, "female", "male"):
            raise CorpusError(f"{where}: unknown sex {sex!r}; expected female, male or nothing")
        speaker = row.get("speaker")
        yield Clip(
            path=path,
            corpus="folder",
            native_label=str(values["label"]),
            emotion=_emotion(str(values["label"]), where),
            speaker=FOLDER.speaker(str(speaker)) if speaker not in (None, "") else None,
            clip_id=f"folder/{_text(str(values['path']))}",
            sex=cast("Sex | None", sex),
            language=str(row["language"]) if row.get("language") else None,
            sentence=str(row["sentence"]) if row.get("sentence") else None,
        )


def _rows(table: Path) -> Iterator[tuple[int, Any]]:
    if table.suffix.lower() not in _TABLES:
        raise CorpusError(f"{table}: expected a folder or a table ending in {', '.join(_TABLES)}")
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            if table.suffix.lower() == ".jsonl":
                for number, line in enumerate(lines, start=1):
                    if line.strip():
                        yield number, json.loads(line)
            else:
                delimiter = "\t" if table.suffix.lower() == ".tsv" else ","
                yield from enumerate(csv.DictReader(lines, delimiter=delimiter), start=2)
    except (UnicodeDecodeError, json.JSONDecodeError, csv.Error) as error:
        raise CorpusError(f"{table}: not readable as {table.suffix[1:].upper()} in UTF-8: {error}") from error


FOLDER = register(
    Corpus(
        name="folder",
        title="The user's own recordings",
        homepage="",
        citation="",
        licence="the user's own",
        licence_url="",
        redistributable=False,
        language=None,
        emotions=_WORDS,
        names="<emotion>/clip.wav, or a table metadata.csv with the columns path and label",
        how_to_get="Put the clips into one sub-folder per emotion, or write a table with the columns path and label.",
        find=find,
    )
)
