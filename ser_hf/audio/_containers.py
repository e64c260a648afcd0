"""What a file says about itself before it is decoded: its container, and whether its audio is all there.

libsndfile gives no error for truncated data: it shortens the clip in silence. So the size a header declares is compared
with the bytes that follow it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Protocol

_LFS_POINTER = b"version https://git-lfs"
_LFS_POINTER_MAX = 200
_SDS = b"\xf0\x7e\0\x01"
"""The third byte is the instrument's. libsndfile prints to standard output what is damaged in such a file."""
_PACKETS = re.compile(rb"(?:(?!\x80{0,4}\0)[\x80-\xff]{0,4}[\0-\x7f])*+(?:\x80{0,4}\0.*)?", re.DOTALL)
"""The sizes of a CAF file's packets, each of one to five bytes, until one of nothing."""
_STREAMING = 0x7FFF0000
"""Programs that write to a pipe cannot know the size: they leave 0xFFFFFFFF or something near 0x7FFFFFFF."""
_MP3_HEADERS = 1 << 18
"""Where the first MPEG frame is looked for, behind tags and a cover picture."""

_BLOCKS = {0x0002, 0x0011, 0x0031}
"""Formats of WAV (ADPCM, GSM) that come in blocks of many frames, of which the last is filled up."""

_MAGIC = (
    (b"RIFF", "WAV"),
    (b"RIFX", "WAV"),
    (b"RF64", "WAV"),
    (b"FORM", "AIFF"),
    (b"fLaC", "FLAC"),
    (b"OggS", "OGG"),
    (b"ID3", "MP3"),
    (b"caff", "CAF"),
)


_SEGMENT, _CLUSTER = b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"
"""Matroska's elements whose size a live recorder does not know."""
_OGG_PAGE = 1 << 17
"""Bytes; the largest page has 65,307."""


class Sliced(Protocol):
    """Bytes, or a file whose slices are read where they are asked for."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> bytes: ...


def not_audio(data: Sliced) -> str | None:
    """The reason why ``data`` cannot be audio, or None where it may be."""
    if not len(data):
        return "is empty (0 bytes); fetch or copy it again"
    if len(data) <= _LFS_POINTER_MAX and data[:_LFS_POINTER_MAX].startswith(_LFS_POINTER):
        return "is a Git-LFS pointer, not the recording; run `git lfs pull` in its repository"
    start = behind_id3(data)
    if data[start : start + 2] == _SDS[:2] and data[start + 3 : start + 4] == _SDS[3:]:
        return "is a MIDI sample dump (SDS), which is not read; convert it to WAV"
    return _bad_packets(data) if data[:4] == b"caff" else None


def _bad_packets(data: Sliced) -> str | None:
    """What is wrong with the packet table of Apple Lossless in CAF, which libsndfile prints to standard output."""
    at = 8
    while data[28:32] == b"alac" and at + 12 <= len(data):
        name, size = struct.unpack(">4sq", data[at : at + 12])
        end = at + 12 + size
        table = data[at + 36 : end] if name == b"pakt" and at < end <= len(data) else b""
        if name in (b"desc", b"pakt") and (not at < end <= len(data) or not _PACKETS.fullmatch(table)):
            return "is a CAF file whose packet table is damaged; fetch or copy it again"
        if name == b"pakt" or not at < end <= len(data):
            return None
        at = end
    return None


def behind_id3(data: Sliced) -> int:
    """Where the sound begins behind tags, whose size is four times seven bits."""
    at = 0
    while (head := data[at : at + 10])[:3] == b"ID3" and len(head) == 10:
        size = 0
        for byte in head[6:]:
            size = size << 7 | byte & 0x7F
        at += 10 + size
    return at


def frames(data: Sliced, decoded: int) -> int:
    """How many of the frames that were decoded are the recording's.

    Compressed WAV (ADPCM, GSM) ends with a whole block; its ``fact`` chunk says where in it the sound ends.
    """
    if data[:4] != b"RIFF":
        return decoded
    block = 0
    for name, size, start in _chunks(data, "<"):
        if name == b"fmt " and size >= 20 and start + 20 <= len(data):
            form, per_block = struct.unpack("<H16xH", data[start : start + 20])
            block = per_block if form in _BLOCKS else 0
        elif name == b"fact" and size >= 4 and start + 4 <= len(data):
            told = int(struct.unpack("<I", data[start : start + 4])[0])
            return told if decoded - block < told < decoded else decoded
    return decoded


def describe(data: Sliced, detail: str) -> str:
    """Words for bytes that libsndfile refuses with ``detail``: a damaged container, a web page, text, or who knows."""
    head = data[:512]
    container = next((name for magic, name in _MAGIC if head.startswith(magic)), None)
    if container:
        return f"is a damaged, truncated or unsupported {container} file; libsndfile says: {detail}"
    if b"<html" in head.lower() or b"<!doctype html" in head.lower():
        return "is a web page (HTML), not audio; the download met a log-in or error page"
    if _is_text(head):
        return "is text, not audio"
    return "is not audio that libsndfile reads (WAV, AIFF, FLAC, OGG, MP3)"


def missing(data: Sliced) -> str | None:
    """What the container declares beyond the bytes that are there, in words, or None where nothing is missing."""
    magic = data[:4]
    if magic == b"RIFF" and data[8:12] == b"AVI ":
        size = int(struct.unpack("<I", data[4:8])[0])
        return f"{size + 8} bytes declared, {len(data)} present" if len(data) < size + 8 < _STREAMING else None
    if magic in (b"RIFF", b"RIFX"):
        return _missing_from_chunk(data, b"data", ">" if magic == b"RIFX" else "<")
    if magic == b"riff":
        return _missing_from_w64(data)
    if magic == b"RF64":
        return _missing_from_rf64(data)
    if magic == b"FORM":
        return _missing_from_chunk(data, b"SSND", ">")
    if magic == b"OggS":
        return _missing_from_ogg(data)
    if magic == b"\x1aE\xdf\xa3":
        return _missing_from_matroska(data)
    if magic == b"0&\xb2u":
        return _missing_from_asf(data)
    return None


def counts_frames(data: Sliced) -> bool:
    """Whether the number of frames libsndfile tells stands in the file; for an MP3 without Xing header it guesses."""
    head = data[:_MP3_HEADERS]
    mp3 = head[:3] == b"ID3" or (head[0] == 0xFF and head[1] & 0xE0 == 0xE0)
    return not mp3 or b"Xing" in head or b"Info" in head


def _chunks(data: Sliced, endian: str) -> Iterator[tuple[bytes, int, int]]:
    """Identifier, declared size and start of every chunk of a RIFF or AIFF file."""
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack(f"{endian}4sI", data[at : at + 8])
        yield name, size, at + 8
        at += 8 + size + (size & 1)


def _missing_from_chunk(data: Sliced, wanted: bytes, endian: str) -> str | None:
    for name, size, start in _chunks(data, endian):
        if name == wanted:
            present = len(data) - start
            if present < size < _STREAMING:
                return f"{size} bytes of samples declared, {present} present"
            return None
    return "it ends before its samples"


def _missing_from_rf64(data: Sliced) -> str | None:
    """The 64-bit size of the data chunk stands in the ds64 chunk, which comes first."""
    start = next((start for name, _, start in _chunks(data, "<") if name == b"data"), None)
    if start is None or len(data) < 36:
        return "it ends before its samples"
    size, present = struct.unpack("<Q", data[28:36])[0], len(data) - start
    return f"{size} bytes of samples declared, {present} present" if present < size < 1 << 62 else None


def _missing_from_w64(data: Sliced) -> str | None:
    """Sony's Wave64: names of 16 bytes, and sizes of 8 that count themselves and the name, and are filled up to 8."""
    at = 40
    while at + 24 <= len(data):
        size = int.from_bytes(data[at + 16 : at + 24], "little")
        if data[at : at + 4] == b"data":
            present = len(data) - at
            return (
                f"{size - 24} bytes of samples declared, {present - 24} present" if present < size < 1 << 62 else None
            )
        at += max(24, size + 7 & ~7)
    return "it ends before its samples"


