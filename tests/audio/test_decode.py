"""Decoding: every format and quirk gives mono float32; everything else one message that names the file."""

from __future__ import annotations

import io
import math
import os
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ser_hf.audio import audio_hash, decode, load
from ser_hf.base.errors import AudioError

RATE = 16000
TONE = (0.5 * np.sin(2 * np.pi * 220 * np.arange(RATE) / RATE)).astype(np.float32)


def encode(samples: np.ndarray, rate: int = RATE, kind: str = "WAV", subtype: str = "PCM_16") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=kind, subtype=subtype)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "subtype", "tolerance"),
    [
        ("WAV", "PCM_U8", 1e-2),
        ("WAV", "PCM_16", 1e-4),
        ("WAV", "PCM_24", 1e-6),
        ("WAV", "FLOAT", 0),
        ("WAV", "DOUBLE", 0),
        ("WAVEX", "PCM_16", 1e-4),
        ("RF64", "PCM_16", 1e-4),
        ("AIFF", "PCM_16", 1e-4),
        ("AIFF", "FLOAT", 0),
        ("FLAC", "PCM_16", 1e-4),
        ("OGG", "VORBIS", 5e-2),
        ("OGG", "OPUS", 5e-2),
        ("MP3", "MPEG_LAYER_III", 5e-2),
    ],
)
def test_every_format_gives_the_samples_back(tmp_path: Path, kind: str, subtype: str, tolerance: float) -> None:
    data = encode(TONE, kind=kind, subtype=subtype)
    path = tmp_path / "tone.wav"
    path.write_bytes(data)
    samples, rate = decode(path)
    assert (samples.dtype, samples.shape, rate) == (np.float32, TONE.shape, RATE)
    np.testing.assert_allclose(samples[1000:-1000], TONE[1000:-1000], atol=tolerance)
    np.testing.assert_array_equal(decode(data)[0], samples)
    np.testing.assert_array_equal(decode(str(path))[0], samples)


