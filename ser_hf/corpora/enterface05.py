"""eNTERFACE'05: video clips of 42 non-native speakers of English, 6 emotions, 5 sentences for each, 1,257 clips.

Martin O, Kotsia I, Macq B, Pitas I (2006). The eNTERFACE'05 Audio-Visual Emotion Database. 22nd ICDE Workshops, p. 8,
doi 10.1109/ICDEW.2006.145. For research only; not redistributable.

Layout: ``subject 1/anger/sentence 1/s1_an_1.avi``. The subject is read from the folder, as the files of subject 11 are
named ``s12_*`` (there is no subject 12). Further slips: ``s_3_fe_5``, ``s16_su_3avi``. Subject 6 has one long take per
emotion instead of five sentences; these six files are left out. Every emotion has its own sentences, so the text gives
the emotion away. Video files need decoding; copies as WAV under the same names do as well.
"""

from __future__ import annotations

import re
from pathlib import Path

from ser_hf.base.errors import CorpusError
from ser_hf.records import Clip

from ._corpus import Corpus, Download, register

_NAME = re.compile(r"s_?(\d+)_([a-z]{2})_(\d)(?:avi)?", re.IGNORECASE)
_FOLDER = re.compile(r"subject[ _]?(\d+)", re.IGNORECASE)
_MISNAMED = {12: 11}
_CODES = {"an": "anger", "di": "disgust", "fe": "fear", "ha": "happiness", "sa": "sadness", "su": "surprise"}
_EMOTIONS = {
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fearful",
    "happiness": "happy",
    "sadness": "sad",
    "surprise": "surprised",
}


def parse(path: Path) -> Clip | None:
    """Reads a clip from its name and its subject's folder, if it lies in one; None for other names and long takes.

    Raises:
        CorpusError: the emotion, subject or sentence is outside the grammar.
    """
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    code, sentence = match[2].lower(), int(match[3])
    subject = _subject(path, int(match[1]))
    if code not in _CODES:
        raise CorpusError(f"{path}: unknown eNTERFACE'05 emotion code {code!r}; expected one of {', '.join(_CODES)}")
    for field, (number, highest) in {"subject": (subject, 44), "sentence": (sentence, 5)}.items():
        if not 1 <= number <= highest:
            raise CorpusError(f"{path}: unknown eNTERFACE'05 {field} {number}; expected 1 to {highest}")
    native = _CODES[code]
    return Clip(
        path=path,
        corpus="enterface05",
        native_label=native,
        emotion=_EMOTIONS[native],
        speaker=ENTERFACE05.speaker(str(subject)),
        clip_id=f"enterface05/s{subject}_{code}_{sentence}",
        language="en",
        sentence=f"enterface05_{code}_{sentence}",
    )


def _subject(path: Path, number: int) -> int:
    """The number of the innermost subject's folder; in a flattened copy the one in the name, set right."""
    folders = (match for part in reversed(path.parts[:-1]) if (match := _FOLDER.fullmatch(part)))
    folder = next(folders, None)
    return int(folder[1]) if folder else _MISNAMED.get(number, number)


ENTERFACE05 = register(
    Corpus(
        name="enterface05",
        title="eNTERFACE'05 audio-visual emotion database",
        homepage="http://www.enterface.net/results/",
        citation="Martin et al. (2006), 22nd ICDE Workshops, p. 8, doi:10.1109/ICDEW.2006.145",
        licence="research only",
        licence_url="http://www.enterface.net/results/",
        redistributable=False,
        language="en",
        sampling_rate=48_000,
        emotions=_EMOTIONS,
        expected={name: 207 if name == "happiness" else 210 for name in _EMOTIONS},
        names="subject 1/anger/sentence 1/s1_an_1.avi",
        how_to_get="Download http://www.enterface.net/enterface05/docs/results/databases/project2_database.zip and "
        "unpack it; keep the folders `subject 1` to `subject 44`.",
        downloads=(
            Download(
                url="http://www.enterface.net/enterface05/docs/results/databases/project2_database.zip",
                filename="project2_database.zip",
            ),
        ),
        extensions=frozenset({".avi"}),
        parse=parse,
    )
)
