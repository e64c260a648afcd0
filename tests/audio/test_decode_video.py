"""Videos: their sound where torchcodec is installed, and else what to do, in one line."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from ser_hf.audio import decode, read_recording
from ser_hf.base.errors import AudioError

VIDEOS = {
    "mp4": b"\0\0\0 ftypisom\0\0\2\0" + bytes(400),
    "m4a": b"\0\0\0 ftypM4A \0\0\0\0" + bytes(400),
    "mkv": b"\x1aE\xdf\xa3" + bytes(400),
    "avi": b"RIFF\xff\0\0\0AVI LIST" + bytes(400),
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
    with pytest.raises(AudioError) as caught:
        decode(path)
    message = str(caught.value)
    assert message.startswith(f"{path} is an MP4 / M4A / WebM or AVI file, which libsndfile does not read; ")
    assert "ffmpeg -i clip.mp4 -vn clip.wav" in message
    assert "ser_hf[codec]" in message
    assert "\n" not in message


@pytest.mark.parametrize("kind", VIDEOS)
def test_with_torchcodec_the_channels_are_mixed(torchcodec, kind):
    found = read_recording(VIDEOS[kind])
    assert found.samples.tolist() == [0.375, -0.25, 0.0]
    assert found.samples.dtype == np.float32
    assert (found.rate, found.peak, found.channels, found.container) == (44_100, 0.375, 2, "video")
    assert found.data == VIDEOS[kind]


def test_audio_files_do_not_go_through_torchcodec(torchcodec, tmp_path, write_clip):
    torchcodec.module.AudioDecoder = None
    assert read_recording(write_clip(tmp_path / "a.wav")).container == "WAV"


@pytest.mark.parametrize("error", [RuntimeError("no audio stream\nmore of it"), ValueError("no audio stream")])
def test_a_video_without_sound(torchcodec, error):
    def refuse(data):
        raise error

    torchcodec.module.AudioDecoder = refuse
    with pytest.raises(AudioError, match=r"^x\.mp4 is truncated, or a video without sound .*: no audio stream$"):
        decode(VIDEOS["mp4"], name="x.mp4")


@pytest.mark.parametrize(
    ("samples", "what"),
    [([[]], "holds no samples"), ([[0.0, float("nan")]], "holds 1 samples that are NaN or infinite")],
)
def test_sound_that_is_no_use(torchcodec, samples, what):
    torchcodec.sound.data = torch.tensor(samples)
    with pytest.raises(AudioError, match=f"^x {what}"):
        decode(VIDEOS["mp4"], name="x")
