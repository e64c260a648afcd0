"""JL corpus: 4 speakers of New Zealand English, 10 emotions, 15 sentences, 2,400 clips.

James J, Tian L, Watson C (2018). An Open Source Emotional Speech Corpus for Human Robot Interaction Applications.
Interspeech 2018, 2768-2772, doi 10.21437/Interspeech.2018-1349. Licence: CC0 1.0.

File name: ``SPEAKER_EMOTION_SENTENCE_TAKE``, e.g. ``female1_angry_10a_1``; a or b and 1 or 2 are session and
repetition, of which nothing says which is which: they count as four repetitions. Five emotions are primary, five
secondary; the paper calls three of these pensive, worried and enthusiastic, the files assertive, concerned and
encouraging. The transcript is a ``.txt`` file beside the clip; without it, the sentence is its number, which the
primary emotions share, and the secondary ones.
"""

from __future__ import annotations

import re
from pathlib import Path

from ser_hf.base.errors import CorpusError, unknown
from ser_hf.records import Clip

from ._corpus import Corpus, register

_NAME = re.compile(r"(female|male)([0-9])_([a-z]+)_([0-9]{1,2})([ab])_([12])", re.IGNORECASE | re.ASCII)
_PRIMARY = ("neutral", "happy", "sad", "angry", "excited")
_SECONDARY = ("anxious", "apologetic", "assertive", "concerned", "encouraging")
_EMOTIONS = {name: name for name in (*_PRIMARY, *_SECONDARY)}
_SENTENCES = 15


def parse(path: Path) -> Clip | None:
    """Reads a clip from its name, and its transcript where it lies beside it; None for other names.

    Raises:
        CorpusError: the speaker, emotion or sentence is outside the grammar.
    """
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    sex, number, native, sentence, variant, take = (part.lower() for part in match.groups())
    if number not in "12":
        raise CorpusError(f"{path}: unknown JL speaker {sex}{number}; expected {sex}1 or {sex}2")
    if native not in _EMOTIONS:
        raise CorpusError(f"{path}: {unknown('JL emotion', native, _EMOTIONS)}")
    if not 1 <= int(sentence) <= _SENTENCES:
        raise CorpusError(f"{path}: unknown JL sentence {sentence}; expected 1 to {_SENTENCES}")
    return Clip(
        path=path,
        corpus="jl",
        native_label=native,
        emotion=_EMOTIONS[native],
        speaker=JL.speaker(f"{sex}{number}"),
        clip_id=f"jl/{path.stem.lower()}",
        sex="female" if sex == "female" else "male",
        language="en",
        sentence=_transcript(path) or f"{'primary' if native in _PRIMARY else 'secondary'} {int(sentence)}",
        repetition=2 * "ab".index(variant) + int(take),
    )


def _transcript(path: Path) -> str:
    """The text beside a clip; empty where there is none."""
    beside = path.with_suffix(".txt")
    if not beside.is_file():
        return ""
    data = beside.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return " ".join(text.split())


JL = register(
    Corpus(
        name="jl",
        title="JL corpus of emotional speech",
        homepage="https://github.com/tli725/JL-Corpus",
        citation="James, Tian & Watson (2018), Interspeech, 2768-2772, doi:10.21437/Interspeech.2018-1349",
        licence="CC0 1.0",
        licence_url="https://creativecommons.org/publicdomain/zero/1.0/",
        redistributable=True,
        language="en",
        sampling_rate=44_100,
        emotions=_EMOTIONS,
        expected=dict.fromkeys(_EMOTIONS, 240),
        names="female1_angry_10a_1.wav",
        how_to_get=(
            "With a Kaggle account run `kaggle datasets download -d tli725/jl-corpus` (or download it at "
            "https://www.kaggle.com/datasets/tli725/jl-corpus) and unpack it. Expected, at any depth: "
            "JL(wav+txt)/female1_angry_10a_1.wav with its transcript female1_angry_10a_1.txt."
        ),
        parse=parse,
    )
)
