"""What the boxes of an MP4 file declare, compared with the file, before FFmpeg makes room for it.

FFmpeg writes down every packet that a table of sizes announces, 36 bytes for each, whether the file could hold it or
not: a file of forty kilobytes would take gigabytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ._containers import Sliced

_UNREAD = (b"mdat", b"free", b"skip")
"""Boxes in which nobody looks for others."""
_TABLES = ((b"stsz", 12), (b"trun", 8))
"""Tables of packets, and where their number stands behind the name."""
_PIECE, _OVERLAP = 1 << 20, 16
"""Bytes looked through at once, and those of the next piece that a table's number may lie in."""
_LONGEST_HEADER = 1 << 28
"""Bytes; a day of sound takes some megabytes."""
_PER_BYTE = 4
"""Old MOV files count samples in place of packets: IMA ADPCM has nearly two of them in a byte, QDesign's more."""


def missing(data: Sliced) -> str | None:
    """What a box declares beyond the end of the file, in words; None where nothing is missing."""
    for name, start, end in _boxes(data):
        if end > len(data) and name.isalnum():  # else it is damage and no box
            return f"its box {name.decode('ascii')} has {end - start} bytes, and {len(data) - start} are present"
        if len(data) - 8 < end < len(data) and any(data[end : len(data)]):
            return "it ends in the head of a box"
    return None


def overclaims(data: Sliced) -> str | None:
    """The reason why a file's tables cannot be true, or None where they may be."""
    packets = looked_at = 0
    for name, start, end in _boxes(data):
        if name in _UNREAD or not name.isalnum():
            continue
        looked_at += min(end, len(data)) - start
        if looked_at > _LONGEST_HEADER:
            return f"has a header of more than {_LONGEST_HEADER >> 20} MiB, which is not read; convert it to WAV"
        for at in range(start, min(end, len(data)), _PIECE):
            piece = data[at : min(at + _PIECE + _OVERLAP, end)]
            if b"cmov" in piece:
                return "has a compressed header, which is not read; convert it to WAV"
            packets += _announced(piece)
    if packets > _PER_BYTE * len(data):
        return f"is damaged: it announces {packets} packets in {len(data)} bytes"
    return None


def _announced(piece: bytes) -> int:
    """The packets of all tables whose name begins in a piece."""
    packets = 0
    for table, behind in _TABLES:
        at = piece.find(table, 0, _PIECE + len(table) - 1)
        while at >= 0:
            packets += int.from_bytes(piece[at + behind : at + behind + 4], "big")
            at = piece.find(table, at + 1, _PIECE + len(table) - 1)
    return packets


def _boxes(data: Sliced) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and declared end of the outermost boxes."""
    at = 0
    while at + 8 <= len(data):
        head = data[at : at + 16]
        size, name = struct.unpack(">I4s", head[:8])
        if size == 1 and len(head) == 16:
            size = int(struct.unpack(">Q", head[8:])[0])
        end = at + size if size else len(data)
        if end < at + 8:
            return
        yield name, at, end
        at = end
