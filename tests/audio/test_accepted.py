"""Recordings in every form people hold them in, and clear words for what is none."""

import io
import struct
import wave

import numpy as np
import pytest
import soundfile
import soxr
import torch
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.audio import is_one, load, recording, recordings
from ser_hf.base.errors import AudioError

RATE = 16_000
TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.float32)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("accepted") / "tone.wav"
    soundfile.write(path, TONE, RATE, subtype="FLOAT")
    return path


class Decoded:
    """What datasets gives for audio where torchcodec is installed."""

    def get_all_samples(self):
        return type("Samples", (), {"data": torch.from_numpy(TONE)[None], "sample_rate": RATE})()


def forms(file) -> dict:
    """Name -> one recording, the same in all, and the rate that goes with it."""
    stereo = np.stack([TONE + 0.1, TONE - 0.1])
    return {
        "str": (str(file), None),
        "Path": (file, None),
        "bytes": (file.read_bytes(), None),
        "bytearray": (bytearray(file.read_bytes()), None),
        "memoryview": (memoryview(file.read_bytes()), None),
        "open file": (io.BytesIO(file.read_bytes()), None),
        "array": (TONE, RATE),
        "float64": (TONE.astype(np.float64), RATE),
        "column": (TONE[:, None], RATE),
        "(n, 2)": (stereo.T, RATE),
        "(2, n)": (stereo, RATE),
        "list": (TONE.tolist(), RATE),
        "tensor": (torch.from_numpy(TONE), RATE),
        "tensor that learns": (torch.from_numpy(TONE).clone().requires_grad_(), RATE),
        "tensor (1, n)": (torch.from_numpy(TONE)[None], RATE),
        "librosa's pair": ((TONE, RATE), None),
        "torchaudio's pair": ((torch.from_numpy(TONE)[None], RATE), None),
        "dictionary": ({"array": TONE, "sampling_rate": RATE, "path": None}, None),
        "pipeline's dictionary": ({"raw": TONE, "sampling_rate": RATE}, None),
        "undecoded dictionary": ({"bytes": file.read_bytes(), "path": "x.wav"}, None),
        "dictionary with a path": ({"bytes": None, "path": str(file)}, None),
        "row": ({"audio": {"array": TONE, "sampling_rate": float(RATE)}, "label": 3}, None),
        "decoder": (Decoded(), None),
        "row with a decoder": ({"audio": Decoded()}, None),
    }


@pytest.mark.parametrize("form", range(24))
def test_every_form_gives_the_same_samples(file, form):
    given, rate = [*forms(file).values()][form]
    assert is_one(given)
    _, samples = recording(given, RATE, rate)
    assert samples.dtype == np.float32
    np.testing.assert_allclose(samples, TONE, atol=1e-6)


def test_no_form_is_forgotten(file):
    assert len(forms(file)) == 24


@pytest.mark.parametrize(("dtype", "full"), [(np.int16, 2**15), (np.int32, 2**31)])
def test_integers_are_divided_by_their_full_scale(dtype, full):
    whole = np.round(TONE.astype(np.float64) * (full - 1)).astype(dtype)
    np.testing.assert_allclose(recording(whole, RATE, RATE)[1], whole / full, atol=1e-7)


