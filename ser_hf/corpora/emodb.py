"""EMO-DB, the Berlin Database of Emotional Speech: 10 German speakers, 7 emotions, 10 sentences, 535 clips.

Burkhardt F, Paeschke A, Rolfes M, Sendlmeier WF, Weiss B (2005). A database of German emotional speech. Interspeech
2005, 1517-1520, doi 10.21437/Interspeech.2005-446. Free, to be cited; an author took part in its
publication as CC0 1.0.

File name: ``SPEAKER TEXT EMOTION VERSION`` without gaps, e.g. ``03a01Fa``, with ``xx`` at the end in some copies. The
letters are German: W Wut, L Langeweile, E Ekel, A Angst, F Freude, T Trauer, N neutral. Only the takes of the first
release belong here: those that version 2.0 adds are the ones listeners did not agree on, and its folder ``laryngo``
holds laryngograms under the names of the recordings.
"""

from __future__ import annotations

import re
from pathlib import Path

from ser_hf.base.errors import CorpusError, unknown
from ser_hf.records import Clip, Sex

from ._corpus import Corpus, Download, register
from ._emodb_takes import TAKES

_NAME = re.compile(r"([0-9]{2})([ab][0-9]{2})([a-z])([a-z])(?:xx)?", re.IGNORECASE | re.ASCII)
_SPEAKERS: dict[str, tuple[Sex, int]] = {
    "03": ("male", 31),
    "08": ("female", 34),
    "09": ("female", 21),
    "10": ("male", 32),
    "11": ("male", 26),
    "12": ("male", 30),
    "13": ("female", 32),
    "14": ("female", 35),
    "15": ("male", 25),
    "16": ("female", 31),
}
_TEXTS = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}
_CODES = {
    "W": "anger",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "T": "sadness",
    "N": "neutral",
}
_EMOTIONS = {
    "anger": "angry",
    "boredom": "bored",
    "disgust": "disgust",
    "fear": "fearful",
    "happiness": "happy",
    "sadness": "sad",
    "neutral": "neutral",
}
_OFFICIAL = frozenset(
    f"{speaker}{group[:3]}{group[i : i + 2]}"
    for speaker, groups in TAKES.items()
    for group in groups.split()
    for i in range(3, len(group), 2)
)


def parse(path: Path) -> Clip | None:
    """Reads a clip from its name; None for laryngograms, takes added later and other names.

    Raises:
        CorpusError: the speaker, text or emotion is outside the grammar.
    """
    match = _NAME.fullmatch(path.stem)
    if match is None or path.parent.name.lower() == "laryngo":
        return None
    speaker, text, code, version = match[1], match[2].lower(), match[3].upper(), match[4].lower()
    for field, found, known in (
        ("speaker", speaker, _SPEAKERS),
        ("text", text, _TEXTS),
        ("emotion", code, _CODES),
    ):
        if found not in known:
            raise CorpusError(f"{path}: {unknown(f'EMO-DB {field}', found, known)}")
    take = f"{speaker}{text}{code}{version}"
    if take not in _OFFICIAL:
        return None
    sex, age = _SPEAKERS[speaker]
    return Clip(
        path=path,
        corpus="emodb",
        native_label=_CODES[code],
        emotion=_EMOTIONS[_CODES[code]],
        speaker=EMODB.speaker(speaker),
        clip_id=f"emodb/{take}",
        sex=sex,
        language="de",
        sentence=_TEXTS[text],
        repetition=ord(version) - ord("a") + 1,
        age=age,
    )


EMODB = register(
    Corpus(
        name="emodb",
        title="Berlin Database of Emotional Speech (EMO-DB)",
        homepage="http://emodb.bilderbar.info",
        citation="Burkhardt et al. (2005), Interspeech, 1517-1520, doi:10.21437/Interspeech.2005-446",
        licence="CC0 1.0",
        licence_url="https://creativecommons.org/publicdomain/zero/1.0/",
        redistributable=True,
        language="de",
        sampling_rate=16_000,
        emotions=_EMOTIONS,
        expected={
            "anger": 127,
            "boredom": 81,
            "disgust": 46,
            "fear": 69,
            "happiness": 71,
            "sadness": 62,
            "neutral": 79,
        },
        names="03a01Fa.wav",
        how_to_get=(
            "Download http://emodb.bilderbar.info/download/download.zip and unpack it. Expected: wav/03a01Fa.wav."
        ),
        downloads=(Download(url="http://emodb.bilderbar.info/download/download.zip", filename="emodb.zip"),),
        parse=parse,
    )
)
