"""AESDD: acted Greek speech, 6 speakers, 5 emotions, 605 clips.

Vryzas N, Kotsakis R, Liatsou A, Dimoulas C, Kalliris G (2018). Speech Emotion Recognition for Performance Interaction.
J. Audio Eng. Soc. 66(6), 457-467. No licence by the authors is known: not redistributable.

File name: emotion letter, utterance and speaker, ``a01 (1)``; ``a`` or ``b`` follows where an actor spoke a line twice.
The utterances are the same in every emotion, but for number 20, which is improvised. The database is open to further
speakers, so any number is one. Which of them are women is not published.
"""

from __future__ import annotations

import re
from pathlib import Path

from ser_hf.base.errors import CorpusError
from ser_hf.records import Clip

from ._corpus import Corpus, register

_NAME = re.compile(r"([a-z])(\d\d)[ _]?\((\d+)\)([ab]?)", re.IGNORECASE)
_CODES = {"a": "anger", "d": "disgust", "f": "fear", "h": "happiness", "s": "sadness"}
_EMOTIONS = {"anger": "angry", "disgust": "disgust", "fear": "fearful", "happiness": "happy", "sadness": "sad"}
_IMPROVISED = "20"


def parse(path: Path) -> Clip | None:
    """Reads a clip from its name; None for other names.

    Raises:
        CorpusError: the emotion is outside the grammar.
    """
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    code, utterance, speaker, take = match[1].lower(), match[2], int(match[3]), match[4].lower()
    if code not in _CODES:
        raise CorpusError(f"{path}: unknown AESDD emotion code {code!r}; expected one of {', '.join(_CODES)}")
    native = _CODES[code]
    return Clip(
        path=path,
        corpus="aesdd",
        native_label=native,
        emotion=_EMOTIONS[native],
        speaker=AESDD.speaker(str(speaker)),
        # The number of a speaker is written 01 in some names.
        clip_id=f"aesdd/{code}{utterance} ({speaker}){take}",
        language="el",
        sentence=None if utterance == _IMPROVISED else f"aesdd_{utterance}",
        repetition=2 if take == "b" else 1,
    )


AESDD = register(
    Corpus(
        name="aesdd",
        title="Acted Emotional Speech Dynamic Database (AESDD)",
        homepage="http://m3c.web.auth.gr/research/aesdd-speech-emotion-recognition/",
        citation="Vryzas et al. (2018), J. Audio Eng. Soc. 66(6), 457-467",
        licence="none stated by the authors",
        licence_url="http://m3c.web.auth.gr/research/aesdd-speech-emotion-recognition/",
        redistributable=False,
        language="el",
        sampling_rate=44_100,
        emotions=_EMOTIONS,
        expected={"anger": 121, "disgust": 122, "fear": 120, "happiness": 119, "sadness": 123},
        bad={"aesdd/s05 (3)": "not readable as audio"},
        names="anger/a01 (1).wav",
        how_to_get='Open https://mega.nz/#F!0ShVXY7C!-73kVoK05OjTPEA95UUvMw in a browser, download "Acted Emotional '
        'Speech Dynamic Database.zip" and unpack it; it holds the folders anger disgust fear happiness sadness.',
        parse=parse,
    )
)
