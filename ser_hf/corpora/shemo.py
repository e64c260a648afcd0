"""ShEMO: 87 Persian speakers from radio plays, 6 emotions, 3,000 clips.

Mohamad Nezami O, Jamshid Lou P, Karami M (2019). ShEMO: a large-scale validated database for Persian speech emotion
detection. Language Resources and Evaluation 53(1), 1-16, doi 10.1007/s10579-018-9427-x. Free for academic purposes; no
licence to redistribute.

File name: speaker (sex and number), emotion letter, number: ``F01A01``. F is the sex in the first place and fear in the
fourth; W is surprise ("wonder"). The transcripts, ``F01A01.ort``, are read where they lie below the same folder.

Counts are those of the names; the paper's table differs. A modified edition circulates, which leaves out 162 of the
files and changes no label: it reads as an incomplete copy. 121 files are sampled at 22,050 Hz.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from ser_hf.base.errors import CorpusError
from ser_hf.records import Clip

from ._corpus import Corpus, Download, Parse, register
from ._walk import table_files

_NAME = re.compile(r"([FM])(\d\d)([A-Z])(\d{2,3})", re.IGNORECASE)
_SPEAKERS = {"F": 31, "M": 56}
_CODES = {"A": "anger", "F": "fear", "H": "happiness", "N": "neutral", "S": "sadness", "W": "surprise"}
_EMOTIONS = {
    "anger": "angry",
    "fear": "fearful",
    "happiness": "happy",
    "neutral": "neutral",
    "sadness": "sad",
    "surprise": "surprised",
}


def reader(root: Path) -> Parse:
    """Reads the transcripts below ``root``, if there are any, once for all clips.

    Raises:
        CorpusError: a transcript is not UTF-8.
    """
    texts = {path.stem.upper(): _text(path) for path in table_files(root, frozenset({".ort"}))}
    return partial(parse, texts=texts)


def parse(path: Path, texts: Mapping[str, str | None] | None = None) -> Clip | None:
    """Reads a clip from its name, and what is said from ``texts`` (name without extension -> text); None for others.

    Raises:
        CorpusError: the emotion or the speaker is outside the grammar.
    """
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    stem, sex, number, code = path.stem.upper(), match[1].upper(), int(match[2]), match[3].upper()
    if code not in _CODES:
        raise CorpusError(f"{path}: unknown ShEMO emotion code {code!r}; expected one of {', '.join(_CODES)}")
    if not 1 <= number <= _SPEAKERS[sex]:
        raise CorpusError(f"{path}: unknown ShEMO speaker {stem[:3]}; expected {sex}01 to {sex}{_SPEAKERS[sex]}")
    native = _CODES[code]
    return Clip(
        path=path,
        corpus="shemo",
        native_label=native,
        emotion=_EMOTIONS[native],
        speaker=SHEMO.speaker(stem[:3]),
        clip_id=f"shemo/{stem}",
        sex="female" if sex == "F" else "male",
        language="fa",
        sentence=(texts or {}).get(stem),
    )


def _text(path: Path) -> str | None:
    """The text of a transcript; some begin with a byte order mark."""
    try:
        return path.read_bytes().decode("utf-8-sig").strip() or None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise CorpusError(f"{path}, line {line}: expected a transcript in UTF-8; fetch transcript.zip again") from error


_RAW = "https://github.com/mansourehk/ShEMO/raw"
_AUDIO = f"{_RAW}/ed2c666098ac7944dcb893300aaf7ca4f9e532ab"

SHEMO = register(
    Corpus(
        name="shemo",
        title="Sharif Emotional Speech Database (ShEMO)",
        homepage="https://github.com/mansourehk/ShEMO",
        citation="Mohamad Nezami et al. (2019), Lang. Resources & Evaluation 53(1), 1-16, "
        "doi:10.1007/s10579-018-9427-x",
        licence="academic use only",
        licence_url="https://github.com/mansourehk/ShEMO#readme",
        redistributable=False,
        language="fa",
        sampling_rate=44_100,
        emotions=_EMOTIONS,
        expected={"anger": 1042, "fear": 32, "happiness": 203, "neutral": 1160, "sadness": 362, "surprise": 201},
        names="female/F01A01.wav",
        how_to_get="Download female.zip, male.zip and transcript.zip from https://github.com/mansourehk/ShEMO and "
        "unpack them. A plain git clone brings small pointers instead of the two archives: fetch them with Git LFS, or "
        "from https://www.dropbox.com/s/4t6mep8mo4yf81f/female.zip and "
        "https://www.dropbox.com/s/xfi3hi927yxixa9/male.zip.",
        downloads=(
            Download(
                url=f"{_AUDIO}/female.zip",
                filename="female.zip",
                sha256="663d8d7dceb44adbbf87d84be3a080fb691d169fbd972f6941e6302bc39f71e6",
                size=374_368_830,
            ),
            Download(
                url=f"{_AUDIO}/male.zip",
                filename="male.zip",
                sha256="747670d0d918e59d5e5020cf66610242890b093d42968c467c4f02eb5e6a6b1a",
                size=496_606_401,
            ),
            Download(
                url=f"{_RAW}/2ab5fccde5e4d48c07530dc5276a25b2686c39bb/transcript.zip",
                filename="transcript.zip",
                folder="transcript",
            ),
        ),
        reader=reader,
    )
)
