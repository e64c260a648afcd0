"""Uploads that people and programs spoil, and some that were made to do harm."""

import io
import random
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

FORMS = [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAV", "IMA_ADPCM"), ("FLAC", "PCM_24"), ("OGG", "VORBIS")]
FORMS += [("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"), ("AIFF", "PCM_16"), ("RF64", "PCM_16")]
HEAD = 64


def originals(cases: Path | None = None) -> dict[str, bytes]:
    """A short tone in every format, and the files of a folder."""
    tone = 0.4 * np.sin(np.arange(12_000) / 12)
    found = {}
    for form, kind in FORMS:
        file = io.BytesIO()
        soundfile.write(file, tone, 16_000, format=form, subtype=kind)
        found[f"{kind}.{form.lower()}"] = file.getvalue()
    if cases is not None and cases.is_dir():
        found |= {path.name: path.read_bytes()[:200_000] for path in sorted(cases.iterdir()) if path.is_file()}
    return found


def giant_headers() -> list[tuple[str, bytes]]:
    """Headers that declare more than there is: hours, channels, rates, nested chunks."""
    found = []
    for channels, rate, size in [(1, 16_000, 2**31), (1024, 768_000, 2**30), (65_535, 2**31, 2**32 - 1), (0, 0, 0)]:
        form = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2 & 0xFFFFFFFF, channels * 2 & 0xFFFF, 16)
        head = b"RIFF" + struct.pack("<I", size) + b"WAVEfmt " + struct.pack("<I", 16) + form
        found.append(("giant.wav", head + b"data" + struct.pack("<I", size) + bytes(1000)))
    silence = io.BytesIO()
    soundfile.write(silence, np.zeros(8_000 * 1000, np.float32), 8_000, format="FLAC")
    found.append(("bomb.flac", silence.getvalue()))
    flac = bytearray(silence.getvalue())
    flac[18:26] = b"\xff" * 8  # rate, channels and length of the stream
    found.append(("giant.flac", bytes(flac)))
    found.append(("tags.mp3", b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + bytes(2000)))
    found.append(("chunks.wav", b"RIFF\xff\xff\xff\xffWAVE" + b"LIST\x00\x00\x00\x00" * 20_000))
    return found


def mutated(count: int, seed: int, cases: Path | None = None) -> Iterator[tuple[str, bytes]]:
    """Gives so many names and contents: bytes flipped, cut, doubled, put together; wrong types; giant headers."""
    draw, whole = random.Random(seed), originals(cases)
    giants = giant_headers()
    for number in range(count):
        name, data = draw.choice(sorted(whole.items()))
        kind = number % 8
        changed = bytearray(data)
        if kind < 3:
            reach = HEAD if kind else len(changed)
            for _ in range(draw.randint(1, 12)):
                changed[draw.randrange(min(reach, len(changed)))] = draw.randrange(256)
        elif kind == 3:
            changed = changed[: draw.randrange(len(changed))]
        elif kind == 4:
            at = draw.randrange(len(changed))
            changed[at:at] = draw.randbytes(draw.randint(1, 5000))
        elif kind == 5:
            other = draw.choice(sorted(whole.values()))
            changed = changed[: draw.randrange(len(changed))] + other[draw.randrange(len(other)) :]
        elif kind == 6:
            name, changed = draw.choice(giants)
        else:
            changed = draw.randbytes(draw.randint(0, 3000)) if draw.random() < 0.5 else b"<html>" + changed[:500]
            name = draw.choice(["a.wav", "b.png", "", "../../x.wav", "c\r\nd.mp3", "<b>.flac"])
        yield name, bytes(changed)
