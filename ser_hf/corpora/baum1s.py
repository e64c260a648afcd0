"""BAUM-1: Turkish audio-visual clips of 31 subjects; ``baum1s`` spontaneous (13 labels), ``baum1a`` acted (9 labels).

Zhalehpour S, Onder O, Akhtar Z, Erdem CE (2017). BAUM-1: A Spontaneous Audio-Visual Face Database of Affective and
Mental States. IEEE TAFFC 8(3) 300-313, doi 10.1109/TAFFC.2016.2553038. Licence agreement by mail; not redistributable.

File name: ``S001_005``, subject and number. The subjects of both parts are the same people and keep one name; no clip
of one has the name of a clip of the other. The labels are in ``Annotations_BAUM1s.xlsx`` and
``Annotations_BAUM1a.xlsx`` (or a CSV export of it, which comes first): after the name of the clip a word and a code.
The words are misspelt at times, so the code decides; where word and code name two labels, or two rows do, the emotion
is ``undecided``. Clips that the table does not list belong to the other part or have no label. The official release is
video; the sound is read once it is extracted.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ser_hf.base.errors import CorpusError
from ser_hf.base.workbook import WorkbookError, workbook_rows
from ser_hf.records import Clip, Sex

from ._corpus import Corpus, Parse, register
from ._walk import table_files

_NAME = re.compile(r"S(0[0-3][0-9])_([0-9]{3})")
_TABLE = re.compile(r"annotations?[ _-]*baum[ _-]?1([as]).*")
_CODE = re.compile(r"[0-9]{1,2}(?:\.0)?")
_SPONTANEOUS = (
    *("anger", "boredom", "bothered", "concentrating", "contempt", "disgust", "fear", "happiness", "neutral"),
    *("sadness", "surprise", "thinking", "unsure"),
)
_ACTED = ("anger", "boredom", "disgust", "fear", "happiness", "interest", "sadness", "surprise", "unsure")
_OTHER_WORDS = {
    "anger": "angry",
    "boredom": "bored",
    "fear": "fearful",
    "happiness": "happy",
    "interest": "interested",
    "sadness": "sad",
    "surprise": "surprised",
}
_FEMALE = frozenset({"S010", "S012", "S017", "S019", "S021", "S022", "S025", "S026", "S027", "S028"})
_MALE = frozenset(
    {"S001", "S002", "S003", "S004", "S006", "S007", "S008", "S009", "S011"}
    | {"S013", "S014", "S015", "S016", "S018", "S020", "S023", "S024"}
)

Label = tuple[str, str]
"""Native label and harmonised emotion."""


def _emotions(natives: tuple[str, ...]) -> dict[str, str]:
    return {native: _OTHER_WORDS.get(native, native) for native in natives}


def read_spontaneous(root: Path) -> Parse:
    """Reads the labels of the spontaneous part below ``root``; returns the function that reads a clip.

    Raises:
        CorpusError: there is no table, or a row of it has no known label.
    """
    return _reader(BAUM1S, root)


def read_acted(root: Path) -> Parse:
    """Reads the labels of the acted part below ``root``; returns the function that reads a clip.

    Raises:
        CorpusError: there is no table, or a row of it has no known label.
    """
    return _reader(BAUM1A, root)


def _reader(corpus: Corpus, root: Path) -> Parse:
    labels = _labels(corpus, root)

    def parse(path: Path) -> Clip | None:
        name = path.stem.upper()
        match = _NAME.fullmatch(name)
        if match is None or name not in labels:
            return None
        subject, (native, emotion) = f"S{match[1]}", labels[name]
        return Clip(
            path=path,
            corpus=corpus.name,
            native_label=native,
            emotion=emotion,
            speaker=corpus.speaker(subject),
            clip_id=f"{corpus.name}/{name}",
            sex=_sex(subject),
            language="tr",
        )

    return parse


def _sex(subject: str) -> Sex | None:
    return "female" if subject in _FEMALE else "male" if subject in _MALE else None


def _labels(corpus: Corpus, root: Path) -> dict[str, Label]:
    """Name of a clip -> its label."""
    table = _table(corpus, root)
    rows = _excel_rows(table) if table.suffix.lower() == ".xlsx" else _csv_rows(table)
    labels: dict[str, Label] = {}
    for where, cells in rows:
        at = next((i for i, cell in enumerate(cells) if _NAME.fullmatch(Path(cell).stem.upper())), None)
        if at is None:  # the header, a remark
            continue
        name, label = Path(cells[at]).stem.upper(), _label(cells[at + 1 :], [*corpus.emotions], where)
        if labels.setdefault(name, label) != label:
            labels[name] = (labels[name][0], "undecided")
    if not labels:
        raise CorpusError(f"{table}: no row has the name of a clip, like S001_005; expected name, label, code")
    return labels


def _excel_rows(table: Path) -> Iterator[tuple[str, list[str]]]:
    try:
        yield from ((place, [cell for cell in cells if cell]) for place, cells in workbook_rows(table))
    except WorkbookError as error:
        raise CorpusError(str(error)) from error


def _table(corpus: Corpus, root: Path) -> Path:
    tables = [
        path
        for path in table_files(root, frozenset({".xlsx", ".csv", ".tsv"}))
        if (match := _TABLE.fullmatch(path.stem.lower())) and corpus.name.endswith(match[1])
    ]
    if not tables:
        name = f"Annotations_{corpus.name.replace('baum', 'BAUM')}.xlsx"
        raise CorpusError(
            f"corpus {corpus.name!r}: no label table; looked for {name} (or .csv) below {root}. {corpus.how_to_get}"
        )
    return min(tables, key=lambda path: (path.suffix.lower() == ".xlsx", len(path.parts), path))


def _csv_rows(table: Path) -> Iterator[tuple[str, list[str]]]:
    with table.open(encoding="utf-8-sig", errors="replace", newline="") as lines:  # what is read of it is ASCII
        head = lines.readline()
        lines.seek(0)
        reader = csv.reader(lines, delimiter=max(",;\t", key=head.count))
        try:
            for row in reader:
                yield f"{table}, line {reader.line_num}", [cell.strip() for cell in row if cell.strip()]
        except csv.Error as error:
            raise CorpusError(f"{table}, line {reader.line_num}: not readable as CSV: {error}") from error


def _label(cells: list[str], natives: list[str], where: str) -> Label:
    """The label of a row, from what stands after the name."""
    word = next((cell.lower() for cell in cells if cell[0].isalpha()), "")
    by_word = next(iter(difflib.get_close_matches(word, natives, n=1, cutoff=0.5)), None)
    code = next((cell for cell in cells if _CODE.fullmatch(cell)), None)
    number = int(float(code)) if code else 0
    if (code and not 1 <= number <= len(natives)) or not (code or by_word):
        raise CorpusError(
            f"{where}: label {word!r}, code {code}; expected a code from 1 to {len(natives)}: {', '.join(natives)}"
        )
    native = natives[number - 1] if code else str(by_word)
    agree = by_word in (None, native)
    return native, _OTHER_WORDS.get(native, native) if agree else "undecided"


_HOW_TO_GET = (
    "Ask the authors for the licence agreement (the database is described at "
    "https://archive.ics.uci.edu/ml/datasets/BAUM-1), put the folder {folder} and {table} into one folder, and extract "
    "the sound beside each video, e.g. `ffmpeg -i S001_005.mp4 -vn -ac 1 S001_005.wav`."
)
BAUM1S = register(
    Corpus(
        name="baum1s",
        title="BAUM-1 audio-visual database of affective and mental states, spontaneous (BAUM-1s)",
        homepage="https://archive.ics.uci.edu/ml/datasets/BAUM-1",
        citation="Zhalehpour et al. (2017), IEEE TAFFC 8(3) 300-313, doi:10.1109/TAFFC.2016.2553038",
        licence="licence agreement with the authors",
        licence_url="https://archive.ics.uci.edu/ml/datasets/BAUM-1",
        redistributable=False,
        language="tr",
        emotions=_emotions(_SPONTANEOUS),
        names="S001_005.wav, with Annotations_BAUM1s.xlsx",
        how_to_get=_HOW_TO_GET.format(folder="'BAUM1s_MP4 - All'", table="Annotations_BAUM1s.xlsx"),
        reader=read_spontaneous,
        extensions=frozenset({".mp4"}),
    )
)
BAUM1A = register(
    replace(
        BAUM1S,
        name="baum1a",
        speakers_of="baum1s",
        title="BAUM-1 audio-visual database of affective and mental states, acted (BAUM-1a)",
        emotions=_emotions(_ACTED),
        names="S001_001.wav, with Annotations_BAUM1a.xlsx",
        how_to_get=_HOW_TO_GET.format(folder="BAUM1a_MP4_all", table="Annotations_BAUM1a.xlsx"),
        reader=read_acted,
    )
)
