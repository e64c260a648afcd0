"""CREMA-D: 91 actors, 6 emotions, 12 sentences, 7,442 clips, with the votes of a crowd.

Cao H, Cooper DG, Keutmann MK, Gur RC, Nenkova A, Verma R (2014). CREMA-D: Crowd-sourced Emotional Multimodal Actors
Dataset. IEEE Trans. Affective Computing 5(4), 377-390, doi 10.1109/TAFFC.2014.2336244. Licence: Open Database License
1.0, its contents under the Database Contents License 1.0.

File name: ``ACTOR_SENTENCE_EMOTION_LEVEL``, e.g. ``1001_IEO_ANG_HI``; the label is the acted emotion. Levels are
LO, MD, HI, and XX where none was asked for (``X`` in one file of copies made before October 2022).

Beside the audio the release has ``VideoDemographics.csv`` (sex, age) and ``processedResults/tabulatedVotes.csv``, of
which the votes of those who only heard the clip are read. Copies of the audio alone circulate: without a table its
columns stay empty.
"""

from __future__ import annotations

import re
from pathlib import Path

from ser_hf.base.errors import CorpusError, unknown
from ser_hf.records import Clip

from ._corpus import Corpus, Parse, register
from ._crema_d_tables import People, Votes, read_people, read_votes

_NAME = re.compile(r"([0-9]{4})_([a-z]{3})_([a-z]{3})_([a-z]{1,2})", re.IGNORECASE | re.ASCII)
_ACTORS = range(1001, 1092)
_SENTENCES = {
    "IEO": "It's eleven o'clock",
    "TIE": "That is exactly what happened",
    "IOM": "I'm on my way to the meeting",
    "IWW": "I wonder what this is about",
    "TAI": "The airplane is almost full",
    "MTI": "Maybe tomorrow it will be cold",
    "IWL": "I would like a new alarm clock",
    "ITH": "I think I have a doctor's appointment",
    "DFA": "Don't forget a jacket",
    "ITS": "I think I've seen this before",
    "TSI": "The surface is slick",
    "WSI": "We'll stop in a couple of minutes",
}
_CODES = {"ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}
_EMOTIONS = {
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fearful",
    "happy": "happy",
    "neutral": "neutral",
    "sad": "sad",
}
_LEVELS = {"LO": "low", "MD": "medium", "HI": "high", "XX": None}
# The MP3 of these is silent, empty or a minute of everything, and it is what the raters heard.
_OTHER_MP3 = frozenset({"1064_IEO_DIS_MD", "1064_TIE_SAD_XX", "1076_MTI_NEU_XX", "1076_MTI_SAD_XX"})


def read(root: Path) -> Parse:
    """Reads the tables below ``root`` or beside it, where they are, and gives the function that reads names.

    Raises:
        CorpusError: a table lacks a column or holds a value outside its codes.
    """
    people, votes = read_people(root), read_votes(root)
    return lambda path: _clip(path, people, votes)


def _clip(path: Path, people: People, votes: Votes) -> Clip | None:
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    actor, *codes = match[0].upper().split("_")
    codes[2] = "XX" if codes[2] == "X" else codes[2]
    if int(actor) not in _ACTORS:
        raise CorpusError(f"{path}: unknown CREMA-D actor {actor}; expected {_ACTORS[0]} to {_ACTORS[-1]}")
    sentence, emotion, level = codes
    for field, code, known in (
        ("sentence", sentence, [*_SENTENCES]),
        ("emotion", emotion, [*_CODES]),
        ("level", level, [*_LEVELS]),
    ):
        if code not in known:
            raise CorpusError(f"{path}: {unknown(f'CREMA-D {field}', code, known)}")
    stem = "_".join((actor, *codes))
    if stem in _OTHER_MP3 and path.suffix.lower() == ".mp3":
        return None
    sex, age = people.get(actor, (None, None))
    return Clip(
        path=path,
        corpus="crema_d",
        native_label=_CODES[emotion],
        emotion=_EMOTIONS[_CODES[emotion]],
        speaker=CREMA_D.speaker(actor),
        clip_id=f"crema_d/{stem}",
        sex=sex,
        language="en",
        sentence=_SENTENCES[sentence],
        intensity=_LEVELS[level],
        age=age,
        votes=None if stem in _OTHER_MP3 else votes.get(stem),
    )


def _twin(stem: str, other: str) -> dict[str, str]:
    reason = f"a later fill-in, byte for byte the recording {other}_XX, which has another label"
    return {f"crema_d/{stem}_XX": reason}


CREMA_D = register(
    Corpus(
        name="crema_d",
        title="Crowd-sourced Emotional Multimodal Actors Dataset (CREMA-D)",
        homepage="https://github.com/CheyneyComputerScience/CREMA-D",
        citation="Cao et al. (2014), IEEE Trans. Affective Computing 5(4), 377-390, doi:10.1109/TAFFC.2014.2336244",
        licence="ODbL 1.0, contents DbCL 1.0",
        licence_url="https://opendatacommons.org/licenses/odbl/1-0/",
        redistributable=True,
        language="en",
        sampling_rate=16_000,
        emotions=_EMOTIONS,
        expected={name: 1087 if name == "neutral" else 1271 for name in _EMOTIONS},
        bad={
            "crema_d/1076_MTI_SAD_XX": "the recording holds no signal",
            **_twin("1006_TIE_NEU", "1006_TIE_HAP"),
            **_twin("1013_WSI_DIS", "1013_WSI_SAD"),
            **_twin("1017_IWW_FEA", "1017_IWW_ANG"),
        },
        names="1001_DFA_ANG_XX.wav",
        how_to_get=(
            "Install git-lfs and run `GIT_LFS_SKIP_SMUDGE=1 git clone "
            "https://gitlab.com/cs-cooper-lab/crema-d-mirror.git` and, in the new folder, "
            "`git lfs pull --include 'AudioWAV/*'` (606 MB); GitHub's zip holds only pointers to the recordings. "
            "Expected: AudioWAV/*.wav, beside it VideoDemographics.csv (sex, age) and "
            "processedResults/tabulatedVotes.csv (votes)."
        ),
        reader=read,
    )
)
