"""What the two halves of RAVDESS, speech and song, share: their file-name grammar and its codes.

File name: ``MODALITY-CHANNEL-EMOTION-INTENSITY-STATEMENT-REPETITION-ACTOR``, two digits each. Modality 03 is audio
only, channel 01 speech and 02 song; odd actors are male.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from ser_hf.base.errors import CorpusError
from ser_hf.records import Clip

from ._corpus import Corpus

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
"""In the order of their codes, from 01; song has the first six."""

_NAME = re.compile(r"(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)", re.ASCII)
_AUDIO_ONLY = 3
_CHANNELS = {"speech": 1, "song": 2}
_MODALITIES = {1: "video with sound (modality 01)", 2: "video alone (modality 02)"}
_STATEMENTS = {1: "Kids are talking by the door", 2: "Dogs are sitting by the door"}


def read_name(path: Path, corpus: Corpus, channel: Literal["speech", "song"]) -> Clip | None:
    """Reads a clip of one channel from its name; None for the other channel, video and other names.

    Raises:
        CorpusError: the emotion, intensity, statement or actor code is outside the grammar.
    """
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    modality, code, emotion, intensity, statement, repetition, actor = map(int, match.groups())
    if (modality, code) != (_AUDIO_ONLY, _CHANNELS[channel]):
        return None
    highest = {"emotion": len(corpus.emotions), "intensity": 2, "statement": 2, "actor": 24}
    for field, found in zip(highest, (emotion, intensity, statement, actor), strict=True):
        if not 1 <= found <= highest[field]:
            what = f"RAVDESS {'song ' if channel == 'song' else ''}{field}"
            raise CorpusError(f"{path}: unknown {what} code {found:02d}; expected 01 to {highest[field]:02d}")
    native = EMOTIONS[emotion - 1]
    return Clip(
        path=path,
        corpus=corpus.name,
        native_label=native,
        emotion=corpus.emotions[native],
        speaker=corpus.speaker(f"{actor:02d}"),
        clip_id=f"{corpus.name}/{path.stem}",
        sex="male" if actor % 2 else "female",
        language="en",
        sentence=_STATEMENTS[statement],
        intensity="strong" if intensity == 2 else "normal",
        repetition=repetition,
        channel=channel,
    )


def aside(path: Path) -> str | None:
    """What a file of RAVDESS is that is no clip of one of its halves: the other channel, or another modality."""
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    modality, code = int(match[1]), int(match[2])
    channel = next((name for name, known in _CHANNELS.items() if known == code), None)
    return _MODALITIES.get(modality) or (f"the channel {channel} ({code:02d})" if channel else None)