@pytest.mark.parametrize("extension", ["wav", "WAV", "flac", "mp3", "raw", "gsm", "vox", "txt", ""])
def test_the_content_decides_not_the_extension(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"clip.{extension}"
    path.write_bytes(encode(TONE, kind="AIFF"))
    np.testing.assert_allclose(decode(path)[0], TONE, atol=1e-4)


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 400), st.integers(1, 6)), elements=st.floats(-1, 1, width=32)),
)
@settings(max_examples=40, deadline=None)
def test_channels_are_mixed_by_their_mean(samples: np.ndarray) -> None:
    mono, _ = decode(encode(samples, subtype="FLOAT"))
    np.testing.assert_allclose(mono, samples.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("kind", ["WAV", "AIFF", "FLAC"])
def test_long_recordings_are_read_in_blocks(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    data = encode(np.stack([TONE, -TONE * 0.5], axis=1), kind=kind)
    whole, _ = decode(data)
    for block in (RATE - 1, RATE // 2, 999):
        monkeypatch.setattr(sys.modules[decode.__module__], "_BLOCK", block)
        np.testing.assert_array_equal(decode(data)[0], whole)


def test_a_header_with_an_absurd_length_takes_no_memory() -> None:
    data = bytearray(encode(TONE, kind="FLAC"))
    data[21] |= 0x0F  # the 36 bits of STREAMINFO's number of samples end at byte 26
    data[22:26] = b"\xff\xff\xff\xff"
    with pytest.raises(AudioError, match=r"clip\.flac is (truncated|a damaged)"):
        decode(bytes(data), "clip.flac", max_duration=math.inf)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF - 36, 0x80000000])
def test_the_placeholder_sizes_of_streaming_writers_are_tolerated(size: int) -> None:
    data = bytearray(encode(TONE))
    at = data.index(b"data")
    data[at + 4 : at + 8] = struct.pack("<I", size)
    np.testing.assert_allclose(decode(bytes(data))[0], TONE, atol=1e-4)


def test_chunks_behind_and_before_the_samples_are_no_truncation() -> None:
    data = encode(TONE[:1001], subtype="PCM_U8")
    at = data.index(b"data")
    note = b"LIST" + struct.pack("<I", 5) + b"hello\0"
    assert len(decode(data[:at] + note + data[at:])[0]) == 1001
    assert len(decode(data + note)[0]) == 1001
    assert len(decode(data[: at + 8 + 1001])[0]) == 1001, "a missing pad byte is no missing sample"


BROKEN = {
    "empty": (b"", r"is empty \(0 bytes\)"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1\n", "run `git lfs pull`"),
    "html": (b"\n<!DOCTYPE html><html><body>Log in</body></html>", r"is a web page \(HTML\), not audio"),
    "json": (b'{"status": 404, "message": "not found"}', "is text, not audio$"),
    "utf8": ("Prüfung nicht möglich: \u20ac".encode() * 40, "is text, not audio"),
    "zeros": (bytes(4000), "is not audio that libsndfile reads"),
    "binary": (bytes(range(256)) * 8, "is not audio that libsndfile reads"),
    "mp4": (b"\0\0\0 ftypM4A \0\0\0\0" + bytes(400), r"is an M4A file \(MP4\)"),
    "bare-riff": (b"RIFF\x24\0\0\0WAVE", "is truncated"),
    "bare-flac": (b"fLaC" + bytes(60), "damaged, truncated or unsupported FLAC"),
    "no-samples": (encode(TONE[:0]), "holds no samples"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_files_are_named_with_the_reason(tmp_path: Path, kind: str) -> None:
    data, reason = BROKEN[kind]
    path = tmp_path / "a clip.wav"
    path.write_bytes(data)
    for source, name, called in ((path, None, "a clip.wav"), (data, "savee/DC/a01", "savee/DC/a01")):
        with pytest.raises(AudioError, match=reason) as caught:
            decode(source, name)
        assert called in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"nowhere\.wav does not exist"):
        decode(tmp_path / "nowhere.wav")
    with pytest.raises(AudioError, match="is a folder"):
        decode(tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_refused(value: float) -> None:
    samples = TONE.copy()
    samples[[3, 5000]] = value
    with pytest.raises(AudioError, match="clip holds 2 samples that are NaN or infinite"):
        decode(encode(samples, subtype="FLOAT"), "clip")


def test_large_finite_samples_are_no_error() -> None:
    samples = np.full(100, 2.0**31, np.float32)
    np.testing.assert_array_equal(decode(encode(samples, subtype="FLOAT"))[0], samples)


@pytest.mark.parametrize("level", [2.2e9, 3e38])
def test_samples_no_converter_makes_are_damage(level: float) -> None:
    """Their squares would be infinite, and what a model makes of them no number."""
    samples = np.full(100, level, np.float32)
    with pytest.raises(AudioError, match=r"^clip reaches .* where 1 is full scale; it is damaged"):
        decode(encode(samples, subtype="FLOAT"), "clip")


@pytest.mark.parametrize("kind", ["WAV", "RF64", "AIFF", "FLAC", "OGG", "MP3"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_truncation_is_never_silent(kind: str, kept: float) -> None:
    subtype = {"OGG": "VORBIS", "MP3": "MPEG_LAYER_III"}.get(kind, "PCM_16")
    data = encode(np.tile(TONE, 3), kind=kind, subtype=subtype)
    with pytest.raises(AudioError, match=r"clip is (truncated|a damaged, truncated|not audio)"):
        decode(data[: int(len(data) * kept)], "clip")


def message_or_samples(data: bytes) -> str | np.ndarray:
    try:
        return decode(data, "clip")[0]
    except AudioError as error:
        return str(error)


def usable(outcome: str | np.ndarray) -> bool:
    if isinstance(outcome, str):
        return outcome.startswith("clip ")
    return outcome.ndim == 1 and len(outcome) > 0 and bool(np.isfinite(outcome).all())


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"RIFF", b"FORM", b"fLaC", b"OggS", b"ID3", b"\xff\xfb", b"RF64"]),
)
@settings(max_examples=150, deadline=None)
def test_no_bytes_end_in_anything_but_samples_or_an_audio_error(data: bytes, magic: bytes) -> None:
    assert usable(message_or_samples(magic + data))


@pytest.mark.filterwarnings("error")
@given(st.data())
@settings(max_examples=60, deadline=None)
def test_flipped_bytes_end_in_samples_or_an_audio_error(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["WAV", "AIFF", "FLAC"]))
    clip = bytearray(encode(TONE[:2000], kind=kind))
    for at in data.draw(st.lists(st.integers(4, min(100, len(clip) - 1)), min_size=1, max_size=4)):
        clip[at] ^= data.draw(st.integers(1, 255))
    assert usable(message_or_samples(bytes(clip)))


def test_load_decodes_and_resamples(tmp_path: Path) -> None:
    path = tmp_path / "tone.flac"
    path.write_bytes(encode(np.stack([TONE, TONE], axis=1), kind="FLAC"))
    assert load(path, RATE).shape == (RATE,)
    assert load(path, 8000).shape == (8000,)
    with pytest.raises(AudioError, match="clip 7 is empty"):
        load(b"", RATE, "clip 7")


def test_the_hash_knows_the_signal_not_the_container() -> None:
    tone = (TONE * 32767).astype(np.int16)
    wav, flac = (audio_hash(*decode(encode(tone, kind=kind))) for kind in ("WAV", "FLAC"))
    assert wav == flac
    assert len(wav) == 16
    samples, rate = decode(encode(tone))
    assert audio_hash(samples, rate + 1) != wav
    assert audio_hash(samples[:-1], rate) != wav
    assert audio_hash(-np.zeros(9, np.float32), rate) == audio_hash(np.zeros(9, np.float32), rate)


def test_the_hash_is_the_same_in_another_process() -> None:
    code = (
        "import numpy as np; from ser_hf.audio import audio_hash;"
        "print(audio_hash(np.arange(100, dtype=np.float32) / 128, 16000))"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert other == audio_hash(np.arange(100, dtype=np.float32) / 128, 16000)


@pytest.mark.real
def test_all_the_originals_decode(shared_data: Path) -> None:
    paths = sorted((shared_data / "originals").rglob("*.wav"))
    assert len(paths) == 28
    rates = {}
    for path in paths:
        samples, rate = decode(path)
        reference, _ = soundfile.read(path, dtype="float64", always_2d=True)
        rates[path.name] = rate
        assert samples.shape == (len(reference),)
        np.testing.assert_allclose(samples, reference.mean(axis=1), atol=1e-6)
        assert len(load(path, RATE)) == pytest.approx(len(samples) * RATE / rate, abs=1)
    assert sorted(set(rates.values())) == [24414, 44100, 48000, 96000]
    assert rates["OAF_food_fear.wav"] == 96000


@pytest.mark.real
def test_the_odd_originals_are_what_they_are_said_to_be(shared_data: Path) -> None:
    originals = shared_data / "originals"
    stereo = originals / "ravdess/Actor_01/03-01-02-01-01-02-01.wav"
    assert soundfile.info(stereo).channels == 2
    assert decode(stereo)[0].ndim == 1
    for name in ("YAF_angry/YAF_germ_angry.wav", "YAF_fear/YAF_neat_fear.wav"):
        assert (originals / "tess" / name).read_bytes()[:4] == b"FORM"
    twins = sorted((originals / "ravdess/Actor_07").glob("*.wav"))
    assert len({audio_hash(*decode(path)) for path in twins}) == 1


@pytest.mark.real
def test_decoding_costs_little_more_than_soundfile(shared_data: Path) -> None:
    paths = [str(p) for p in sorted((shared_data / "ravdess").rglob("*.flac"))[:40]]
    ours, bare = (np.full(len(paths), np.inf) for _ in range(2))
    for _ in range(5):
        for i, path in enumerate(paths):
            start = time.perf_counter()
            soundfile.read(path, dtype="float32")
            middle = time.perf_counter()
            decode(path)
            bare[i] = min(bare[i], middle - start)
            ours[i] = min(ours[i], time.perf_counter() - middle)
    assert ours.sum() < 1.4 * bare.sum(), "measured 1.04 on a quiet machine"


def test_what_a_text_says_is_nobodys_business(tmp_path):
    (tmp_path / "passwd").write_text("root:x:0:0:root\n")
    (tmp_path / "clip.wav").symlink_to(tmp_path / "passwd")
    with pytest.raises(AudioError, match="is text, not audio") as caught:
        decode(tmp_path / "clip.wav")
    assert "root" not in str(caught.value).removeprefix(str(tmp_path / "clip.wav"))


def test_devices_and_pipes_are_never_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")  # opening it would wait for ever
    (tmp_path / "endless.wav").symlink_to("/dev/zero")
    for path in (tmp_path / "pipe.wav", tmp_path / "endless.wav"):
        with pytest.raises(AudioError, match=f"{path} is a device, pipe or socket, not an audio file"):
            decode(path)


def wav_header(rate: int, channels: int, size: int) -> bytes:
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * 2 * channels, 2 * channels, 16)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + size)
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + form
        + b"data"
        + (struct.pack("<I", size))
    )


