"""Recordings as arrays: decode, resample, load, block by block; one fingerprint for what they hold."""

from __future__ import annotations

from .accepted import is_one, recording, recordings
from .blocks import blocks, duration
from .decode import LONGEST, Recording, decode, read_recording
from .identity import audio_hash
from .load import load
from .measures import loudness_db, snr_db
from .parts import cut, named_part, part_name
from .resample import resample
from .speech import SpeechDetector, speech_detector

__all__ = [
    "LONGEST",
    "Recording",
    "SpeechDetector",
    "audio_hash",
    "blocks",
    "cut",
    "decode",
    "duration",
    "is_one",
    "load",
    "loudness_db",
    "named_part",
    "part_name",
    "read_recording",
    "recording",
    "recordings",
    "resample",
    "snr_db",
    "speech_detector",
]
