"""IEMOCAP: 10 English speakers in 5 dyadic sessions, scripted and improvised; 10,039 turns.

Busso C, Bulut M, Lee C-C, Kazemzadeh A, Mower E, Kim S, Chang JN, Lee S, Narayanan SS (2008). IEMOCAP: Interactive
emotional dyadic motion capture database. Language Resources and Evaluation 42(4) 335-359,
doi 10.1007/s10579-008-9076-6. Licensed by USC after registration; not redistributable.

File name: ``Ses01F_impro01_M003`` is turn 3 of the male speaker in the dialog ``Ses01F_impro01``. The letter after the
session only says who wore the markers: the speaker is the session with the *last* letter, here ``Ses01M``. The labels
are in ``EmoEvaluation/Ses*.txt``, one file per dialog: label, mean valence, activation and dominance (1 to 5), and the
categories that the outside raters (``C-E``) gave; a rater of several categories splits one vote. What the actors said
of themselves (``C-F``, ``C-M``) is not read. The words are in ``transcriptions/Ses*.txt`` and may be missing. Scripted
dialogs repeat their text in every session.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from ser_hf.base.errors import CorpusError
from ser_hf.records import Clip, Sex

from ._corpus import Corpus, Parse, register
from ._iemocap_tables import EMOTIONS, read_ratings, read_texts

_NAME = re.compile(r"ses([0-9]{2})([fm])_((?:impro|script)[0-9]{2}[a-z]?(?:_[0-9][a-z]?)?)_([fm])([0-9]{3})")


class Turn(NamedTuple):
    """What the name of a clip says: the name in the official spelling, its dialog, session, speaker and their sex."""

    name: str
    dialog: str
    session: str
    speaker: str
    sex: Sex


def read_name(path: Path) -> Turn | None:
    """Reads the name of a clip; None for other names.

    Raises:
        CorpusError: there is no such session.
    """
    match = _NAME.fullmatch(path.stem.lower())
    if match is None:
        return None
    session, markers, scene, letter, number = match.groups()
    if not 1 <= int(session) <= 5:
        raise CorpusError(f"{path}: unknown IEMOCAP session {session}; expected Ses01 to Ses05")
    dialog = f"Ses{session}{markers.upper()}_{scene}"
    return Turn(
        name=f"{dialog}_{letter.upper()}{number}",
        dialog=dialog,
        session=f"Session{int(session)}",
        speaker=f"Ses{session}{letter.upper()}",
        sex="female" if letter == "f" else "male",
    )


def read(root: Path) -> Parse:
    """Reads the evaluations and transcriptions below ``root``; returns the function that reads a clip.

    Raises:
        CorpusError: no evaluation file is found, or one is malformed; later, a clip whose dialog has none.
    """
    ratings, texts = read_ratings(root), read_texts(root)
    if not ratings:
        raise CorpusError(
            f"corpus 'iemocap': no label found; looked for EmoEvaluation/Ses*.txt below {root}, e.g. "
            f"{root / 'Session1/dialog/EmoEvaluation/Ses01F_impro01.txt'}. {IEMOCAP.how_to_get}"
        )
    dialogs = {name.rpartition("_")[0] for name in ratings}

    def parse(path: Path) -> Clip | None:
        turn = read_name(path)
        if turn is None:
            return None
        if turn.dialog not in dialogs:
            raise CorpusError(f"{path}: its label is missing; looked for EmoEvaluation/{turn.dialog}.txt below {root}")
        rating = ratings.get(turn.name)
        if rating is None:
            return None
        return Clip(
            path=path,
            corpus="iemocap",
            native_label=rating.native,
            emotion=EMOTIONS[rating.native],
            speaker=IEMOCAP.speaker(turn.speaker),
            clip_id=f"iemocap/{turn.name}",
            sex=turn.sex,
            language="en",
            sentence=texts.get(turn.name),
            session=turn.session,
            votes=rating.votes or None,
            valence=rating.valence,
            arousal=rating.arousal,
            dominance=rating.dominance,
        )

    return parse


IEMOCAP = register(
    Corpus(
        name="iemocap",
        title="Interactive emotional dyadic motion capture database (IEMOCAP)",
        homepage="https://sail.usc.edu/iemocap/",
        citation=(
            "Busso et al. (2008), Language Resources and Evaluation 42(4) 335-359, doi:10.1007/s10579-008-9076-6"
        ),
        licence="USC release form, academic",
        licence_url="https://sail.usc.edu/iemocap/iemocap_release.htm",
        redistributable=False,
        language="en",
        sampling_rate=16_000,
        emotions=EMOTIONS,
        expected={
            "anger": 1103,
            "happiness": 595,
            "excitement": 1041,
            "sadness": 1084,
            "neutral": 1708,
            "frustration": 1849,
            "fear": 40,
            "surprise": 107,
            "disgust": 2,
            "other": 3,
            "no agreement": 2507,
        },
        names="Ses01F_impro01_F000.wav, with EmoEvaluation/Ses01F_impro01.txt",
        how_to_get=(
            "Ask for access at https://sail.usc.edu/iemocap/iemocap_release.htm, download "
            "IEMOCAP_full_release.tar.gz and unpack it so that the folder holds Session1 to Session5 with "
            "sentences/wav, dialog/EmoEvaluation and dialog/transcriptions."
        ),
        reader=read,
    )
)
