"""Damaged, cut and hostile files for PyAV: samples or one error, soon, in little memory, and in silence."""

from __future__ import annotations

import os
import random
import resource
import struct
import time

import numpy as np
import pytest

from ser_hf.audio import blocks, decode, duration
from ser_hf.base.errors import AudioError

pytest.importorskip("av")

MUTATIONS = 200
WHOLE = {
    **{"m4a": 48_000, "mp4": 44_100, "fragments.mp4": 48_000, "3gp": 22_050, "mov": 44_100, "alac.m4a": 44_100},
    **{"webm": 48_000, "live.webm": 48_000, "mkv": 44_100, "wma": 44_100, "avi": 44_100, "caf": 44_100, "wv": 44_100},
    **{"g726.wav": 8_000, "flv": 44_100, "aac": 44_100},
}
CUTS_TOLD = [kind for kind in WHOLE if kind not in ("flv", "aac")]
"""The others are streams, which may end anywhere."""


@pytest.fixture(scope="module")
def whole(encode):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 48_000)
    return {kind: encode(kind, noise[: round(rate * 0.7)], rate) for kind, rate in WHOLE.items()}


def mutated(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    how = chance.randrange(5)
    if how == 0:
        return data[: chance.randrange(1, len(data))]
    if how == 1:
        for _ in range(chance.choice([1, 3, 10, 100])):
            changed[chance.randrange(len(data))] = chance.randrange(256)
    elif how == 2:  # in the header, or in an MP4's at the end
        for _ in range(chance.choice([1, 2, 4])):
            where = chance.choice([0, len(data) - min(len(data), 1000)])
            changed[where + chance.randrange(min(len(data), 1000))] = chance.choice([0, 255, 128, 127])
    elif how == 3:
        start, size = chance.randrange(len(data)), chance.randrange(1, 2000)
        changed[start : start + size] = bytes(len(changed[start : start + size]))
    else:
        start = chance.randrange(len(data))
        changed[start:start] = chance.randbytes(4)
    return bytes(changed)


@pytest.mark.parametrize("kind", WHOLE)
def test_what_is_damaged_gives_samples_or_one_error(whole, kind, capfd):
    chance = random.Random(kind)
    messages = []
    for number in range(MUTATIONS):
        data = mutated(whole[kind], chance)
        start = time.perf_counter()
        try:
            samples, rate = decode(data, "clip")
            assert np.isfinite(samples).all()
            assert 0 < len(samples) < 60 * rate
        except AudioError as error:
            messages.append(str(error))
        if number % 10 == 0:
            try:
                duration(data, "clip")
                assert sum(map(len, blocks(data, 8_000, name="clip"))) > 0
            except AudioError:
                pass
        assert time.perf_counter() - start < 10
    assert len(messages) > MUTATIONS / 10
    assert all(message.startswith("clip ") and "\n" not in message for message in messages)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", CUTS_TOLD)
@pytest.mark.parametrize("kept", [0.3, 0.62, 0.9, 0.99])
def test_truncation_is_never_silent(whole, kind, kept):
    data = whole[kind][: round(len(whole[kind]) * kept)]
    with pytest.raises(AudioError, match=r"^clip is (truncated: .*; fetch or copy it again|.* damaged or truncated)"):
        decode(data, "clip")


def test_what_comes_before_a_cut_is_given_in_blocks(encode):
    data = encode("fragments.mp4", np.random.default_rng(1).uniform(-0.5, 0.5, 12 * 48_000), 48_000)
    kept = data.rindex(b"moof") + 2_000
    given = []
    with pytest.raises(AudioError, match=r"^clip is truncated: "):
        given.extend(blocks(data[:kept], 48_000, block=0.1, name="clip"))
    assert 11 * 48_000 < sum(map(len, given)) < 12 * 48_000
    with pytest.raises(AudioError, match=r"^clip is truncated: "):
        decode(data[:kept], "clip")


def test_a_browser_that_was_closed_leaves_a_recording(encode):
    """Its file says nowhere how long it is: what ends between two clusters is whole."""
    data = encode("live.webm", np.random.default_rng(1).uniform(-0.5, 0.5, 12 * 48_000), 48_000)
    kept = data.rindex(b"\x1f\x43\xb6\x75")
    assert duration(data) is None
    assert 48_000 < len(decode(data[:kept])[0]) < len(decode(data)[0]) == 12 * 48_000
    with pytest.raises(AudioError, match=r"^clip is truncated: "):
        decode(data[: kept + 500], "clip")


@pytest.mark.parametrize(
    ("kind", "table", "behind"), [("m4a", b"stsz", 8), ("mp4", b"stsz", 8), ("fragments.mp4", b"trun", 4)]
)
def test_a_table_that_announces_millions_of_packets_costs_nothing(whole, kind, table, behind):
    data = bytearray(whole[kind])
    packets = 50_000_000
    at = data.index(table)
    if table == b"stsz":
        struct.pack_into(">II", data, at + behind, 1, packets)
        struct.pack_into(">III", data, data.index(b"stsc") + 8, 1, 1, packets)
        struct.pack_into(">III", data, data.index(b"stts") + 8, 1, packets, 1024)
    else:
        struct.pack_into(">II", data, at + behind, 1, packets)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    with pytest.raises(AudioError, match=r"^bomb is damaged: it announces \d+ packets in \d+ bytes$"):
        decode(bytes(data), "bomb")
    assert time.perf_counter() - start < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


@pytest.mark.parametrize("name", [b"\0\0\0\0", b"moov", b"mdat", b"udta"])
def test_a_file_of_a_terabyte_is_not_read(whole, tmp_path, name):
    path = tmp_path / "hole.m4a"
    path.write_bytes(whole["m4a"][:28] + b"\0\0\0\0" + name)
    os.truncate(path, 1 << 40)
    start = time.perf_counter()
    for read in (decode, duration, lambda source: list(blocks(source, 8_000))):
        with pytest.raises(AudioError, match=r"hole\.m4a "):
            read(path)
    assert time.perf_counter() - start < 10


def test_a_compressed_header_is_refused(whole):
    data = whole["m4a"].replace(b"udta", b"cmov")
    with pytest.raises(AudioError, match=r"^clip has a compressed header"):
        decode(data, "clip")


@pytest.mark.parametrize(
    ("playlist", "words"),
    [
        (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n", "is text, not audio"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "is text, not audio"),
        (b"\0\0\0\x18ftypM4A \0\0\0\0#EXTM3U\nfile:///etc/passwd\n", "is an M4A file"),
    ],
)
def test_playlists_are_not_followed(playlist, words):
    with pytest.raises(AudioError, match=words):
        decode(playlist, "list.m4a")
