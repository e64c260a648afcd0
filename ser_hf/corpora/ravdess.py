"""RAVDESS, speech: 24 actors, 8 emotions, 1,440 clips.

Livingstone SR, Russo FA (2018). The Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS). PLoS ONE
13(5): e0196391, doi 10.1371/journal.pone.0196391. Licence: CC BY-NC-SA 4.0.

File name: ``MODALITY-CHANNEL-EMOTION-INTENSITY-STATEMENT-REPETITION-ACTOR``, two digits each. Modality 03 is audio
only, channel 01 speech and 02 song; odd actors are male. Only 03-01 belongs here. The actor is taken from the name, as
copies with files in wrong folders circulate.
"""

from __future__ import annotations

import re
from pathlib import Path

from ser_hf.errors import CorpusError
from ser_hf.records import Clip

from ._corpus import Corpus, register

_NAME = re.compile(r"(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)")
_CODES = dict(enumerate(["neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"], start=1))
_STATEMENTS = {1: "Kids are talking by the door", 2: "Dogs are sitting by the door"}


def parse(path: Path) -> Clip | None:
    """Reads a speech clip from its name; None for song, video and other names.

    Raises:
        CorpusError: the emotion, intensity, statement or actor code is outside the grammar.
    """
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    modality, channel, emotion, intensity, statement, repetition, actor = map(int, match.groups())
    if (modality, channel) != (3, 1):
        return None
    fields = {"emotion": (emotion, 8), "intensity": (intensity, 2), "statement": (statement, 2), "actor": (actor, 24)}
    for field, (code, highest) in fields.items():
        if not 1 <= code <= highest:
            raise CorpusError(f"{path}: unknown RAVDESS {field} code {code:02d}; expected 01 to {highest:02d}")
    return Clip(
        path=path,
        corpus="ravdess",
        native_label=_CODES[emotion],
        emotion=_CODES[emotion],
        speaker=RAVDESS.speaker(f"{actor:02d}"),
        clip_id=f"ravdess/{path.stem}",
        sex="male" if actor % 2 else "female",
        language="en",
        sentence=_STATEMENTS[statement],
        intensity="strong" if intensity == 2 else "normal",
        repetition=repetition,
    )


RAVDESS = register(
    Corpus(
        name="ravdess",
        title="Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS), speech",
        homepage="https://zenodo.org/records/1188976",
        citation="Livingstone & Russo (2018), PLoS ONE 13(5): e0196391, doi:10.1371/journal.pone.0196391",
        licence="CC BY-NC-SA 4.0",
        licence_url="https://creativecommons.org/licenses/by-nc-sa/4.0/",
        redistributable=True,
        language="en",
        sampling_rate=48_000,
        emotions={name: name for name in _CODES.values()},
        expected={name: 96 if name == "neutral" else 192 for name in _CODES.values()},
        names="03-01-05-02-01-01-12.wav",
        how_to_get="Download Audio_Speech_Actors_01-24.zip from https://zenodo.org/records/1188976 and unpack it.",
        parse=parse,
        folds={
            "emobox": {
                1: ("01", "11", "20", "21"),
                2: ("04", "10", "12", "14"),
                3: ("08", "09", "19", "23"),
                4: ("03", "05", "07", "24"),
                5: ("02", "15", "16", "18"),
                6: ("06", "13", "17", "22"),
            }
        },
    )
)
