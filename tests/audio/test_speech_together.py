"""Detectors hear many recordings as they hear each alone."""

import numpy as np
import pytest

from ser_hf.audio.speech import HOP, speech_detector


@pytest.mark.parametrize("name", ["rule", "silero"])
@pytest.mark.parametrize("rate", [16_000, 8_000])
def test_together_is_one_by_one(name, rate):
    if name == "silero":
        pytest.importorskip("silero_vad")
    detector, rng = speech_detector(name), np.random.default_rng(0)
    time = np.arange(rate * 3) / rate
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
