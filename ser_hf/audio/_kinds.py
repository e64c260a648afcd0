"""What a file is by its first bytes, of that which libsndfile does not read: videos, telephones, browsers."""

from __future__ import annotations

import struct
from pathlib import PurePath
from typing import NamedTuple

from ._containers import Sliced, behind_id3


class Kind(NamedTuple):
    """A kind of file.

    Attributes:
        words: what messages call it.
        demuxer: FFmpeg's name of what takes it apart; no other one is tried on a file.
    """

    words: str
    demuxer: str


_FIRST_BYTES = (
    (b"\x1aE\xdf\xa3", Kind("a WebM or Matroska file", "matroska")),
    (b"#!AMR-WB", Kind("AMR-WB", "amr")),
    (b"#!AMR", Kind("AMR", "amr")),
    (b"ADIF", Kind("AAC (ADIF)", "aac")),
    (b"0&\xb2u\x8ef\xcf\x11", Kind("a WMA or WMV file (ASF)", "asf")),
    (b"FLV\x01", Kind("a Flash video", "flv")),
    (b".ra\xfd", Kind("RealAudio", "rm")),
    (b".RMF", Kind("RealMedia", "rm")),
    (b"wvpk", Kind("WavPack", "wv")),
    (b"MAC ", Kind("Monkey's Audio", "ape")),
    (b"\x00\x00\x01\xba", Kind("an MPEG video", "mpeg")),
)
_ADTS = (b"\xff\xf0", b"\xff\xf1", b"\xff\xf8", b"\xff\xf9")
"""MP3 has the same sync word, and never layer 0."""
_BRANDS = {
    b"M4A ": Kind("an M4A file (MP4)", "mov"),
    b"M4B ": Kind("an M4A file (MP4)", "mov"),
    b"3gp": Kind("a 3GP file (MP4)", "mov"),
    b"3g2": Kind("a 3GP file (MP4)", "mov"),
    b"qt  ": Kind("a MOV file", "mov"),
}
"""What MP4's containers call themselves; the others are MP4."""
_OLD_MOV = (b"moov", b"mdat", b"wide", b"free", b"skip")
"""Boxes that a MOV file begins with which says nothing of itself."""
_IN_WAV = {
    **{0x0020: "Yamaha ADPCM", 0x0022: "TrueSpeech", 0x0045: "G.726", 0x2000: "AC-3", 0x2001: "DTS"},
    **dict.fromkeys((0x00FF, 0x1600, 0x706D, 0xA106), "AAC"),
    **dict.fromkeys((0x0160, 0x0161, 0x0162, 0x0163, 0x000A), "WMA"),
}
"""Formats of WAV that libsndfile refuses; what it refuses of the others is damage."""
_IN_CAF = {b"aac ": "AAC", b"opus": "Opus", b"ima4": "IMA ADPCM", b".mp3": "MP3", b"samr": "AMR", b"ilbc": "iLBC"}
_HEAD = 512
_NATIVE = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif")


def foreign(data: Sliced) -> Kind | None:
    """What this is, of that which only FFmpeg reads; None for all the rest."""
    head = data[:_HEAD]
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return Kind("an AVI file", "avi")
    if head[4:8] == b"ftyp":
        return next((kind for brand, kind in _BRANDS.items() if head.startswith(brand, 8)), Kind("an MP4 file", "mov"))
    if head[4:8] in _OLD_MOV and head[:1] == b"\0":
        return Kind("a MOV file", "mov")
    start = behind_id3(data)
    if data[start : start + 2] in _ADTS:
        return Kind("AAC (ADTS)", "aac")
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:
        return Kind("an MPEG video (transport stream)", "mpegts")
    return next((kind for magic, kind in _FIRST_BYTES if head.startswith(magic)), None) or _odd_codec(head)


def refused(data: Sliced) -> Kind | None:
    """What FFmpeg may read of that which libsndfile should, and did not: it takes few of the forms of CAF."""
    return Kind("a CAF file", "caf") if data[:4] == b"caff" else None


def needs_codec(kind: Kind, called: str) -> str:
    """Words for what `foreign` found where PyAV is not there, and what to do."""
    disguised = " in spite of its name" if PurePath(called).suffix.lower() in _NATIVE else ""
    return f"is {kind.words}{disguised}, which libsndfile does not read; PyAV does: pip install 'ser_hf[codec]'"


def _odd_codec(data: bytes) -> Kind | None:
    """A container that libsndfile reads, around a codec that it does not."""
    if data[:4] == b"RIFF" and data[8:16] == b"WAVEfmt " and len(data) >= 22:
        codec = _IN_WAV.get(struct.unpack_from("<H", data, 20)[0])
        return Kind(f"a WAV file of {codec}", "wav") if codec else None
    if data[:4] == b"caff":
        codec = _IN_CAF.get(data[28:32])
        return Kind(f"a CAF file of {codec}", "caf") if codec else None
    if data[:4] == b"OggS" and data[28:36] == b"Speex   ":
        return Kind("an OGG file of Speex", "ogg")
    return None
