"""CaFE: 12 speakers of Canadian French, 7 emotions, 6 sentences, 936 clips.

Gournay P, Lahaie O, Lefebvre R (2018). A Canadian French Emotional Speech Dataset. ACM MMSys '18, 399-402,
doi 10.1145/3204949.3208121. Licence: CC BY-NC-SA 4.0.

File name: ``ACTOR-EMOTION-INTENSITY-SENTENCE``, e.g. ``01-C-1-1``; odd actors are male; intensity 1 is mild (faible),
2 strong (fort), and neutral has only 1. The folders (Colère, Dégoût ...) are often unpacked with garbled letters and
are not read. The 192 kHz release has the same names.
"""

from __future__ import annotations

import re
from pathlib import Path

from ser_hf.base.errors import CorpusError
from ser_hf.records import Clip

from ._corpus import Corpus, Download, register

_NAME = re.compile(r"(\d\d)-([a-z])-(\d)-(\d)", re.IGNORECASE)
_CODES = {
    "C": "colère",
    "D": "dégoût",
    "J": "joie",
    "N": "neutre",
    "P": "peur",
    "S": "surprise",
    "T": "tristesse",
}
_EMOTIONS = {
    "colère": "angry",
    "dégoût": "disgust",
    "joie": "happy",
    "neutre": "neutral",
    "peur": "fearful",
    "surprise": "surprised",
    "tristesse": "sad",
}
_AGES = dict(enumerate([46, 64, 18, 50, 22, 34, 15, 25, 42, 20, 35, 37], start=1))
_SENTENCES = {
    1: "Un cheval fou dans mon jardin",
    2: "Deux ânes aigris au pelage brun",
    3: "Trois cygnes aveugles au bord du lac",
    4: "Quatre vieilles truies éléphantesques",
    5: "Cinq pumas fiers et passionnés",
    6: "Six ours aimants domestiqués",
}


def parse(path: Path) -> Clip | None:
    """Reads a clip from its name; None for other names.

    Raises:
        CorpusError: the emotion, actor, intensity or sentence is outside the grammar.
    """
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    code = match[2].upper()
    if code not in _CODES:
        raise CorpusError(f"{path}: unknown CaFE emotion code {code!r}; expected one of {', '.join(_CODES)}")
    actor, intensity, sentence = int(match[1]), int(match[3]), int(match[4])
    fields = {"actor": (actor, 12), "intensity": (intensity, 1 if code == "N" else 2), "sentence": (sentence, 6)}
    for field, (number, highest) in fields.items():
        if not 1 <= number <= highest:
            raise CorpusError(f"{path}: unknown CaFE {field} {number}; expected 1 to {highest}")
    native = _CODES[code]
    return Clip(
        path=path,
        corpus="cafe",
        native_label=native,
        emotion=_EMOTIONS[native],
        speaker=CAFE.speaker(f"{actor:02d}"),
        clip_id=f"cafe/{actor:02d}-{code}-{intensity}-{sentence}",
        sex="male" if actor % 2 else "female",
        age=_AGES[actor],
        language="fr-CA",
        sentence=_SENTENCES[sentence],
        intensity=None if code == "N" else "strong" if intensity == 2 else "mild",
    )


CAFE = register(
    Corpus(
        name="cafe",
        title="Canadian French Emotional speech dataset (CaFE)",
        homepage="https://zenodo.org/record/1478765",
        citation="Gournay, Lahaie & Lefebvre (2018), ACM MMSys '18, 399-402, doi:10.1145/3204949.3208121",
        licence="CC BY-NC-SA 4.0",
        licence_url="https://creativecommons.org/licenses/by-nc-sa/4.0/",
        redistributable=True,
        language="fr-CA",
        sampling_rate=48_000,
        emotions=_EMOTIONS,
        expected={name: 72 if name == "neutre" else 144 for name in _EMOTIONS},
        names="Colère/Faible/01-C-1-1.wav",
        how_to_get="Download CaFE_48k.zip from https://zenodo.org/record/1478765 and unpack it.",
        downloads=(Download(url="https://zenodo.org/record/1478765/files/CaFE_48k.zip", filename="CaFE_48k.zip"),),
        parse=parse,
    )
)
