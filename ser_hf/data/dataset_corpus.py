"""Any dataset as a corpus: of the Hub, written by ``save_to_disk``, as Parquet or Arrow, or by ``ser-hf build``."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import soundfile

from ser_hf.base.errors import AudioError, CorpusError
from ser_hf.base.steps import steps
from ser_hf.base.tables import column_name
from ser_hf.corpora import COLUMNS, PARTITIONS, Corpus, Reading, Refuse, cell, fields_of, own_corpus
from ser_hf.labels import emotion_of
from ser_hf.records import Clip

from ._dataset_source import Source

_BATCH = 1000
_PATHS = COLUMNS["path"]

logger = logging.getLogger(__name__)


def dataset_corpus(name: str, source: str, reading: Reading) -> Corpus:
    """The record of a corpus whose clips are the rows of a dataset.

    Which column holds the recording, the label, the speaker is seen from types and usual names, or said by ``reading``;
    what was found is logged. The splits of the dataset are the partitions of the clips, unless a column is named, so
    that the protocol ``official`` follows them.

    Args:
        name: the corpus' name.
        source: see `ser_hf.data._dataset_source.Source`.
        reading: which columns say what, and what labels stand for.

    Raises:
        CorpusError: there is no such dataset, it cannot be loaded, or a column is missing or could be one of several.
    """
    found = Source.of(source)
    parts = found.load()
    own = own_corpus(name, None, found.reading(reading))
    rows = _Rows(name, source, parts, _columns(source, next(iter(parts.values())).features, found.reading(reading)))
    return replace(
        own,
        **found.facts(),
        emotions=own.emotions,
        names="rows with a recording and a label",
        how_to_get="Give a repository of the Hub, USER/NAME or USER/NAME:CONFIG, or a folder with a dataset.",
        find=partial(rows.clips),
        fetch=rows.recording,
        state=found.state(parts),
    )


@dataclass(frozen=True)
class _Columns:
    """Which columns are read: ``audio`` by its own name, what is said of the clips by `Reading`."""

    audio: str
    reading: Reading
    texts: tuple[str, ...]
    native: str | None = None


def _columns(source: str, features: datasets.Features, reading: Reading) -> _Columns:
    """Finds the columns, and says which they are.

    Raises:
        CorpusError: there is none, or there are several.
    """
    names = {column_name(name): name for name in features}
    audio = one_column(source, "audio", "audio_column", recording_columns(features, reading), features)
    reading = replace(reading, label_column=_label(source, features, reading), audio_column=column_name(audio))
    unused = [names[name] for name in reading.check(source, names)]
    used = {what: [names[name] for name in reading.names(what) if name in names] for what in COLUMNS if what != "path"}
    said = [f"{what} from {' or '.join(columns)}" for what, columns in used.items() if columns]
    steps.info(
        "%s: audio from %s, %s%s", source, audio, ", ".join(said), f"; not used: {', '.join(unused)}" * bool(unused)
    )
    texts = tuple(column for columns in used.values() for column in columns if column != audio)
    return _Columns(audio, reading, texts, "native_label" if "native_label" in features else None)


def recording_columns(features: datasets.Features, reading: Reading) -> list[str]:
    """The columns that may hold the recordings: those of the type, else structs and paths by their usual names."""
    if reading.audio_column is not None:
        return [name for name in features if column_name(name) == column_name(reading.audio_column)]
    typed = [name for name, kind in features.items() if isinstance(kind, datasets.Audio)]
    structs = [name for name, kind in features.items() if isinstance(kind, dict) and {"bytes", "array"} & set(kind)]
    return typed or structs or [name for name in features if column_name(name) in _PATHS]


def _label(source: str, features: datasets.Features, reading: Reading) -> str:
    """The column of the labels: the one named, that of a usual name, else the only one with names of classes."""
    if reading.label_column is not None:
        return reading.label_column
    usual = [name for name in features if column_name(name) in COLUMNS["label"]]
    others = {name for what in COLUMNS if what != "label" for name in COLUMNS[what]}
    typed = [
        n for n, kind in features.items() if isinstance(kind, datasets.ClassLabel) and column_name(n) not in others
    ]
    return one_column(source, "label", "label_column", usual or typed, features)


def one_column(source: str, what: str, option: str, found: list[str], features: datasets.Features) -> str:
    """The only column of those that were found for ``what``.

    Raises:
        CorpusError: there is none, or there are several.
    """
    if len(found) == 1:
        return found[0]
    shown = ", ".join(features)
    if not found:
        raise CorpusError(f"{source}: no column with the {what}; columns found: {shown}. Name it by --{option}")
    raise CorpusError(f"{source}: {' and '.join(found)} could each hold the {what}; name one by --{option}")


@dataclass(frozen=True)
class _Rows:
    """The rows of every split."""

    name: str
    source: str
    parts: Mapping[str, datasets.Dataset]
    columns: _Columns

    def clips(self, root: Path, refuse: Refuse) -> Iterator[Clip]:
        """One clip a row; those of which too little is known are refused."""
        unnamed = total = 0
        for split, part in self.parts.items():
            texts = part.select_columns([*dict.fromkeys(filter(None, (*self.columns.texts, self.columns.native)))])
            kinds = dict(texts.features)
            number = -1
            for batch in texts.iter(_BATCH):
                for values in zip(*batch.values(), strict=True):
                    number += 1
                    row = {n: _text(value, kinds[n]) for n, value in zip(batch, values, strict=True)}
                    path = Path(self.source, split, f"{number:07d}")
                    try:
                        clip = self._clip(row, path, split, number)
                    except CorpusError as error:
                        refuse(path, error)
                        continue
                    unnamed, total = unnamed + (clip.speaker is None), total + 1
                    yield clip
        if 0 < unnamed < total:
            logger.warning(
                "%s: %d of %d rows say no speaker; protocols that hold out speakers refuse them, so fill them in",
                *(self.source, unnamed, total),
            )

    def _clip(self, row: dict[str, str | None], path: Path, split: str, number: int) -> Clip:
        reading, where = self.columns.reading, f"{self.source}, {split} row {number}"
        by_name = {column_name(name): value for name, value in row.items()}
        label = cell(by_name, "label", reading, where)
        if label is None:
            raise CorpusError(f"{where}: the label is empty; fill it in, or leave the row out")
        said = fields_of(by_name, reading, where)
        if said["speaker"] is not None and self.columns.native is None:
            said["speaker"] = f"{self.name}_{said['speaker']}"
        if reading.split_column is None and said["partition"] is None:
            said["partition"] = PARTITIONS.get(split.lower(), split.lower())
        native = row.get(self.columns.native) if self.columns.native else None
        return Clip(
            path=path,
            corpus=self.name,
            native_label=native or label,
            emotion=emotion_of(label, reading.labels),
            clip_id=f"{self.name}/{split}/{number}",
            row=number,
            **said,
        )

    def recording(self, clip: Clip) -> bytes:
        """The bytes of a row's recording.

        Raises:
            AudioError: there is none.
        """
        split, number = clip.path.parent.name, clip.row
        try:
            value = self.parts[split].select_columns([self.columns.audio])[number][self.columns.audio]
        except ValueError as error:  # of Arrow, and of text that is not UTF-8
            raise AudioError(f"{clip.path} cannot be read: {error}") from error
        return recording_of(value, self.source, str(clip.path), self.columns.audio)


def recording_of(value: Any, source: str, called: str, column: str) -> bytes:
    """The bytes of a recording as a row of a dataset holds it.

    Args:
        value: the cell, not decoded.
        source: paths that are not absolute are below this folder.
        called: how a message names the row.
        column: the name of the cell's column.

    Raises:
        AudioError: there is none.
    """
    held = value if isinstance(value, dict) else {"bytes" if isinstance(value, bytes) else "path": value}
    data, path = held.get("bytes"), held.get("path")
    if data and isinstance(data, bytes):
        return data
    if held.get("array") is not None:
        return _wav(held, called, column)
    if not path:
        raise AudioError(f"{called} has no recording: {column} is empty")
    if not isinstance(path, str):
        raise AudioError(
            f"{called} has no recording: {column} holds neither audio nor a path, but {type(path).__name__}"
        )
    file = Path(path) if Path(path).is_absolute() else Path(source, path)
    try:
        return file.read_bytes()
    except (OSError, ValueError) as error:  # a path with a zero byte
        raise AudioError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _text(value: Any, kind: Any) -> str | None:
    """A value as a table would have it; a class by its name."""
    if value is None:
        return None
    if isinstance(kind, datasets.ClassLabel):
        return kind.int2str(int(value)) if int(value) >= 0 else None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _wav(held: Mapping[str, Any], called: str, column: str) -> bytes:
    """Samples and their rate, as a file."""
    file = io.BytesIO()
    try:
        samples, rate = np.asarray(held["array"], np.float32), int(held["sampling_rate"])
        soundfile.write(file, samples, rate, format="WAV", subtype="FLOAT")
    except (TypeError, ValueError, LookupError, ArithmeticError, soundfile.SoundFileError) as error:
        said = " ".join(str(error).split())
        raise AudioError(f"{called}: what {column} holds are no samples and their sampling_rate: {said}") from error
    return file.getvalue()