@pytest.mark.parametrize("read", [decode, lambda source: load(source, RATE)], ids=["decode", "load"])
@pytest.mark.parametrize("rate", [1, 999, 768_001, 1 << 30])
def test_a_rate_nobody_records_at_is_refused(read, rate):
    with pytest.raises(AudioError, match=f"the audio bytes says it is sampled at {rate} Hz; expected 1000 to 768000"):
        read(wav_header(rate, 1, 2000) + bytes(2000))


@pytest.mark.parametrize("read", [decode, lambda source, **given: load(source, RATE, **given)], ids=["decode", "load"])
@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG"])
def test_the_length_is_limited(read, kind):
    data = encode(np.zeros(RATE * 2), kind=kind, subtype="VORBIS" if kind == "OGG" else "PCM_16")
    assert len(read(data, max_duration=2.0)[0 if read is decode else slice(None)]) == RATE * 2
    with pytest.raises(AudioError, match=r"is too long: 2 s, and the limit is 1\.9 s; cut it, or raise the "):
        read(data, max_duration=1.9)


def adpcm(frames: int, subtype: str = "IMA_ADPCM") -> tuple[bytes, int]:
    """A compressed WAV whose last block is filled up, and the number of frames of all its blocks."""
    data = bytearray(encode(np.sin(np.arange(frames) / 9) / 2, subtype=subtype))
    at = data.index(b"fact") + 8
    whole = soundfile.info(io.BytesIO(data)).frames
    data[at : at + 4] = struct.pack("<I", frames)
    return bytes(data), whole


