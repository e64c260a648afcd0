"""nEMO: 9 Polish actors, 6 emotions, 90 sentences, 4,481 clips.

Christop I (2024). nEMO: Dataset of Emotional Speech in Polish. LREC-COLING 2024, 12111-12116, arXiv 2404.06292.
Licence: CC BY-NC-SA 4.0.

File name: ``SPEAKER_EMOTION_SENTENCE``, e.g. ``EB0_anger_1``. Sentences have the same number for all speakers; their
texts are in ``data.tsv`` and are read where it lies below the same folder.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from ser_hf.base.errors import CorpusError
from ser_hf.records import Clip, Sex

from ._corpus import Corpus, Download, Parse, register
from ._walk import table_files

_NAME = re.compile(r"([A-Z]{2}\d)_([A-Z]+)_(\d+)", re.IGNORECASE)
_EMOTIONS = {
    "anger": "angry",
    "fear": "fearful",
    "happiness": "happy",
    "neutral": "neutral",
    "sadness": "sad",
    "surprised": "surprised",
}
_SPEAKERS: dict[str, tuple[Sex, int]] = {
    "EB0": ("female", 27),
    "IC0": ("female", 28),
    "KD0": ("female", 28),
    "KS0": ("male", 23),
    "MK0": ("female", 23),
    "MP0": ("male", 24),
    "SM0": ("male", 24),
    "TP0": ("male", 26),
    "WR0": ("male", 23),
}


def reader(root: Path) -> Parse:
    """Reads the texts from ``data.tsv`` below ``root``, if it is there, once for all clips.

    Raises:
        CorpusError: the table is malformed.
    """
    tables = (table for table in table_files(root, frozenset({".tsv"})) if table.name.lower() == "data.tsv")
    return partial(parse, texts={stem: text for table in tables for stem, text in _texts(table).items()})


def parse(path: Path, texts: Mapping[str, str] | None = None) -> Clip | None:
    """Reads a clip from its name, and what is said from ``texts`` (clip -> text); None for other names.

    Raises:
        CorpusError: the emotion or the speaker is outside the grammar.
    """
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    speaker, native, number = match[1].upper(), match[2].lower(), int(match[3])
    for field, code, known in (("emotion", native, _EMOTIONS), ("speaker", speaker, _SPEAKERS)):
        if code not in known:
            raise CorpusError(f"{path}: unknown nEMO {field} {code!r}; expected one of {', '.join(known)}")
    stem = f"{speaker}_{native}_{number}"
    sex, age = _SPEAKERS[speaker]
    return Clip(
        path=path,
        corpus="nemo",
        native_label=native,
        emotion=_EMOTIONS[native],
        speaker=NEMO.speaker(speaker),
        clip_id=f"nemo/{stem}",
        sex=sex,
        age=age,
        language="pl",
        sentence=(texts or {}).get(stem, f"nemo_{number}"),
    )


def _texts(table: Path) -> dict[str, str]:
    texts = {}
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE), start=2):
                name, text = row.get("file_id"), row.get("raw_text")
                if not name or not text:
                    raise CorpusError(f"{table}, line {number}: expected the columns file_id and raw_text to be filled")
                texts[Path(name.strip()).stem] = text.strip()
    except (UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{table}, line {len(texts) + 2}: not readable as TSV in UTF-8: {error}") from error
    return texts


NEMO = register(
    Corpus(
        name="nemo",
        title="nEMO, Polish emotional speech",
        homepage="https://github.com/amu-cai/nEMO",
        citation="Christop (2024), LREC-COLING 2024, 12111-12116, arXiv:2404.06292",
        licence="CC BY-NC-SA 4.0",
        licence_url="https://creativecommons.org/licenses/by-nc-sa/4.0/",
        redistributable=True,
        language="pl",
        sampling_rate=24_000,
        emotions=_EMOTIONS,
        expected={"anger": 749, "fear": 736, "happiness": 749, "neutral": 809, "sadness": 769, "surprised": 669},
        names="samples/EB0_anger_1.wav",
        how_to_get="Download https://github.com/amu-cai/nEMO as a zip file and unpack it; it holds the folder samples "
        "and data.tsv.",
        downloads=(
            Download(url="https://github.com/amu-cai/nEMO/archive/refs/heads/main.zip", filename="nEMO-main.zip"),
        ),
        reader=reader,
    )
)
