"""What a file says about itself before it is decoded: its container, and whether its audio is all there.

libsndfile gives no error for truncated data: it shortens the clip in silence. So the size a header declares is compared
with the bytes that follow it.
"""

from __future__ import annotations

import shlex
import struct
from collections.abc import Iterator
from pathlib import PurePath

_LFS_POINTER = b"version https://git-lfs"
_LFS_POINTER_MAX = 200
_STREAMING = 0x7FFF0000
"""Programs that write to a pipe cannot know the size: they leave 0xFFFFFFFF or something near 0x7FFFFFFF."""
_MP3_HEADERS = 1 << 18
"""Where the first MPEG frame is looked for, behind tags and a cover picture."""

_FOREIGN = (
    (b"\x1aE\xdf\xa3", "a WebM or Matroska file"),
    (b"#!AMR-WB", "AMR-WB"),
    (b"#!AMR", "AMR"),
    (b"ADIF", "AAC (ADIF)"),
    (b"0&\xb2u\x8ef\xcf\x11", "a WMA or WMV file (ASF)"),
    (b"FLV\x01", "a Flash video"),
    (b".ra\xfd", "RealAudio"),
    (b".RMF", "RealMedia"),
    (b"wvpk", "WavPack"),
    (b"MAC ", "Monkey's Audio"),
)
"""First bytes of what FFmpeg reads and libsndfile does not."""
_BRANDS = {
    b"M4A ": "an M4A file (MP4)",
    b"M4B ": "an M4A file (MP4)",
    b"3gp": "a 3GP file (MP4)",
    b"qt  ": "a MOV file",
}
"""What MP4's containers call themselves; the others are MP4."""
_BLOCKS = {0x0002, 0x0011, 0x0031}
"""Formats of WAV (ADPCM, GSM) that come in blocks of many frames, of which the last is filled up."""

_NATIVE = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif")

_MAGIC = (
    (b"RIFF", "WAV"),
    (b"RIFX", "WAV"),
    (b"RF64", "WAV"),
    (b"FORM", "AIFF"),
    (b"fLaC", "FLAC"),
    (b"OggS", "OGG"),
    (b"ID3", "MP3"),
)


def not_audio(data: bytes) -> str | None:
    """The reason why ``data`` cannot be audio, or None where it may be."""
    if not data:
        return "is empty (0 bytes); fetch or copy it again"
    if len(data) <= _LFS_POINTER_MAX and data.startswith(_LFS_POINTER):
        return "is a Git-LFS pointer, not the recording; run `git lfs pull` in its repository"
    return None


def foreign(data: bytes) -> str | None:
    """What this is, in words, of that which only FFmpeg reads: videos, and sound as telephones and browsers keep it."""
    if data[:4] == b"RIFF" and data[8:12] == b"AVI ":
        return "an AVI file"
    if data[4:8] == b"ftyp":
        return next((words for brand, words in _BRANDS.items() if data.startswith(brand, 8)), "an MP4 file")
    start = _behind_id3(data)
    if data[start : start + 1] == b"\xff" and data[start + 1 : start + 2] in (b"\xf0", b"\xf1", b"\xf8", b"\xf9"):
        return "AAC (ADTS)"  # MP3 has the same sync word, and never layer 0
    return next((words for magic, words in _FOREIGN if data.startswith(magic)), None)


def needs_codec(kind: str, called: str) -> str:
    """Words for what `foreign` found where FFmpeg is not there; how to convert it."""
    name = PurePath(called)
    make = f"ffmpeg -i {shlex.quote(name.name)} -vn"
    if name.suffix.lower() in _NATIVE:
        mend = f"in spite of its name; libsndfile does not read it: convert it ({make} sound.wav) and"
        return f"is {kind} {mend} put that in its place, or install FFmpeg and 'ser_hf[codec]'"
    mend = f"put its sound into a .wav of the same name beside it ({make} {shlex.quote(f'{name.stem}.wav')})"
    return f"is {kind}, which libsndfile does not read; convert it: {mend}, or install FFmpeg and 'ser_hf[codec]'"


