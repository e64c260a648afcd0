"""Apple Lossless in CAF, of whose damaged packet tables libsndfile prints lines to standard output."""

import contextlib
import ctypes
import functools
import io
import random
import sys

import numpy as np
import pytest
import soundfile

from ser_hf.audio import blocks, cut, decode, duration
from ser_hf.base.errors import AudioError

pytestmark = pytest.mark.skipif("ALAC_16" not in soundfile.available_subtypes("CAF"), reason="libsndfile without ALAC")
SAMPLES = 0.3 * np.sin(np.arange(200_000) / 9)


@functools.cache
def packed(behind: bool = False) -> tuple[bytes, int]:
    """A recording of 49 packets, the sizes of which stand before its sound or behind it; and where the table is."""
    file = io.BytesIO()
    soundfile.write(file, SAMPLES, 16_000, format="CAF", subtype="ALAC_16")
    data = file.getvalue()
    at = data.index(b"pakt")
    end = at + 12 + int.from_bytes(data[at + 4 : at + 12], "big")
    if not behind:
        return data, at
    last = end + 12 + int.from_bytes(data[end + 4 : end + 12], "big")  # a byte may fill it up
    return data[:at] + data[end:last] + data[at:end], at + last - end


@pytest.fixture
def printed(capfd):
    """A function that gives what this process printed, that of C as well."""

    def read() -> str:
        ctypes.CDLL(None).fflush(None)
        return "".join(capfd.readouterr())

    if sys.platform == "win32":
        pytest.skip("C's standard output is another one there")
    read()
    return read


@pytest.mark.parametrize("behind", [False, True])
def test_a_whole_one_is_read(behind):
    samples, rate = decode(packed(behind)[0])
    assert rate == 16_000
    assert np.abs(samples - SAMPLES).max() < 1e-4


def test_a_table_filled_up_with_nothing_is_whole():
    data, at = packed()
    size = int.from_bytes(data[at + 4 : at + 12], "big")
    filled = data[: at + 4] + (size + 40).to_bytes(8, "big") + data[at + 12 : at + 12 + size] + bytes(40)
    assert len(decode(filled + data[at + 12 + size :])[0]) == len(SAMPLES)


@pytest.mark.parametrize("behind", [False, True])
def test_a_damaged_table_is_one_line_and_nothing_is_printed(behind, tmp_path, printed):
    whole, at = packed(behind)
    data = bytearray(whole)
    data[at + 60 : at + 68] = b"\xff" * 8
    soundfile.SoundFile(io.BytesIO(bytes(data))).close()
    if "Ooops" not in printed():
        pytest.skip("this libsndfile prints nothing")
    path = tmp_path / "a.caf"
    path.write_bytes(data)
    ways = [
        lambda: decode(path),
        lambda: decode(bytes(data), str(path)),
        lambda: decode(f"{path}#t=1,2"),
        lambda: list(blocks(path, 8_000)),
        lambda: duration(path),
        lambda: cut(path, 1.0, 2.0, str(path)),
    ]
    for way in ways:
        with pytest.raises(AudioError, match=r"a\.caf.* is a CAF file whose packet table is damaged"):
            way()
    assert printed() == ""


def test_a_large_one_is_judged_before_it_is_opened(tmp_path, printed, monkeypatch):
    data, at = packed()
    monkeypatch.setattr(sys.modules["ser_hf.audio.decode"], "_LARGE", 1 << 12)
    path = tmp_path / "a.caf"
    path.write_bytes(data[: at + 60] + b"\xff" * 8 + data[at + 68 :])
    with pytest.raises(AudioError, match="packet table is damaged"):
        decode(path)
    assert printed() == ""


def test_nothing_is_printed_of_any_damage(printed):
    draw = random.Random(0)
    for case in range(200):
        whole, at = packed(bool(case % 2))
        data = bytearray(whole)
        for _ in range(draw.choice([1, 2, 4])):
            place = draw.choice([at + draw.randrange(110), at + draw.randrange(12), draw.randrange(100)])
            byte = draw.choice([0, 127, 128, 255, draw.randrange(256)])
            data[place : place + 1] = bytes([byte]) * draw.choice([1, 6])
        with contextlib.suppress(AudioError):
            decode(bytes(data))
    assert printed() == ""
