"""EMOVO: 6 Italian actors, 7 emotions, 14 sentences, 588 clips.

Costantini G, Iadarola I, Paoloni A, Todisco M (2014). EMOVO Corpus: an Italian Emotional Speech Database. LREC 2014,
3501-3504, aclanthology.org/L14-1478. No licence by the authors is known: taken as for research only.

File name: ``EMOTION-SPEAKER-SENTENCE``, e.g. ``dis-f1-b1``. The letter of the speaker is the sex; sentences are b
short, l long, n nonsense, d questions. The recordings are stereo.
"""

from __future__ import annotations

import re
from pathlib import Path

from ser_hf.base.errors import CorpusError
from ser_hf.records import Clip

from ._corpus import Corpus, register

_NAME = re.compile(r"([a-z]{3})-([a-z]\d)-([a-z]\d)", re.IGNORECASE)
_CODES = {
    "neu": "neutrale",
    "dis": "disgusto",
    "gio": "gioia",
    "pau": "paura",
    "rab": "rabbia",
    "sor": "sorpresa",
    "tri": "tristezza",
}
_EMOTIONS = {
    "neutrale": "neutral",
    "disgusto": "disgust",
    "gioia": "happy",
    "paura": "fearful",
    "rabbia": "angry",
    "sorpresa": "surprised",
    "tristezza": "sad",
}
_AGES = {"f1": 28, "f2": 23, "f3": 25, "m1": 30, "m2": 27, "m3": 30}
_SENTENCES = {
    "b1": "Gli operai si alzano presto",
    "b2": "I vigili sono muniti di pistola",
    "b3": "La cascata fa molto rumore",
    "l1": "L'autunno prossimo Tony partirà per la Spagna nella prima metà di ottobre",
    "l2": "Ora prendo la felpa di là ed esco per fare una passeggiata",
    "l3": "Un attimo dopo s'è incamminato … ed è inciampato",
    "l4": "Vorrei il numero telefonico del Signor Piatti",
    "n1": "La casa forte vuole col pane",
    "n2": "La forza trova il passo e l'aglio rosso",
    "n3": "Il gatto sta scorrendo nella pera",
    "n4": "Insalata pastasciutta coscia d'agnello limoncello",
    "n5": "Uno quarantatré dieci mille cinquantasette venti",
    "d1": "Sabato sera cosa farà?",
    "d2": "Porti con te quella cosa?",
}


def parse(path: Path) -> Clip | None:
    """Reads a clip from its name; None for other names.

    Raises:
        CorpusError: the emotion, speaker or sentence is outside the grammar.
    """
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    emotion, speaker, sentence = (code.lower() for code in match.groups())
    for field, code, known in (
        ("emotion", emotion, _CODES),
        ("speaker", speaker, _AGES),
        ("sentence", sentence, _SENTENCES),
    ):
        if code not in known:
            raise CorpusError(f"{path}: unknown EMOVO {field} code {code!r}; expected one of {', '.join(known)}")
    native = _CODES[emotion]
    return Clip(
        path=path,
        corpus="emovo",
        native_label=native,
        emotion=_EMOTIONS[native],
        speaker=EMOVO.speaker(speaker),
        clip_id=f"emovo/{emotion}-{speaker}-{sentence}",
        sex="female" if speaker[0] == "f" else "male",
        age=_AGES[speaker],
        language="it",
        sentence=_SENTENCES[sentence],
    )


EMOVO = register(
    Corpus(
        name="emovo",
        title="EMOVO, Italian emotional speech",
        homepage="http://voice.fub.it/activities/corpora/emovo/index.html",
        citation="Costantini et al. (2014), LREC 2014, 3501-3504, https://aclanthology.org/L14-1478",
        licence="research only; none stated by the authors",
        licence_url="http://voice.fub.it/activities/corpora/emovo/index.html",
        redistributable=False,
        language="it",
        sampling_rate=48_000,
        emotions=_EMOTIONS,
        expected=dict.fromkeys(_EMOTIONS, 84),
        names="f1/dis-f1-b1.wav",
        how_to_get="Download EMOVO.zip from http://voice.fub.it/activities/corpora/emovo/index.html, or where that is "
        "down from https://drive.google.com/uc?id=1SUtaKeA-LYnKaD3qv87Y5wYgihJiNJAo, and unpack it; it holds the "
        "folders f1 f2 f3 m1 m2 m3.",
        parse=parse,
    )
)
