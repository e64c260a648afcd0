"""What telephones, browsers and cameras record: the same sound as went in, from the first sample on, by PyAV."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest

from ser_hf.audio import decode, load, part_name, read_recording
from ser_hf.base.errors import AudioError

pytest.importorskip("av")

SECONDS = 1.5
TONES = [
    (kind, rate)
    for kind, rates in {
        **dict.fromkeys(("m4a", "mp4", "mkv", "mov", "alac.m4a", "avi", "aac"), (48_000, 44_100, 22_050, 8_000)),
        **{"webm": (48_000, 8_000), "live.webm": (48_000,), "wma": (44_100, 22_050, 8_000), "3gp": (22_050, 8_000)},
        **{"flv": (44_100, 22_050), "ima.mov": (44_100, 8_000), "vorbis.mkv": (48_000, 44_100), "g726.wav": (8_000,)},
        **{"fragments.mp4": (48_000,), "ts": (48_000,), "caf": (44_100,), "wv": (44_100,)},
    }.items()
    for rate in rates
]


def tone(rate: int, seconds: float = SECONDS) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 1000 * np.arange(round(rate * seconds)) / rate)


@pytest.mark.parametrize(("kind", "rate"), TONES)
def test_a_tone_comes_back(encode, forms, kind, rate):
    samples, found = decode(encode(kind, tone(rate), rate))
    assert samples.dtype == np.float32
    longer = len(samples) / found - SECONDS
    assert -forms[kind].frame / rate - 1e-3 <= longer <= forms[kind].frame / rate + 1e-3
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert spectrum.argmax() * found / len(middle) == pytest.approx(1000, abs=2 * found / len(middle))
    assert 20 * np.log10(middle.std() / (0.5 / 2**0.5)) == pytest.approx(0, abs=1)


@pytest.mark.parametrize("kind", ["m4a", "alac.m4a", "mov", "webm", "mp4"])
def test_no_delay_of_the_encoder_is_left(encode, kind):
    """The click is where it was put."""
    rate = 48_000
    click = np.zeros(rate)
    click[12_345] = 0.9
    samples, _ = decode(encode(kind, click, rate))
    assert abs(int(np.abs(samples).argmax()) - 12_345) <= (0 if kind in ("alac.m4a", "mov") else 3)


@pytest.mark.parametrize("kind", ["m4a", "mov", "mkv", "wma"])
def test_channels_are_mixed_by_their_mean(encode, kind):
    left = tone(44_100)
    found = read_recording(encode(kind, np.stack([left, np.zeros_like(left)]), 44_100, "stereo"))
    assert found.channels == 2
    assert found.samples[10_000:-10_000].std() == pytest.approx(0.25 / 2**0.5, rel=0.05)


@pytest.mark.parametrize(
    ("encoder", "muxer", "tolerance"),
    [
        *[("pcm_u8", "avi", 1 / 100), ("pcm_s16be", "mov", 1e-4), ("pcm_s32le", "matroska", 1e-4)],
        *[("pcm_f32le", "mov", 1e-4), ("pcm_f64le", "mov", 1e-4), ("pcm_alaw", "mov", 1 / 40), ("flac", "mp4", 1e-4)],
    ],
)
@pytest.mark.parametrize("layout", ["mono", "5.1", "7.1"])
def test_every_form_of_sample_is_scaled_alike(encode, monkeypatch, forms, encoder, muxer, tolerance, layout):
    form = type(forms["mov"])(muxer, encoder, (), 0)
    monkeypatch.setitem(forms, "any", form)
    count = {"mono": 1, "5.1": 6, "7.1": 8}[layout]
    given = np.stack([tone(8000, 0.5) * (1 if channel % 2 == 0 else 0.5) for channel in range(count)])
    samples, rate = decode(encode("any", given, 8000, layout))
    assert rate == 8000
    np.testing.assert_allclose(samples, given.mean(axis=0), atol=tolerance)


def test_the_name_does_not_matter_and_a_part_of_it_can_be_named(encode, tmp_path):
    path = tmp_path / "clip.wav"
    path.write_bytes(encode("m4a", tone(16_000), 16_000))
    found = read_recording(path)
    assert found.container == "an M4A file (MP4)"
    assert found.data == path.read_bytes()
    part, rate = decode(part_name(path, 0.25, 1.0))
    np.testing.assert_array_equal(part, found.samples[round(0.25 * rate) : rate])
    assert len(load(path, 8_000)) == 12_000


def test_a_film_without_sound(encode):
    av = pytest.importorskip("av")
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        video = file.add_stream("mpeg4", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for _ in range(3):
            file.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        file.mux(video.encode(None))
    with pytest.raises(AudioError, match=r"^mute\.mp4 is an MP4 file without sound; give a file that has some"):
        decode(out.getvalue(), "mute.mp4")


def test_tags_in_an_unknown_alphabet_do_no_harm(encode):
    data = encode("m4a", tone(16_000), 16_000, tags={"title": "Übung zwei"})
    assert data.count("Ü".encode()) == 1
    samples, _ = decode(data.replace("Ü".encode(), b"\xdc\x80"))
    assert len(samples) == 24_000


@pytest.mark.parametrize("kind", ["m4a", "webm", "aac"])
def test_the_length_is_limited_while_decoding(encode, kind):
    data = encode(kind, tone(8_000, 4), 8_000)
    with pytest.raises(AudioError, match=r"^long is too long: .*, and the limit is 2 s"):
        decode(data, "long", max_duration=2)
    assert len(decode(data, max_duration=5)[0]) >= 4 * 8_000


def test_pyav_is_imported_where_it_is_needed_alone(encode, tmp_path):
    (tmp_path / "clip.m4a").write_bytes(encode("m4a", tone(8_000), 8_000))
    program = (
        "import sys, numpy, io, soundfile\n"
        "from ser_hf.audio import blocks, decode\n"
        "soundfile.write(file := io.BytesIO(), numpy.zeros(99), 8000, format='WAV')\n"
        "decode(file.getvalue()), list(blocks(file, 8000))\n"
        "assert not {'av', 'torch'} & set(sys.modules)\n"
        "decode(sys.argv[1])\n"
        "assert 'av' in sys.modules and 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "clip.m4a")], check=True, timeout=60)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "rate", "more"),
    [
        *[("clip.m4a", 16_000, 0), ("aac_in_disguise.wav", 16_000, 0), ("clip.webm", 48_000, 0)],
        *[("clip.amr", 8_000, 0.02), ("clip.opus", 16_000, 0), ("mp3_in_disguise.wav", 16_000, 0.005)],
        *[("phone_adpcm.wav", 8_000, 0), ("yt.wav", 44_100, 0)],
    ],
)
def test_one_clip_as_telephones_browsers_and_films_hand_it_over(shared_data, name, rate, more):
    cases = shared_data.parent / "cases"
    samples, found = decode(cases / name)
    assert found == rate
    assert 0 <= len(samples) / rate - 4.1041 <= more + 1e-4
    same, heard = load(cases / "yt.wav", 8_000), load(cases / name, 8_000)
    lags = np.fft.irfft(np.fft.rfft(heard, 1 << 17) * np.conj(np.fft.rfft(same, 1 << 17)))
    lag = (int(lags.argmax()) + (1 << 16)) % (1 << 17) - (1 << 16)
    assert 0 <= lag / 8_000 <= 0.012, "the sound begins where it did, but for what AMR needs to see ahead"
