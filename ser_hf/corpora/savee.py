"""SAVEE: 4 male British English speakers, 7 emotions, 480 clips.

Haq S, Jackson PJB (2010). Multimodal Emotion Recognition. In: Machine Audition, IGI Global, 398-423,
doi 10.4018/978-1-61520-919-4.ch017. Free for research after registration; not redistributable.

Two layouts: the official ``AudioData/DC/a01.wav`` (the speaker is the folder, base names repeat across speakers) and
the flat ``DC_a01.wav``. The name is an emotion code and a sentence number: a anger, d disgust, f fear, h happiness,
n neutral, sa sadness, su surprise.

Sentences: 01 to 03 are common to all emotions, 04 and 05 belong to one, the others are said once. The neutral 16 to 18
are the common ones again, 19 to 30 those that belong to the emotions; so an alignment of the recordings shows.
"""

from __future__ import annotations

import re
from pathlib import Path

from ser_hf.base.errors import CorpusError
from ser_hf.records import Clip

from ._corpus import Corpus, register

_SPEAKERS = ("DC", "JE", "JK", "KL")
_NAME = re.compile(rf"(?:({'|'.join(_SPEAKERS)})_?)?([a-z]{{1,2}})(\d\d)", re.IGNORECASE)
_CODES = {
    "a": "anger",
    "d": "disgust",
    "f": "fear",
    "h": "happiness",
    "n": "neutral",
    "sa": "sadness",
    "su": "surprise",
}
# sentence of a name -> an identifier of its text, where the text is said under more than one name
_TEXTS = {f"{code}{n:02d}": f"common{n:02d}" for code in _CODES for n in (1, 2, 3)}
_TEXTS |= {f"n{n + 15}": f"common{n:02d}" for n in (1, 2, 3)}
_TEXTS |= zip(
    (f"n{n}" for n in range(19, 31)),
    (f"{code}{n}" for code in ("a", "d", "f", "su", "sa", "h") for n in ("04", "05")),
    strict=True,
)
_EMOTIONS = {
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fearful",
    "happiness": "happy",
    "neutral": "neutral",
    "sadness": "sad",
    "surprise": "surprised",
}


def parse(path: Path) -> Clip | None:
    """Reads a clip from its name and, in the official layout, its folder; None for other names.

    Raises:
        CorpusError: the emotion code is outside the grammar.
    """
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    speaker = (match[1] or path.parent.name).upper()
    if speaker not in _SPEAKERS:
        return None
    code, sentence = match[2].lower(), match[3]
    if code not in _CODES:
        raise CorpusError(f"{path}: unknown SAVEE emotion code {code!r}; expected one of {', '.join(_CODES)}")
    native = _CODES[code]
    return Clip(
        path=path,
        corpus="savee",
        native_label=native,
        emotion=_EMOTIONS[native],
        speaker=SAVEE.speaker(speaker),
        clip_id=f"savee/{speaker}/{code}{sentence}",
        sex="male",
        language="en",
        sentence=_TEXTS.get(f"{code}{sentence}", f"{code}{sentence}"),
    )


SAVEE = register(
    Corpus(
        name="savee",
        title="Surrey Audio-Visual Expressed Emotion (SAVEE)",
        homepage="http://kahlan.eps.surrey.ac.uk/savee/",
        citation="Haq & Jackson (2010), Machine Audition, ch. 17, 398-423, doi:10.4018/978-1-61520-919-4.ch017",
        licence="research only, after registration",
        licence_url="http://kahlan.eps.surrey.ac.uk/savee/",
        redistributable=False,
        language="en",
        sampling_rate=44_100,
        emotions=_EMOTIONS,
        expected={name: 120 if name == "neutral" else 60 for name in _EMOTIONS},
        names="DC/a01.wav or DC_a01.wav",
        how_to_get="Register at http://kahlan.eps.surrey.ac.uk/savee/, download AudioData.zip and unpack it.",
        parse=parse,
    )
)
