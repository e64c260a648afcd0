"""Parts of files: decoded where they lie, equal to the same frames of the whole file, and cut out without loss."""

import re

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.audio import cut, decode, load, named_part, part_name
from ser_hf.base.errors import AudioError

RATE = 16_000


def noise(seconds: float, channels: int = 1) -> np.ndarray:
    samples = 0.3 * np.random.default_rng(7).standard_normal((round(seconds * RATE), channels))
    return np.clip(samples, -0.99, 0.99)


@pytest.fixture(
    scope="module", params=["PCM_16.wav", "PCM_24.flac", "FLOAT.wav", "PCM_U8.wav", "VORBIS.ogg", "MPEG_LAYER_III.mp3"]
)
def whole(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("parts") / request.param
    subtype = request.param.partition(".")[0]
    soundfile.write(path, noise(3.0, 2 if subtype == "PCM_16" else 1), RATE, subtype=subtype)
    return path


@pytest.mark.parametrize(
    ("start", "end"), [(0.0, 1.0), (0.5, 1.7), (1.25, None), (2.9, 3.0), (0.0, 3.04)]
)  # the last within rounding
def test_a_part_is_those_frames_of_the_whole(whole, start, end):
    samples, rate = decode(whole)
    part, same_rate = decode(part_name(whole, start, end))
    last = len(samples) if end is None else round(end * rate)
    np.testing.assert_allclose(
        part, samples[round(start * rate) : last], atol=1e-6 if whole.suffix in (".ogg", ".mp3") else 0
    )
    assert rate == same_rate


@pytest.mark.parametrize(("start", "end"), [(0.5, 1.7), (1.25, None)])
def test_a_part_cut_out_is_equal_to_the_sample(whole, start, end):
    data = cut(whole, start, end, "it")
    np.testing.assert_array_equal(decode(data)[0], decode(part_name(whole, start, end))[0])
    np.testing.assert_array_equal(decode(cut(whole.read_bytes(), start, end, "it"))[0], decode(data)[0])


def test_a_part_is_loaded_at_another_rate(whole):
    assert len(load(part_name(whole, 1, 2), 8_000)) == 8_000


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [(2.0, 3.5, "ends at 3.5 s, and the file ends at 3 s"), (3.0, None, "starts at 3 s, and the file ends at 3 s")],
)
def test_a_part_past_the_end_is_refused(whole, start, end, message):
    name = part_name(whole, start, end)
    with pytest.raises(AudioError, match=re.escape(f"{name} {message}; mend its start and end")):
        decode(name)
    with pytest.raises(AudioError, match=re.escape(f"it {message}")):
        cut(whole, start, end, "it")


def test_a_part_of_a_truncated_file_is_refused(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(2.0)[:, 0], RATE)
    path.write_bytes(path.read_bytes()[:-40_000])
    with pytest.raises(AudioError, match=r"the file ends at|is truncated"):
        decode(part_name(path, 1.5, 2.0))
    assert len(decode(part_name(path, 0, 0.5))[0]) == RATE / 2


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", b"<html>"])
def test_a_part_of_what_is_no_audio_is_refused(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(AudioError, match=re.escape(f"{tmp_path}/a.wav#t=0,1 ")):
        decode(f"{tmp_path}/a.wav#t=0,1")
    with pytest.raises(AudioError, match="does not exist"):
        decode(f"{tmp_path}/b.wav#t=0,1")


def test_a_file_that_is_called_like_a_part_is_a_file(tmp_path):
    path = tmp_path / "a.wav#t=0,1"
    soundfile.write(path, noise(2.0)[:, 0], RATE, format="WAV")
    assert named_part(path) is None
    assert len(decode(path)[0]) == 2 * RATE


@given(st.floats(0, 1e6), st.none() | st.floats(0, 1e6))
def test_names_of_parts_are_read_back(start, end):
    path, first, last = named_part(part_name("no/such folder/a.wav", start, end))
    assert path == "no/such folder/a.wav"
    assert first == pytest.approx(start, abs=1e-6)
    assert (last is None) if end is None else last == pytest.approx(end, abs=1e-6)
