"""TESS: 2 female speakers, 7 emotions, 200 words each, 2,800 clips.

Pichora-Fuller MK, Dupuis K (2020). Toronto emotional speech set (TESS), V1. Borealis, doi 10.5683/SP2/E8H2MF.
Licence: CC BY-NC-ND 4.0.

File name: ``SPEAKER_WORD_EMOTION``; OAF is the older speaker (64), YAF the younger (26), ``OA`` a slip for OAF
in one official file, ``ps`` pleasant surprise. Folder spellings vary and are not read. Some official files are AIFF
inside ``.wav``.
"""

from __future__ import annotations

import re
from pathlib import Path

from ser_hf.base.errors import CorpusError
from ser_hf.records import Clip

from ._corpus import Corpus, Download, register

_NAME = re.compile(r"(OAF|YAF|OA)_([a-z]+)_([a-z_]+)", re.IGNORECASE)
_AGES = {"OAF": 64, "YAF": 26}
_EMOTIONS = {
    "angry": "angry",
    "disgust": "disgust",
    "fear": "fearful",
    "happy": "happy",
    "neutral": "neutral",
    "pleasant surprise": "surprised",
    "sad": "sad",
}
_SPELLINGS = {
    "ps": "pleasant surprise",
    "pleasant_surprise": "pleasant surprise",
    "pleasant_surprised": "pleasant surprise",
}


def parse(path: Path) -> Clip | None:
    """Reads a clip from its name; None for other names.

    Raises:
        CorpusError: the emotion is outside the grammar.
    """
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    speaker = "OAF" if match[1].upper() == "OA" else match[1].upper()
    word, spelling = match[2].lower(), match[3].lower()
    native = _SPELLINGS.get(spelling, spelling)
    if native not in _EMOTIONS:
        raise CorpusError(f"{path}: unknown TESS emotion {spelling!r}; expected one of {', '.join(_EMOTIONS)} or ps")
    return Clip(
        path=path,
        corpus="tess",
        native_label=native,
        emotion=_EMOTIONS[native],
        speaker=TESS.speaker(speaker),
        clip_id=f"tess/{speaker}_{word}_{native.replace(' ', '_')}",
        sex="female",
        language="en",
        sentence=f"Say the word {word}",
        age=_AGES[speaker],
    )


TESS = register(
    Corpus(
        name="tess",
        title="Toronto emotional speech set (TESS)",
        homepage="https://doi.org/10.5683/SP2/E8H2MF",
        citation="Pichora-Fuller & Dupuis (2020), Borealis, V1, doi:10.5683/SP2/E8H2MF",
        licence="CC BY-NC-ND 4.0",
        licence_url="https://creativecommons.org/licenses/by-nc-nd/4.0/",
        redistributable=False,
        language="en",
        sampling_rate=24_414,
        emotions=_EMOTIONS,
        expected=dict.fromkeys(_EMOTIONS, 400),
        names="OAF_back_angry.wav",
        how_to_get="Download it from https://doi.org/10.5683/SP2/E8H2MF and unpack it.",
        downloads=(
            Download(
                url="https://bj.bcebos.com/paddleaudio/datasets/TESS_Toronto_emotional_speech_set.zip",
                filename="TESS_Toronto_emotional_speech_set.zip",
                md5="1465311b24d1de704c4c63e4ccc470c7",
            ),
        ),
        parse=parse,
    )
)
