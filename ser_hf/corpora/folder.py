"""The user's own recordings: one sub-folder per emotion, or a table with a path and a label column.

- Folders: ``ROOT/<emotion>/clip.wav``, or ``ROOT/<emotion>/<speaker>/clip.wav`` where speakers are known.
- Table: ``ROOT`` is a ``.csv``, ``.tsv`` or ``.jsonl`` file, or holds one called ``metadata.*``. A column with the path
  (relative to the table, with slashes of either kind) and one with the label; optional speaker, sex, language and
  sentence. The columns go by the usual names, in any case: see ``_COLUMNS``; a column of another name is not used, and
  a warning says so. Delimiter and encoding are found, see `ser_hf.base.tables`.

Labels are the harmonised emotions or common words for them (``anger``, ``happiness``, ``fear`` ...), in any case.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ser_hf.base.errors import CorpusError, unknown
from ser_hf.base.tables import SUFFIXES, TableError, column, read_table
from ser_hf.labels import WORDS
from ser_hf.records import Clip, Sex

from ._corpus import Corpus, Refuse, register
from ._walk import audio_files

_COLUMNS = {
    "path": (
        "path",
        "file",
        "file_name",
        "filename",
        "file_path",
        "filepath",
        "wav",
        "wav_path",
        "audio",
        "audio_path",
    ),
    "label": ("label", "emotion", "class", "category"),
    "speaker": ("speaker", "speaker_id", "spk", "spk_id", "subject", "actor"),
    "sex": ("sex", "gender"),
    "language": ("language", "lang"),
    "sentence": ("sentence", "text", "transcript", "transcription"),
}
_SEGMENTS = ("start", "end")
_SEXES: dict[str, Sex] = {
    "female": "female",
    "f": "female",
    "woman": "female",
    "male": "male",
    "m": "male",
    "man": "male",
}

logger = logging.getLogger(__name__)


def find(root: Path, refuse: Refuse) -> Iterator[Clip]:
    """The clips of a folder or a table, sorted by path; those under an unknown label are refused.

    Raises:
        CorpusError: a table without path and label, a row whose file is missing.
    """
    table = root if root.is_file() else next((t for e in SUFFIXES if (t := root / f"metadata{e}").is_file()), None)
    if table is not None and table.suffix.lower() not in SUFFIXES:
        raise CorpusError(f"{table}: expected a folder or a table ending in {', '.join(SUFFIXES)}")
    clips = _from_table(table, refuse) if table is not None else _from_folders(root, refuse)
    yield from sorted(clips, key=lambda clip: clip.path)


def _emotion(label: str, where: str) -> str:
    word = label.strip().lower()
    if word not in WORDS:
        raise CorpusError(f"{where}: {unknown('emotion', label, sorted(WORDS))}")
    return WORDS[word]


def _text(name: str) -> str:
    """A file name as text a dataset can hold; bytes that are not UTF-8 become escapes."""
    return name.encode("utf-8", "backslashreplace").decode()


def _from_folders(root: Path, refuse: Refuse) -> Iterator[Clip]:
    for path in audio_files(root):
        emotion, *between = path.relative_to(root).parts[:-1] or ("",)
        if not emotion:
            refuse(path, CorpusError(f"{path}: lies outside a sub-folder; expected {root}/<emotion>/{path.name}"))
            continue
        try:
            meant = _emotion(emotion, f"folder {root / emotion}")
        except CorpusError as error:
            refuse(path, error)
            continue
        yield Clip(
            path=path,
            corpus="folder",
            native_label=emotion,
            emotion=meant,
            speaker=FOLDER.speaker(_text(between[0])) if between else None,
            clip_id=f"folder/{_text(path.relative_to(root).as_posix())}",
        )


def _from_table(table: Path, refuse: Refuse) -> Iterator[Clip]:
    try:
        for i, (line, row) in enumerate(read_table(table)):
            where = f"{table}, line {line}"
            if i == 0:
                _check_columns(table, row)
            values = {key: _cell(row, key, where) for key in _COLUMNS}
            path, name = _file(table, values, where, row)
            try:
                meant = _emotion(str(values["label"]), where)
            except CorpusError as error:
                refuse(path, error)
                continue
            yield _clip(path, name, meant, values, where)
    except TableError as error:
        raise CorpusError(str(error)) from error


def _check_columns(table: Path, row: dict[str, Any]) -> None:
    """Refuses a table of parts of files, which would be taken whole, and names the columns that are not used."""
    if any(name in row for name in _SEGMENTS):
        raise CorpusError(
            f"{table}: it has a column {' or '.join(_SEGMENTS)}, and parts of a file cannot be used yet; "
            "cut them into files of their own, or leave the column out to use whole files"
        )
    known = {name for names in _COLUMNS.values() for name in names}
    unused = [name for name in row if name not in known]
    if unused:
        logger.warning("%s: columns not used: %s", table, ", ".join(unused))


def _cell(row: dict[str, Any], key: str, where: str) -> str | None:
    """What a row says under the names that stand for ``key``; two columns that say different things are refused."""
    said = {name: cell for name in _COLUMNS[key] if (cell := column(row, (name,))) is not None}
    if len(set(said.values())) > 1:
        both = " and ".join(f"{name} {cell!r}" for name, cell in said.items())
        raise CorpusError(f"{where}: {both} could each be the {key}; keep one of these columns, or rename the other")
    return next(iter(said.values()), None)


def _file(table: Path, values: dict[str, str | None], where: str, row: dict[str, Any]) -> tuple[Path, str]:
    """The file of a row and its name with forward slashes, whatever system wrote the table."""
    name = values["path"]
    if name is None or values["label"] is None:
        raise CorpusError(
            f"{where}: needs a path ({', '.join(_COLUMNS['path'][:3])} ...) and a label "
            f"({', '.join(_COLUMNS['label'][:2])} ...); columns found: {', '.join(map(str, row))}"
        )
    for spelling in dict.fromkeys((name, name.replace("\\", "/"))):
        if (path := table.parent / spelling).is_file():
            return path, spelling
    raise CorpusError(f"{where}: no file {table.parent / name}; paths are relative to the folder of the table")


def _clip(path: Path, name: str, emotion: str, values: dict[str, str | None], where: str) -> Clip:
    sex = _SEXES.get((values["sex"] or "").lower())
    if values["sex"] and sex is None:
        raise CorpusError(f"{where}: unknown sex {values['sex']!r}; expected female, male or nothing")
    return Clip(
        path=path,
        corpus="folder",
        native_label=str(values["label"]),
        emotion=emotion,
        speaker=FOLDER.speaker(values["speaker"]) if values["speaker"] else None,
        clip_id=f"folder/{_text(name)}",
        sex=sex,
        language=values["language"],
        sentence=values["sentence"],
    )


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
        emotions=WORDS,
        names="<emotion>/clip.wav, or a table metadata.csv with the columns path and label",
        how_to_get="Put the clips into one sub-folder per emotion, or write a table with the columns path and label.",
        find=find,
    )
)