def frames(data: bytes, decoded: int) -> int:
    """How many of the frames that were decoded are the recording's.

    Compressed WAV (ADPCM, GSM) ends with a whole block; its ``fact`` chunk says where in it the sound ends.
    """
    if data[:4] != b"RIFF":
        return decoded
    block = 0
    for name, size, start in _chunks(data, "<"):
        if name == b"fmt " and size >= 20 and start + 20 <= len(data):
            form, per_block = struct.unpack_from("<H16xH", data, start)
            block = per_block if form in _BLOCKS else 0
        elif name == b"fact" and size >= 4 and start + 4 <= len(data):
            told = int(struct.unpack_from("<I", data, start)[0])
            return told if decoded - block < told < decoded else decoded
    return decoded


def describe(data: bytes, detail: str) -> str:
    """Words for bytes that libsndfile refuses with ``detail``: a damaged container, a web page, text, or who knows."""
    container = next((name for magic, name in _MAGIC if data.startswith(magic)), None)
    if container:
        return f"is a damaged, truncated or unsupported {container} file; libsndfile says: {detail}"
    head = data[:512]
    if b"<html" in head.lower() or b"<!doctype html" in head.lower():
        return "is a web page (HTML), not audio; the download met a log-in or error page"
    if _is_text(head):
        return "is text, not audio"
    return "is not audio that libsndfile reads (WAV, AIFF, FLAC, OGG, MP3)"


def missing(data: bytes) -> str | None:
    """What the container declares beyond the bytes that are there, in words, or None where nothing is missing."""
    if data[:4] in (b"RIFF", b"RIFX"):
        return _missing_from_chunk(data, b"data", ">" if data[:4] == b"RIFX" else "<")
    if data[:4] == b"RF64":
        return _missing_from_rf64(data)
    if data[:4] == b"FORM":
        return _missing_from_chunk(data, b"SSND", ">")
    if data[:4] == b"OggS":
        return _missing_from_ogg(data)
    return None


def counts_frames(data: bytes) -> bool:
    """Whether the number of frames libsndfile tells stands in the file; for an MP3 without Xing header it guesses."""
    mp3 = data.startswith(b"ID3") or (data[0] == 0xFF and data[1] & 0xE0 == 0xE0)
    return not mp3 or b"Xing" in data[:_MP3_HEADERS] or b"Info" in data[:_MP3_HEADERS]


def _behind_id3(data: bytes) -> int:
    """Where the sound begins behind a tag, whose size is four times seven bits."""
    if data[:3] != b"ID3" or len(data) < 10:
        return 0
    size = 0
    for byte in data[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size


def _chunks(data: bytes, endian: str) -> Iterator[tuple[bytes, int, int]]:
    """Identifier, declared size and start of every chunk of a RIFF or AIFF file."""
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from(f"{endian}4sI", data, at)
        yield name, size, at + 8
        at += 8 + size + (size & 1)


def _missing_from_chunk(data: bytes, wanted: bytes, endian: str) -> str | None:
    for name, size, start in _chunks(data, endian):
        if name == wanted:
            present = len(data) - start
            if present < size < _STREAMING:
                return f"{size} bytes of samples declared, {present} present"
            return None
    return "it ends before its samples"


def _missing_from_rf64(data: bytes) -> str | None:
    """The 64-bit size of the data chunk stands in the ds64 chunk, which comes first."""
    start = next((start for name, _, start in _chunks(data, "<") if name == b"data"), None)
    if start is None or len(data) < 36:
        return "it ends before its samples"
    size, present = struct.unpack_from("<Q", data, 28)[0], len(data) - start
    return f"{size} bytes of samples declared, {present} present" if present < size < 1 << 62 else None


def _missing_from_ogg(data: bytes) -> str | None:
    """The last page of a complete OGG stream carries the end-of-stream flag and is complete itself."""
    at = data.rfind(b"OggS")
    if at + 27 > len(data) or at + 27 + data[at + 26] > len(data):
        return "the last OGG page is cut off"
    body = sum(data[at + 27 : at + 27 + data[at + 26]])
    if at + 27 + data[at + 26] + body > len(data) or not data[at + 5] & 0x04:
        return "the OGG stream has no end"
    return None


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return False
        text = head[: error.start].decode("utf-8")
    return all(c.isprintable() or c in "\r\n\t\ufeff" for c in text)