def test_int16_and_uint8_mean_what_they_mean_in_a_wav_file(tmp_path):
    shorts = np.round(TONE * 32767).astype("<i2")
    bytes_ = np.round(TONE * 127 + 128).astype(np.uint8)
    for name, samples, width in (("s", shorts, 2), ("b", bytes_, 1)):
        with wave.open(str(tmp_path / name), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(width)
            out.setframerate(RATE)
            out.writeframes(samples.tobytes())
        np.testing.assert_allclose(recording(samples, RATE, RATE)[1], load(tmp_path / name, RATE), atol=1e-7)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_another_rate_is_converted_by_soxr(rate):
    tone = (0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype(np.float32)
    found = recording(tone, RATE, rate)[1]
    np.testing.assert_allclose(found, soxr.resample(tone, rate, RATE, quality="HQ"), atol=1e-6)
    assert abs(len(found) - RATE) <= 1


def test_what_is_many():
    for many in ([], ["a.wav"], [TONE, TONE], [[0.0, 0.1]], (x for x in ["a"]), np.array(["a.wav"]), [{"array": TONE}]):
        assert not is_one(many), many


def test_a_column_and_a_dataset_are_many(file):
    import datasets

    rows = datasets.Dataset.from_dict({"audio": [str(file)] * 3, "label": [0, 1, 2]})
    rows = rows.cast_column("audio", datasets.Audio(decode=False))
    for many in (rows, rows["audio"]):
        assert not is_one(many)
        found = list(recordings(many, RATE))
        assert len(found) == 3
        np.testing.assert_allclose(found[2][1], TONE, atol=1e-6)


def test_a_series_of_paths_is_many_and_of_samples_one(file):
    import pandas as pd

    assert not is_one(pd.Series([str(file)]))
    assert is_one(pd.Series(TONE))
    np.testing.assert_allclose(recording(pd.Series(TONE), RATE, RATE)[1], TONE, atol=1e-6)


def test_a_generator_is_asked_only_for_what_is_used():
    asked = []

    def clips():
        for i in range(5):
            asked.append(i)
            yield TONE

    found = recordings(clips(), RATE, RATE)
    next(found)
    assert asked == [0]


WRONG = {
    "None": (None, None, "is a NoneType; expected a path, the bytes"),
    "number": (3, None, "is a int; expected a path"),
    "set": ({1, 2}, None, "is a set; expected a path"),
    "no file": ("gone.wav", None, r"gone\.wav does not exist"),
    "no rate": (TONE, None, "samples, which need their sampling_rate; this model works at 16000 Hz"),
    "rate of zero": (TONE, 0, "sampling_rate of the clip is 0; expected a positive whole number"),
    "rate of words": (TONE, "16k", "sampling_rate of the clip is '16k'"),
    "half a Hz": (TONE, 8000.5, "is 8000.5; expected a positive whole number"),
    "rate nobody has": (TONE, 20, "sampled at 20 Hz; expected 1000 to 768000"),
    "int64": (np.arange(9), RATE, "holds int64 and no samples; expected floats in"),
    "bool": (np.array([True]), RATE, "holds bool"),
    "words": (["a", "b"], RATE, "holds <U1 and no samples"),
    "ragged": ([[0.1], [0.1, 0.2]], RATE, "holds no samples"),
    "three channels": (np.zeros((3, 100), np.float32), RATE, r"shape \(3, 100\); expected one clip"),
    "three dimensions": (np.zeros((1, 2, 100), np.float32), RATE, r"shape \(1, 2, 100\)"),
    "empty": (np.zeros(0, np.float32), RATE, "holds no samples"),
    "NaN": (np.array([0, np.nan], np.float32), RATE, "holds 1 samples that are NaN or infinite"),
    "int16 as floats": (TONE * 32768, RATE, "reaches 16384, and floating-point samples lie in"),
    "another dictionary": ({"wave": TONE}, RATE, "is a dictionary with 'wave'; expected"),
    "empty dictionary": ({}, RATE, "is a dictionary with nothing"),
    "text": (io.StringIO("RIFF"), None, "was opened as text; open it by open"),
    "bytes of text": (b"hello there, no sound in here", None, "the clip is text, not audio"),
    "too long": (np.zeros(RATE * 3700, np.float32), RATE, "is too long: 3,700 s"),
    "gone": (np.full(1, 0.1, np.float32), 768_000, "none is left at 16000 Hz"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_recording_is_one_clear_message(case):
    wrong, rate, said = WRONG[case]
    with pytest.raises(AudioError, match=said) as caught:
        recording(wrong, RATE, rate)
    assert "\n" not in str(caught.value)


def test_a_closed_file_is_named(file):
    handle = file.open("rb")
    handle.close()
    with pytest.raises(AudioError, match=r"tone\.wav cannot be read"):
        recording(handle, RATE)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.binary(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.sampled_from(["array", "audio", "bytes", "path", "raw", "sampling_rate", "x"]), inner)
    ),
    max_leaves=12,
)


@given(anything)
def test_whatever_is_passed_there_is_one_message(thing):
    try:
        found = [recording(thing, RATE, RATE)] if is_one(thing) else list(recordings(thing, RATE, RATE))
    except AudioError:
        return
    assert all(samples.dtype == np.float32 and samples.ndim == 1 for _, samples in found)


@given(st.binary(max_size=200))
def test_any_bytes_behind_a_header_are_sound_or_a_message(tail):
    header = (
        b"RIFF"
        + struct.pack("<I", 36 + len(tail))
        + b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 1, 1, RATE, 32000, 2, 16)
    )
    try:
        _, samples = recording(header + b"data" + struct.pack("<I", len(tail)) + tail, RATE)
    except AudioError:
        return
    assert np.isfinite(samples).all()
