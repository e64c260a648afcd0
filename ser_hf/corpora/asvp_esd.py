"""ASVP-ESD: emotional speech and other human sounds cut from films, television and the web; 131 speaker numbers.

Dejoli TTL, He Q, Xie W (2022). Audio, Speech and Vision Processing Lab Emotional Sound database (ASVP-ESD). Zenodo,
doi 10.5281/zenodo.7132783. The authors ask to be cited; the sound belongs to third parties, so it is not
redistributable.

Two records, never mixed silently: ``asvp_esd`` is the speech (5,140 clips), ``asvp_esd_nonspeech`` laughter, cries,
sighs and the like (8,824). The same people are heard in both and keep one name.

File name: ``MODALITY-CHANNEL-EMOTION-INTENSITY-NUMBER-SPEAKER-AGE-SOURCE``, then up to four fields for the language
and remarks; a few official names hold a blank. Modality is 03, channel 01 speech and 02 non-speech. A copy on the Hub
writes underscores, leaves modality and channel out and keeps the channel in a folder ``Speech``. The speaker is taken
from the name, as many files lie in a folder of another number; it is weak evidence of a person. Sources disagree about
the language codes and say little of sex, so neither is read; age codes are ranges.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Literal

from ser_hf.base.errors import CorpusError
from ser_hf.records import Clip

from ._corpus import Corpus, Download, register

_NAME = re.compile(r"03-([0-9]{2})-([0-9]{2})-([0-9]{2,3})-[0-9]+-([0-9]+)(?:-[0-9]+){2,6}")
_CHANNELS: dict[str, Literal["speech", "non-speech"]] = {"01": "speech", "02": "non-speech"}
_FOLDERS = {"speech": "01", "nonspeech": "02"}
_CODES = {
    "01": "boredom",
    "02": "neutral",
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fearful",
    "07": "disgust",
    "08": "surprised",
    "09": "excited",
    "10": "pleasure",
    "11": "pain",
    "12": "disappointment",
    "13": "breath",
    "17": "unknown",
}
_OTHER_WORDS = {
    "boredom": "bored",
    "pleasure": "pleased",
    "pain": "pained",
    "disappointment": "disappointed",
    "breath": "other",
    "unknown": "other",
}
_EMOTIONS = {native: _OTHER_WORDS.get(native, native) for native in _CODES.values()}
_INTENSITIES = {"01": "normal", "02": "high"}


def parse(path: Path) -> Clip | None:
    """Reads a speech clip from its name; None for non-speech and other names.

    Raises:
        CorpusError: the channel or emotion code is outside the grammar.
    """
    return _parse(path, ASVP_ESD, "speech")


def parse_nonspeech(path: Path) -> Clip | None:
    """Reads a non-speech clip from its name; None for speech and other names.

    Raises:
        CorpusError: the channel or emotion code is outside the grammar.
    """
    return _parse(path, ASVP_ESD_NONSPEECH, "non-speech")


def _parse(path: Path, corpus: Corpus, wanted: Literal["speech", "non-speech"]) -> Clip | None:
    stem = _official_stem(path)
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    channel, emotion, intensity, speaker = match.groups()
    if channel not in _CHANNELS:
        raise CorpusError(f"{path}: unknown ASVP-ESD channel code {channel}; expected 01 (speech) or 02 (non-speech)")
    if _CHANNELS[channel] != wanted:
        return None
    if emotion not in _CODES:
        raise CorpusError(f"{path}: unknown ASVP-ESD emotion code {emotion}; expected one of {', '.join(_CODES)}")
    native = _CODES[emotion]
    return Clip(
        path=path,
        corpus=corpus.name,
        native_label=native,
        emotion=_EMOTIONS[native],
        speaker=corpus.speaker(speaker),
        clip_id=f"{corpus.name}/{stem}",
        intensity=_INTENSITIES.get(intensity),
        channel=wanted,
    )


def _official_stem(path: Path) -> str:
    """The name as the official release writes it, without blanks; modality and channel come back from the folders."""
    stem = re.sub(r"\s", "", path.stem)
    if "_" not in stem:
        return stem
    folders = (re.sub("[^a-z]", "", part.lower()) for part in reversed(path.parts[:-1]))
    channel = next((_FOLDERS[folder] for folder in folders if folder in _FOLDERS), "")
    return f"03-{channel}-{stem.replace('_', '-')}"


ASVP_ESD = register(
    Corpus(
        name="asvp_esd",
        title="Audio, Speech and Vision Processing Lab Emotional Sound database (ASVP-ESD), speech",
        homepage="https://zenodo.org/records/7132783",
        citation="Dejoli, He & Xie (2022), ASVP-ESD, Zenodo, doi:10.5281/zenodo.7132783",
        licence="citation asked; cut from films, television and the web, whose rights remain",
        licence_url="https://zenodo.org/records/7132783",
        redistributable=False,
        language=None,
        sampling_rate=16_000,
        emotions=_EMOTIONS,
        expected={
            "boredom": 98,
            "neutral": 1314,
            "happy": 613,
            "sad": 551,
            "angry": 1064,
            "fearful": 170,
            "disgust": 190,
            "surprised": 492,
            "excited": 270,
            "pleasure": 35,
            "pain": 54,
            "disappointment": 288,
            "unknown": 1,
        },
        names="03-01-05-01-90-52-02-02-03.wav",
        how_to_get=(
            "Download ASVP-ESD-Update.zip from https://zenodo.org/records/7132783 and unpack it; it holds the folders "
            "Audio/actor_<number> and Bonus/actor_<number>."
        ),
        parse=parse,
        downloads=(
            Download(url="https://zenodo.org/record/7132783/files/ASVP-ESD-Update.zip", filename="ASVP-ESD-Update.zip"),
        ),
    )
)
ASVP_ESD_NONSPEECH = register(
    replace(
        ASVP_ESD,
        name="asvp_esd_nonspeech",
        speakers_of="asvp_esd",
        title="Audio, Speech and Vision Processing Lab Emotional Sound database (ASVP-ESD), non-speech",
        expected={
            "boredom": 450,
            "neutral": 284,
            "happy": 1255,
            "sad": 2143,
            "angry": 389,
            "fearful": 1010,
            "disgust": 709,
            "surprised": 1094,
            "excited": 131,
            "pleasure": 330,
            "pain": 780,
            "disappointment": 77,
            "breath": 172,
        },
        names="03-02-11-01-14-101-02-01-00-11.wav",
        parse=parse_nonspeech,
    )
)