@pytest.mark.parametrize("subtype", ["IMA_ADPCM", "MS_ADPCM", "GSM610"])
def test_a_block_is_cut_where_the_sound_ends(subtype):
    data, whole = adpcm(5000, subtype)
    assert whole > 5000
    assert len(decode(data)[0]) == 5000


@pytest.mark.parametrize("told", [0, 1, 1 << 31])
def test_a_fact_that_is_none_is_passed_over(told):
    data, whole = adpcm(5000)
    at = data.index(b"fact") + 8
    assert len(decode(data[:at] + struct.pack("<I", told) + data[at + 4 :])[0]) == whole


def test_a_limit_that_is_no_number_lets_nothing_through():
    with pytest.raises(AudioError, match="the limit is nan s"):
        decode(encode(TONE), max_duration=math.nan)


def test_a_large_file_with_little_sound_is_not_read(tmp_path):
    (tmp_path / "clip.wav").write_bytes(encode(TONE))
    os.truncate(tmp_path / "clip.wav", 1 << 40)
    with pytest.raises(
        AudioError, match=rf"clip\.wav is {1 << 40} bytes long and holds at most .* cut off what follows"
    ):
        decode(tmp_path / "clip.wav")


MEMORY = """
import resource, sys
from ser_hf.audio import load
from ser_hf.base.errors import AudioError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    try:
        load(path, 16000)
    except AudioError as error:
        print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""


def test_a_small_file_that_claims_to_be_large_costs_no_memory(tmp_path):
    (tmp_path / "slow.wav").write_bytes(wav_header(1, 1, 200_000) + bytes(200_000))
    with soundfile.SoundFile(tmp_path / "silence.flac", "w", RATE, 1) as file:
        for _ in range(121):
            file.write(np.zeros(RATE * 60, np.int16))
    (tmp_path / "wide.wav").write_bytes(wav_header(RATE, 1024, 1 << 20) + bytes(1 << 20))
    with (tmp_path / "sparse.wav").open("wb") as file:
        file.write(wav_header(RATE, 1, (1 << 31) - 100))
        file.truncate((1 << 31) - 56)
    names = sorted(map(str, tmp_path.iterdir()))
    run = subprocess.run([sys.executable, "-c", MEMORY, *names], capture_output=True, text=True, check=True)
    *lines, spent = run.stdout.splitlines()
    assert len(lines) == 3
    assert "silence.flac is too long: 7,260 s" in lines[0]
    assert "slow.wav says it is sampled at 1 Hz" in lines[1]
    assert "sparse.wav is too long" in lines[2]
    assert int(spent) < 200, "MB"


def test_a_clip_that_needs_too_much_memory_is_its_own_fault(monkeypatch):
    def full(*_, **__):
        raise MemoryError

    data = encode(TONE)
    monkeypatch.setattr(sys.modules["ser_hf.audio.decode"], "_decode", full)
    with pytest.raises(AudioError, match="x needs more memory than there is"):
        decode(data, "x")
    monkeypatch.undo()
    monkeypatch.setattr(sys.modules["ser_hf.audio.load"], "resample", full)
    with pytest.raises(AudioError, match="x needs more memory than there is"):
        load(data, RATE, "x")