def _missing_from_ogg(data: Sliced) -> str | None:
    """The last page of a complete OGG stream carries the end-of-stream flag and is complete itself."""
    tail = data[max(0, len(data) - _OGG_PAGE) :]
    page = tail[max(0, tail.rfind(b"OggS")) :]
    if len(page) < 27 or len(page) < 27 + page[26]:
        return "the last OGG page is cut off"
    if 27 + page[26] + sum(page[27 : 27 + page[26]]) > len(page) or not page[5] & 0x04:
        return "the OGG stream has no end"
    return None


def _missing_from_asf(data: Sliced) -> str | None:
    """Behind the header, whose size stands in its head, comes the sound, with its own."""
    start = int.from_bytes(data[16:24], "little")
    size = int.from_bytes(data[start + 16 : start + 24], "little")
    return f"{size} bytes declared, {len(data) - start} present" if len(data) - start < size < 1 << 62 else None


def _missing_from_matroska(data: Sliced) -> str | None:
    """The first element that ends after the file; what has no size of its own is looked into."""
    at = 0
    while at < len(data):
        head = data[at : at + 12]
        name = head[: _vint_length(head[:1])]
        length = _vint_length(head[len(name) : len(name) + 1])
        start = at + len(name) + length
        if not name or not length or start > len(data):
            return None  # no element: a damaged file, or what was written behind it
        value = int.from_bytes(head[len(name) : len(name) + length], "big") & ((1 << 7 * length) - 1)
        unknown = value == (1 << 7 * length) - 1
        if unknown and name not in (_SEGMENT, _CLUSTER):
            return None
        if not unknown and start + value > len(data):
            return f"{value} bytes declared, {len(data) - start} present"
        at = start if unknown else start + value
    return None


def _vint_length(first: bytes) -> int:
    """How many bytes one of Matroska's numbers takes, by its first one: 1 to 8; 0 for none."""
    return 9 - first[0].bit_length() if first and first[0] else 0


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return False
        text = head[: error.start].decode("utf-8")
    return all(c.isprintable() or c in "\r\n\t\ufeff" for c in text)
