"""Reading in blocks: what `load` gives, whatever the length, in the memory of a block."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from ser_hf.audio import blocks, decode, duration, load, part_name
from ser_hf.base.errors import AudioError

NATIVE = [
    *[("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "FLOAT"), ("WAV", "IMA_ADPCM"), ("AIFF", "PCM_16")],
    *[("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")],
]
FOREIGN = ["m4a", "mp4", "webm", "mkv", "wma", "mov", "aac", "g726.wav"]


def speechlike(rate: int, seconds: float, channels: int = 1) -> np.ndarray:
    """Noise under a slow swell."""
    noise = np.random.default_rng(rate).normal(0, 0.1, (round(rate * seconds), channels))
    return noise * (1 + np.sin(np.arange(len(noise)) * 6 / rate))[:, None]


def written(samples: np.ndarray, rate: int, kind: str, subtype: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind, subtype=subtype)
    return file.getvalue()


def joined(source, rate: int, **options) -> np.ndarray:
    found = list(blocks(source, rate, **options))
    assert all(block.dtype == np.float32 and block.ndim == 1 and len(block) for block in found)
    return np.concatenate(found)


def same(found: np.ndarray, expected: np.ndarray) -> None:
    assert abs(len(found) - len(expected)) <= 1
    shorter = min(len(found), len(expected))
    np.testing.assert_allclose(found[:shorter], expected[:shorter], atol=1e-4)


@pytest.mark.parametrize(("kind", "subtype"), NATIVE)
@pytest.mark.parametrize(("rate", "target"), [(48_000, 16_000), (16_000, 16_000), (8_000, 16_000), (24_000, 22_050)])
@pytest.mark.parametrize("channels", [1, 2])
def test_blocks_are_what_load_gives(kind, subtype, rate, target, channels, capfd):
    data = written(speechlike(rate, 3.3, channels), rate, kind, subtype)
    expected = load(data, target)
    capfd.readouterr()
    for block in (0.5, 0.037, 100.0):
        same(joined(data, target, block=block), expected)
    assert capfd.readouterr().err == "", "libmpg123 complains where soundfile seeks"


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("target", [16_000, 44_100])
def test_blocks_of_telephones_and_browsers_are_what_load_gives(encode, forms, kind, target):
    for rate in forms[kind].rates[:2]:
        data = encode(kind, speechlike(rate, 2.2)[:, 0], rate)
        for block in (0.5, 0.01):
            same(joined(data, target, block=block), load(data, target))


def test_paths_bytes_and_open_files_give_the_same(tmp_path):
    data = written(speechlike(44_100, 2), 44_100, "FLAC", "PCM_16")
    path = tmp_path / "clip.raw"  # which soundfile would believe
    path.write_bytes(data)
    expected = joined(data, 16_000)
    with open(path, "rb") as file:
        file.seek(99)
        for source in (path, str(path), bytearray(data), memoryview(data), io.BytesIO(data), file):
            np.testing.assert_array_equal(joined(source, 16_000), expected)
        assert not file.closed


def test_a_block_is_about_as_long_as_it_is_asked_to_be():
    data = written(speechlike(16_000, 5), 16_000, "WAV", "PCM_16")
    assert [len(block) for block in blocks(data, 16_000, block=2)] == [32_000, 32_000, 16_000]
    assert max(len(block) for block in blocks(data, 8_000, block=1)) <= 8_400


def test_the_first_block_comes_before_the_last_is_read():
    file = io.BytesIO(written(speechlike(16_000, 60), 16_000, "WAV", "PCM_16"))
    next(blocks(file, 16_000, block=1))
    assert file.tell() < 100_000


def test_a_part_of_a_file(tmp_path):
    path = tmp_path / "call.flac"
    path.write_bytes(written(speechlike(16_000, 5), 16_000, "FLAC", "PCM_16"))
    part = part_name(path, 1.5, 4.0)
    np.testing.assert_array_equal(joined(part, 8_000, block=1), load(part, 8_000))
    assert duration(part) == 2.5
    assert duration(part_name(path, 1.5, None)) == 3.5


@pytest.mark.parametrize(("kind", "subtype"), [one for one in NATIVE if one[0] != "MP3"])
def test_what_is_missing_is_told_at_the_end(kind, subtype):
    data = written(speechlike(48_000, 3), 48_000, kind, subtype)
    with pytest.raises(AudioError, match=r"^clip is (truncated|a damaged, truncated)"):
        joined(data[: len(data) // 2], 16_000, name="clip")
    if kind == "WAV":
        given = []
        with pytest.raises(AudioError, match=r"^clip is truncated"):
            given.extend(blocks(data[: len(data) // 2], 48_000, block=0.1, name="clip"))
        assert sum(map(len, given)) > 48_000


def message(read, source) -> str:
    with pytest.raises(AudioError) as caught:
        read(source)
    return str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"version https://git-lfs.github.com/spec/v1\n",
        b"<!doctype html><html>",
        b"only text",
        bytes(4000),
        b"RIFF\x24\0\0\0WAVE",
        written(np.zeros((0, 1)), 16_000, "WAV", "PCM_16"),
        written(np.full((8, 1), np.nan), 16_000, "WAV", "FLOAT"),
        written(np.full((8, 2), (np.inf, -np.inf)), 16_000, "WAV", "FLOAT"),
        written(np.zeros((9, 1)), 999, "WAV", "PCM_16"),
    ],
    ids=["empty", "pointer", "page", "text", "zeros", "bare", "silent", "nan", "infinite", "slow"],
)
def test_errors_are_those_of_decode(tmp_path, data):
    path = tmp_path / "clip.wav"
    path.write_bytes(data)
    expected = message(decode, path)
    assert message(lambda source: list(blocks(source, 999)), path) == expected
    if "samples" not in expected:
        assert message(duration, path) == expected


def test_what_is_no_file(tmp_path):
    for source in (tmp_path, tmp_path / "none.wav", "/dev/zero"):
        assert message(decode, source) == message(lambda one: list(blocks(one, 8000)), source)
    (tmp_path / "a.wav").write_text("text")
    with open(tmp_path / "a.wav") as file, pytest.raises(AudioError, match=r"a\.wav was opened as text; open it by"):
        list(blocks(file, 8000))
    with pytest.raises(AudioError, match="cannot be read from its start"):
        list(blocks(io.BufferedReader(_Pipe()), 8000))


class _Pipe(io.RawIOBase):
    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        return 0


@pytest.mark.parametrize(("rate", "block"), [(0, 1.0), (-1, 1.0), (8000, 0.0), (8000, float("nan"))])
def test_what_cannot_be_asked_for(rate, block):
    with pytest.raises(AudioError, match="must be positive"):
        list(blocks(b"", rate, block))


def test_the_length_may_be_limited():
    data = written(speechlike(8_000, 3), 8_000, "WAV", "PCM_16")
    with pytest.raises(AudioError, match=r"^x is too long: 3 s, and the limit is 2 s"):
        next(blocks(data, 8_000, name="x", max_duration=2))
    assert len(joined(data, 8_000, max_duration=3)) == 24_000


def test_too_short_for_the_rate():
    with pytest.raises(AudioError, match="none is left at 8000 Hz"):
        list(blocks(written(np.zeros((1, 1)), 48_000, "WAV", "PCM_16"), 8_000))


@pytest.mark.parametrize(("kind", "subtype"), NATIVE)
def test_the_duration_is_that_of_the_header(kind, subtype):
    data = written(speechlike(24_000, 2.5), 24_000, kind, subtype)
    samples, rate = decode(data)
    assert duration(data) == pytest.approx(len(samples) / rate, abs=1e-6)
    assert duration(data) == pytest.approx(2.5, abs=0.1)


def test_the_duration_of_what_a_browser_records_is_not_known(encode):
    assert duration(encode("live.webm", speechlike(48_000, 2)[:, 0], 48_000)) is None
    assert duration(encode("aac", speechlike(48_000, 2)[:, 0], 48_000)) is None
    assert duration(encode("m4a", speechlike(48_000, 2)[:, 0], 48_000)) == pytest.approx(2)


PROGRAM = """
import resource, sys
from ser_hf.audio import blocks
next(blocks(sys.argv[2], 16000))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
seconds = sum(map(len, blocks(sys.argv[1], 16000))) / 16000
print(seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.parametrize("kind", ["wav", "flac", "m4a"])
def test_half_an_hour_takes_the_memory_of_a_minute(tmp_path, encode, kind):
    minute = speechlike(16_000, 60)[:, 0]
    paths = tmp_path / f"long.{kind}", tmp_path / f"short.{kind}"
    for path, minutes in zip(paths, (30, 1), strict=True):
        if kind == "m4a":
            _m4a(path, minute[: 16_000 * 10], 6 * minutes)
        else:
            with soundfile.SoundFile(path, "w", 16_000, 1, "PCM_16") as file:
                for _ in range(minutes):
                    file.write(minute)
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, paths)], capture_output=True, text=True, check=True, timeout=120
    )
    seconds, more = map(float, found.stdout.split())
    assert seconds == pytest.approx(1800, abs=0.2)
    assert more < 20, "MiB; the samples alone are 110"


def _m4a(path, samples: np.ndarray, times: int) -> None:
    """Packets of some seconds, again and again: encoding half an hour takes too long."""
    av = pytest.importorskip("av")
    packed = (samples * 32_767).astype(np.int16)[None]
    with av.open(str(path), "w", format="ipod") as file:
        sound = file.add_stream("aac", rate=16_000, layout="mono")
        sound.bit_rate = 32_000
        fitted = av.AudioResampler(format="fltp", layout="mono", rate=16_000, frame_size=1024)
        frame = av.AudioFrame.from_ndarray(packed, format="s16", layout="mono")
        frame.sample_rate = 16_000
        packets = [packet for one in fitted.resample(frame) for packet in sound.encode(one)]
        at = 0
        while at < times * samples.size:
            for packet in packets[1:]:
                packet.pts = packet.dts = at
                packet.stream = sound
                file.mux(packet)
                at += 1024
                if at >= times * samples.size:
                    break
