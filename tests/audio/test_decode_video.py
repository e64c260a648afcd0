"""Videos and telephones' formats: their sound where torchcodec is installed, and else what to do, in one line."""

import os
import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from ser_hf.audio import decode, read_recording
from ser_hf.base.errors import AudioError

VIDEOS = {
    "mp4": b"\0\0\0 ftypisom\0\0\2\0" + bytes(400),
    "m4a": b"\0\0\0 ftypM4A \0\0\0\0" + bytes(400),
    "3gp": b"\0\0\0 ftyp3gp4\0\0\0\0" + bytes(400),
    "mkv": b"\x1aE\xdf\xa3" + bytes(400),
    "avi": b"RIFF\xff\0\0\0AVI LIST" + bytes(400),
    "amr": b"#!AMR\n" + bytes(400),
    "aac": b"\xff\xf1\x50\x80" + bytes(400),
    "tagged.aac": b"ID3\4\0\0\0\0\1\2" + bytes(130) + b"\xff\xf9\x50\x80" + bytes(400),
    "wma": b"0&\xb2u\x8ef\xcf\x11" + bytes(400),
}
KINDS = {
    **{"mp4": "an MP4 file", "m4a": r"an M4A file \(MP4\)", "3gp": r"a 3GP file \(MP4\)", "avi": "an AVI file"},
    **{"mkv": "a WebM or Matroska file", "amr": "AMR", "aac": r"AAC \(ADTS\)", "tagged.aac": r"AAC \(ADTS\)"},
    "wma": r"a WMA or WMV file \(ASF\)",
}


@pytest.fixture
def torchcodec(monkeypatch):
    """A torchcodec that hears two channels in everything; to be changed by the test."""
    sound = SimpleNamespace(data=torch.tensor([[0.5, -0.5, 1.0], [0.25, 0.0, -1.0]]), sample_rate=44_100)
    decoder = SimpleNamespace(get_samples_played_in_range=lambda start, stop: sound)
    module = ModuleType("torchcodec.decoders")
    module.AudioDecoder = lambda data: decoder
    monkeypatch.setitem(sys.modules, "torchcodec", ModuleType("torchcodec"))
    monkeypatch.setitem(sys.modules, "torchcodec.decoders", module)
    return SimpleNamespace(module=module, sound=sound)


@pytest.mark.parametrize("kind", VIDEOS)
def test_without_torchcodec_the_error_says_what_to_do_in_one_line(tmp_path, monkeypatch, kind):
    monkeypatch.setitem(sys.modules, "torchcodec", None)
    path = tmp_path / f"clip.{kind}"
    path.write_bytes(VIDEOS[kind])
    told = f"{path} is {KINDS[kind]}, which libsndfile does not read; convert it: .* beside it "
    command = rf"\(ffmpeg -i {path.name} -vn {path.stem}\.wav\), or install FFmpeg and 'ser_hf\[codec\]'"
    with pytest.raises(AudioError, match=rf"^{told}{command}$"):
        decode(path)


@pytest.mark.parametrize("kind", VIDEOS)
def test_what_hides_under_another_name_is_named(monkeypatch, kind):
    monkeypatch.setitem(sys.modules, "torchcodec", None)
    told = f"^a/clip.wav is {KINDS[kind]} in spite of its name; libsndfile does not read it: convert it "
    with pytest.raises(AudioError, match=rf"{told}\(ffmpeg -i clip\.wav -vn sound\.wav\) .* in its place, or install "):
        decode(VIDEOS[kind], "a/clip.wav")


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (VIDEOS["m4a"], "is an M4A file"),
        (b"", "is not audio that libsndfile reads"),
        (b"a text " * 900, "is text, not"),
    ],
)
def test_a_large_file_is_judged_by_its_first_bytes(tmp_path, monkeypatch, head, told):
    monkeypatch.setitem(sys.modules, "torchcodec", None)
    (tmp_path / "clip.bin").write_bytes(head)
    os.truncate(tmp_path / "clip.bin", 1 << 40)  # a hole: reading it would fill the memory
    with pytest.raises(AudioError, match=told):
        decode(tmp_path / "clip.bin")


@pytest.mark.real
def test_what_telephones_and_browsers_hand_over(shared_data, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchcodec", None)
    cases: Path = shared_data.parent / "cases"
    for name in ("clip.opus", "phone_adpcm.wav", "yt.wav", "mp3_in_disguise.wav"):
        samples, rate = decode(cases / name)
        assert len(samples) / rate == pytest.approx(4.104, abs=0.005), name
    told = {
        "clip.m4a": r"an M4A file \(MP4\), which",
        "clip.webm": "a WebM or Matroska file, which",
        "clip.amr": "AMR, which",
        "aac_in_disguise.wav": r"an M4A file \(MP4\) in spite of its name",
    }
    for name, words in told.items():
        with pytest.raises(AudioError, match=rf"{name} is {words}.*ffmpeg.*ser_hf\[codec\]"):
            decode(cases / name)


@pytest.mark.parametrize("kind", VIDEOS)
def test_with_torchcodec_the_channels_are_mixed(torchcodec, kind):
    found = read_recording(VIDEOS[kind])
    assert found.samples.tolist() == [0.375, -0.25, 0.0]
    assert found.samples.dtype == np.float32
    assert (found.rate, found.peak, found.channels) == (44_100, 0.375, 2)
    assert re.fullmatch(KINDS[kind], found.container)
    assert found.data == VIDEOS[kind]


def test_audio_files_do_not_go_through_torchcodec(torchcodec, tmp_path, write_clip):
    torchcodec.module.AudioDecoder = None
    assert read_recording(write_clip(tmp_path / "a.wav")).container == "WAV"


@pytest.mark.parametrize("error", [RuntimeError("no audio stream\nmore of it"), ValueError("no audio stream")])
def test_a_video_without_sound(torchcodec, error):
    def refuse(data):
        raise error

    torchcodec.module.AudioDecoder = refuse
    with pytest.raises(AudioError, match=r"^x\.mp4 is truncated, or an MP4 file without sound .*: no audio stream$"):
        decode(VIDEOS["mp4"], name="x.mp4")


@pytest.mark.parametrize(
    ("samples", "what"),
    [([[]], "holds no samples"), ([[0.0, float("nan")]], "holds 1 samples that are NaN or infinite")],
)
def test_sound_that_is_no_use(torchcodec, samples, what):
    torchcodec.sound.data = torch.tensor(samples)
    with pytest.raises(AudioError, match=f"^x {what}"):
        decode(VIDEOS["mp4"], name="x")
