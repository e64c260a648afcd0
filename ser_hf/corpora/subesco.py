"""SUBESCO: 20 Bangla actors, 7 emotions, 10 sentences, 5 takes, 7,000 clips.

Sultana S, Rahman MS, Selim MR, Iqbal MZ (2021). SUST Bangla Emotional Speech Corpus (SUBESCO): An audio-only emotional
speech corpus for Bangla. PLoS ONE 16(4): e0250173, doi 10.1371/journal.pone.0250173. Licence: CC BY 4.0.

File name: ``SEX_NUMBER_NAME_S_SENTENCE_EMOTION_TAKE``, e.g. ``F_01_OISHI_S_10_ANGRY_1``. Sex and number together are
the speaker: F_01 and M_01 are two people. One official file has a stray bracket at the end of its name.
"""

from __future__ import annotations

import re
from pathlib import Path

from ser_hf.base.errors import CorpusError
from ser_hf.records import Clip

from ._corpus import Corpus, Download, register

_NAME = re.compile(r"([FM])_(\d\d)_([A-Z]+)_S_(\d+)_([A-Z]+)_(\d)\]?", re.IGNORECASE)
_EMOTIONS = {
    "angry": "angry",
    "disgust": "disgust",
    "fear": "fearful",
    "happy": "happy",
    "neutral": "neutral",
    "sad": "sad",
    "surprise": "surprised",
}


def parse(path: Path) -> Clip | None:
    """Reads a clip from its name; None for other names.

    Raises:
        CorpusError: the emotion, speaker, sentence or take is outside the grammar.
    """
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    sex, number, native = match[1].upper(), int(match[2]), match[5].lower()
    sentence, take = int(match[4]), int(match[6])
    if native not in _EMOTIONS:
        raise CorpusError(f"{path}: unknown SUBESCO emotion {native!r}; expected one of {', '.join(_EMOTIONS)}")
    for field, (code, highest) in {"speaker": (number, 10), "sentence": (sentence, 10), "take": (take, 5)}.items():
        if not 1 <= code <= highest:
            raise CorpusError(f"{path}: unknown SUBESCO {field} {code}; expected 1 to {highest}")
    return Clip(
        path=path,
        corpus="subesco",
        native_label=native,
        emotion=_EMOTIONS[native],
        speaker=SUBESCO.speaker(f"{sex}{number:02d}"),
        clip_id=f"subesco/{sex}_{number:02d}_{match[3].upper()}_S_{sentence}_{native.upper()}_{take}",
        sex="female" if sex == "F" else "male",
        language="bn",
        sentence=f"subesco_{sentence}",
        repetition=take,
    )


SUBESCO = register(
    Corpus(
        name="subesco",
        title="SUST Bangla Emotional Speech Corpus (SUBESCO)",
        homepage="https://zenodo.org/record/4526477",
        citation="Sultana et al. (2021), PLoS ONE 16(4): e0250173, doi:10.1371/journal.pone.0250173",
        licence="CC BY 4.0",
        licence_url="https://creativecommons.org/licenses/by/4.0/",
        redistributable=True,
        language="bn",
        sampling_rate=44_100,
        emotions=_EMOTIONS,
        expected=dict.fromkeys(_EMOTIONS, 1000),
        names="F_01_OISHI_S_10_ANGRY_1.wav",
        how_to_get="Download SUBESCO.zip from https://zenodo.org/record/4526477 and unpack it.",
        downloads=(
            Download(
                url="https://zenodo.org/record/4526477/files/SUBESCO.zip",
                filename="SUBESCO.zip",
                sha256="7505111bc864193d1906c05f83ca50d950250c65b62ae9b1740dee44f5cdb113",
                md5="13d702cf944bf54d70d66bffc036ed7a",
                size=1_664_512_929,
            ),
        ),
        parse=parse,
    )
)
