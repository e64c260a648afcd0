"""Loading: what `decode` and `resample` give, to the bit, by whichever way a file is read."""

import io

import numpy as np
import pytest
import soundfile
from hypothesis import example, given
from hypothesis import strategies as st

from ser_hf.audio import decode, load, resample
from ser_hf.base.errors import AudioError


def wav(samples: np.ndarray, rate: int = 16_000, subtype: str = "PCM_16", kind: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind, subtype=subtype)
    return file.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return name + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2)


def noise(frames: int, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(frames).uniform(-1, 1, (frames, channels))


@pytest.mark.parametrize("kind", ["WAV", "WAVEX", "RF64", "AIFF", "FLAC"])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_every_way_gives_the_same(kind, subtype, channels, rate):
    data = wav(noise(999, channels), rate, subtype, kind)
    expected = resample(*decode(data), 16_000)
    for source in (data, memoryview(data)):
        found = load(source, 16_000)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("value", [-32768, -1, 0, 1, 32767])
def test_integers_are_scaled_by_their_full_scale(value):
    np.testing.assert_array_equal(load(wav(np.array([value] * 3, np.int16)), 16_000), np.float32([value / 32768] * 3))


def test_chunks_before_and_after_the_samples_are_passed_over():
    plain = wav(noise(50))
    data = plain[:12] + chunk(b"LIST", b"odd") + plain[12:] + chunk(b"junk", b"more")
    np.testing.assert_array_equal(load(data, 16_000), decode(plain)[0])


def test_a_path_is_read(tmp_path):
    (tmp_path / "a.wav").write_bytes(wav(noise(50)))
    np.testing.assert_array_equal(load(tmp_path / "a.wav", 16_000), decode(tmp_path / "a.wav")[0])


def outcome(load_it) -> object:
    try:
        return load_it().tobytes()
    except AudioError as error:
        return str(error)


@given(st.integers(0, 160), st.integers(0, 255), st.integers(20, 200), st.sampled_from([1, 2]))
@example(27, 128, 124, 1)  # a rate beyond 2 ** 31
@example(23, 5, 124, 1)  # 1,281 channels
@example(20, 64, 124, 1)  # G.723, which libsndfile does not seek in
def test_damaged_files_are_what_decode_says_they_are(at, value, length, channels):
    data = bytearray(wav(noise(40, channels)))
    data[at % len(data)] = value
    damaged = bytes(data[:length])
    expected = outcome(lambda: resample(*decode(damaged, "a"), 16_000))
    found = outcome(lambda: load(damaged, 16_000, "a"))
    if expected == b"":  # a rate so high that no sample is left
        assert "none is left at 16000 Hz" in str(found)
    else:
        assert found == expected


def test_a_recording_of_no_sample_at_the_rate_is_refused():
    with pytest.raises(AudioError, match="the audio bytes holds 1 samples at 48000 Hz: none is left at 16000 Hz"):
        load(wav(np.array([0.5]), 48_000), 16_000)


@pytest.mark.real
def test_real_files_give_the_same(shared_data):
    for file in sorted((shared_data / "originals").rglob("*.wav")):
        data = file.read_bytes()
        np.testing.assert_array_equal(load(data, 16_000), resample(*decode(data), 16_000), err_msg=str(file))
