"""Recordings as arrays: decode, resample, load; one fingerprint for what they hold."""

from __future__ import annotations

from .decode import LONGEST, Recording, decode, read_recording
from .identity import audio_hash
from .load import load
from .measures import loudness_db, snr_db
from .parts import cut, named_part, part_name
from .resample import resample

__all__ = [
    "LONGEST",
    "Recording",
    "audio_hash",
    "cut",
    "decode",
    "load",
    "loudness_db",
    "named_part",
    "part_name",
    "read_recording",
    "resample",
    "snr_db",
]
