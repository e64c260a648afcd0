"""URDU: television talk shows in Urdu, 4 emotions, 400 clips of at most 3 s.

Latif S, Qayyum A, Usman M, Qadir J (2018). Cross Lingual Speech Emotion Recognition: Urdu vs. Western Languages. FIT
2018, arXiv 1812.10411. Free for research; no licence to redistribute.

File name: ``SPEAKER_FILE_EMOTION``, e.g. ``SM1_F10_A010``; the speaker is S, the sex and a number, and SM1 is another
person than SF1. The names hold 29 speakers, the authors' description says 38; two of three clips are by seven of them.
"""

from __future__ import annotations

import re
from pathlib import Path

from ser_hf.base.errors import CorpusError
from ser_hf.records import Clip

from ._corpus import Corpus, Download, register

_NAME = re.compile(r"S([MF])(\d+)_F(\d+)_([A-Z])(\d+)", re.IGNORECASE)
_CODES = {"A": "angry", "H": "happy", "N": "neutral", "S": "sad"}


def parse(path: Path) -> Clip | None:
    """Reads a clip from its name; None for other names.

    Raises:
        CorpusError: the emotion is outside the grammar.
    """
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    sex, code = match[1].upper(), match[4].upper()
    if code not in _CODES:
        raise CorpusError(f"{path}: unknown URDU emotion code {code!r}; expected one of {', '.join(_CODES)}")
    return Clip(
        path=path,
        corpus="urdu",
        native_label=_CODES[code],
        emotion=_CODES[code],
        speaker=URDU.speaker(f"S{sex}{int(match[2])}"),
        clip_id=f"urdu/{path.stem.upper()}",
        sex="female" if sex == "F" else "male",
        language="ur",
    )


URDU = register(
    Corpus(
        name="urdu",
        title="URDU-Dataset, talk-show speech",
        homepage="https://github.com/siddiquelatif/URDU-Dataset",
        citation="Latif et al. (2018), FIT 2018, arXiv:1812.10411",
        licence="research only",
        licence_url="https://github.com/siddiquelatif/URDU-Dataset#readme",
        redistributable=False,
        language="ur",
        sampling_rate=44_100,
        emotions={name: name for name in _CODES.values()},
        expected=dict.fromkeys(_CODES.values(), 100),
        names="Angry/SM1_F10_A010.wav",
        how_to_get="Download https://github.com/siddiquelatif/URDU-Dataset as a zip file and unpack it; it holds the "
        "folders Angry Happy Neutral Sad.",
        downloads=(
            Download(
                url="https://github.com/siddiquelatif/URDU-Dataset/archive/4b546d4e0fa36d1c86c53a281631b2ab7ce2fdec.zip",
                filename="URDU-Dataset.zip",
            ),
        ),
        parse=parse,
    )
)
