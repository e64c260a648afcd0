"""Speech is found where somebody speaks, and nowhere else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.audio import load, speech_detector
from ser_hf.audio.speech import HOP, LEAST, RuleDetector
from ser_hf.audio.voice import SAMPLING_RATE, Voice, synthesise
from ser_hf.base.errors import SerHfError

RATE = 16_000
DETECTORS = ["rule", "silero"]


@pytest.fixture(params=DETECTORS)
def detector(request):
    if request.param == "silero":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("silero_vad")
    return speech_detector(request.param)


def coloured(slope: float, seconds: float = 3.0) -> np.ndarray:
    """Noise of -20 dB whose magnitudes fall with the frequency to that power."""
    rng = np.random.default_rng(0)
    spectrum = np.fft.rfft(rng.standard_normal(round(seconds * RATE)))
    frequencies = np.fft.rfftfreq(round(seconds * RATE))
    frequencies[0] = frequencies[1]
    noise = np.fft.irfft(spectrum / frequencies**slope)
    return (0.1 * noise / noise.std()).astype(np.float32)


NOTHING = {
    "one sample": np.ones(1, np.float32),
    "10 ms of noise": coloured(0, 0.01),
    "silence": np.zeros(2 * RATE, np.float32),
    "DC": np.full(2 * RATE, 0.3, np.float32),
    "white noise": coloured(0),
    "pink noise": coloured(0.5),
    "brown noise": coloured(1.0),
    "a click": np.eye(1, RATE, RATE // 2, dtype=np.float32)[0],
    "the noise of 16 bits": (coloured(0) * 3e-4).astype(np.float32),
}


@pytest.mark.parametrize("case", NOTHING)
def test_what_is_no_speech(detector, case):
    assert detector.seconds(NOTHING[case], RATE) < LEAST


@pytest.mark.parametrize("emotion", ["neutral", "angry", "sad"])
def test_a_voice_is_found_between_its_pauses_by_the_rule(emotion):
    voice = synthesise(emotion, Voice.invent("ada", "female"), "kids are talking by the door")
    pause = np.zeros(2 * SAMPLING_RATE, np.float32)
    found = RuleDetector()(np.concatenate([pause, voice, pause]), SAMPLING_RATE)
    inside = slice(round(2 / HOP), round((2 + len(voice) / SAMPLING_RATE) / HOP))
    assert found[inside].mean() > 0.6
    assert not found[: inside.start - 8].any()
    assert not found[inside.stop + 8 :].any()


@pytest.mark.parametrize("gain", [1e-2, 0.1, 1.0])
@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_neither_level_nor_rate_matters_to_the_rule(gain, rate):
    import soxr

    voice = synthesise("happy", Voice.invent("bob", "male"), "dogs are sitting by the door")
    expected = RuleDetector().seconds(voice, SAMPLING_RATE)
    heard = soxr.resample(gain * voice, SAMPLING_RATE, rate)
    assert RuleDetector().seconds(heard.astype(np.float32), rate) == pytest.approx(expected, rel=0.15)


@given(st.integers(1, 40_000), st.sampled_from([8_000, 16_000, 44_100]))
def test_there_is_one_answer_for_every_frame(length, rate):
    samples = np.random.default_rng(length).standard_normal(length).astype(np.float32) * 0.1
    detector = RuleDetector()
    assert len(detector(samples, rate)) == int(np.ceil(length / rate / HOP))
    assert 0 <= detector.seconds(samples, rate) <= length / rate


def test_a_name_nobody_knows():
    with pytest.raises(SerHfError, match="unknown speech detector 'siler'; did you mean 'silero'"):
        speech_detector("siler")


def test_silero_that_is_not_installed(monkeypatch):
    import importlib.util

    real = importlib.util.find_spec
    hidden = ("silero_vad",)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name in hidden else real(name, *rest))
    from ser_hf.audio import speech

    speech._silero.cache_clear()
    assert speech_detector("auto").name == "rule"
    with pytest.raises(SerHfError, match=r"pip install 'ser_hf\[vad\]', or take 'rule'"):
        speech_detector("silero")


@pytest.mark.real
def test_the_rule_finds_speech_in_every_acted_clip(shared_data):
    clips = (
        sorted((shared_data / "ravdess").rglob("*.flac"))[::29] + sorted((shared_data / "tess").rglob("*.wav"))[::67]
    )
    seconds = [RuleDetector().seconds(load(clip, RATE), RATE) for clip in clips]
    assert len(seconds) >= 50
    assert min(seconds) > LEAST


@pytest.mark.parametrize("rate", [16_000, 8_000])
def test_many_together_are_heard_as_one_by_one(detector, rate):
    rng, time = np.random.default_rng(0), np.arange(rate * 3) / rate
    voice = 0.1 * sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 12)) * (np.sin(20 * time) > -0.5)
    clips = [voice, voice[: rate + 7], rng.normal(0, 0.05, 2 * rate), np.zeros(10), voice[::-1]]
    clips = [np.ascontiguousarray(clip, np.float32) for clip in clips]
    found = detector.together(clips, rate)
    for clip, frames in zip(clips, found, strict=True):
        assert frames.shape == (int(np.ceil(len(clip) / rate / HOP)),)
        np.testing.assert_array_equal(frames, detector(clip, rate))
    assert found[0].any()
    assert not found[3].any()
    assert detector.together([], rate) == []
