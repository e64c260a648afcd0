"""The synthetic voice: the same samples for ever, and emotions that differ as the literature says."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from ser_hf.audio import _tract
from ser_hf.audio._glottis import pulses
from ser_hf.audio._phones import syllables
from ser_hf.audio._prosody import EMOTIONS
from ser_hf.audio.voice import SAMPLING_RATE, Voice, synthesise
from ser_hf.base.errors import AudioError
from ser_hf.labels import get_scheme

TEXT = "Kids are talking by the door"
VOICES = [Voice.invent(f"speaker {i}", sex) for i in range(2) for sex in ("female", "male")]


def tracked_pitch(samples: np.ndarray) -> np.ndarray:
    """Semitones above 55 Hz in the voiced frames, by librosa's pYIN."""
    librosa = pytest.importorskip("librosa")
    pitch, voiced, _ = librosa.pyin(
        samples, fmin=60, fmax=600, sr=SAMPLING_RATE, frame_length=1024, hop_length=512, resolution=0.25
    )
    return 12 * np.log2(pitch[voiced] / 55)


@pytest.fixture(scope="module")
def clips() -> dict[str, list[np.ndarray]]:
    return {emotion: [synthesise(emotion, voice, TEXT) for voice in VOICES] for emotion in EMOTIONS}


@pytest.fixture(scope="module")
def pitch(clips: dict[str, list[np.ndarray]]) -> dict[str, list[np.ndarray]]:
    return {e: [tracked_pitch(clip) for clip in clips[e]] for e in ("neutral", "happy", "sad", "angry", "surprised")}


def test_the_eight_emotions_of_the_widest_scheme_can_be_spoken() -> None:
    assert set(EMOTIONS) == set(get_scheme("8class").classes)


def test_another_process_says_the_same() -> None:
    code = (
        "import hashlib; from ser_hf.audio.voice import Voice, synthesise;"
        "x = synthesise('fearful', Voice.invent('a', 'female'), 'Say the word neat', 0.8, 3);"
        "print(hashlib.sha256(x.tobytes()).hexdigest())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    samples = synthesise("fearful", Voice.invent("a", "female"), "Say the word neat", 0.8, 3)
    assert run.stdout.strip() == hashlib.sha256(samples.tobytes()).hexdigest()


def test_every_argument_changes_the_clip() -> None:
    reference = synthesise("happy", VOICES[0], TEXT)
    for other in (
        synthesise("sad", VOICES[0], TEXT),
        synthesise("happy", VOICES[1], TEXT),
        synthesise("happy", VOICES[0], "Dogs are sitting by the door"),
        synthesise("happy", VOICES[0], TEXT, 1.25),
        synthesise("happy", VOICES[0], TEXT, seed=1),
    ):
        assert not np.array_equal(reference, other)


@given(
    st.sampled_from(sorted(EMOTIONS)),
    st.sampled_from(VOICES),
    st.text(max_size=40),
    st.floats(0, 2),
    st.integers(0, 2**31),
)
@settings(max_examples=40, deadline=None)
def test_any_clip_is_finite_and_within_full_scale(e: str, voice: Voice, text: str, intensity: float, seed: int) -> None:
    samples = synthesise(e, voice, text, intensity, seed)
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert np.isfinite(samples).all()
    assert 0.005 < np.abs(samples).max() < 0.98


def test_short_sentences_last_about_two_seconds(clips: dict[str, list[np.ndarray]]) -> None:
    seconds = [len(clip) / SAMPLING_RATE for group in clips.values() for clip in group]
    assert min(seconds) > 1.2
    assert max(seconds) < 3.2
    assert 1.6 < np.mean(seconds) < 2.4


def test_an_unknown_emotion_is_refused_with_the_nearest() -> None:
    with pytest.raises(AudioError, match="did you mean 'fearful'"):
        synthesise("fearfull", VOICES[0], TEXT)


def test_the_tracked_pitch_is_the_speakers_own(pitch: dict[str, list[np.ndarray]]) -> None:
    for voice, semitones in zip(VOICES, pitch["neutral"], strict=True):
        assert np.median(semitones) == pytest.approx(12 * np.log2(voice.pitch / 55), abs=2.0)


def test_pitch_is_higher_and_wider_when_aroused(pitch: dict[str, list[np.ndarray]]) -> None:
    level = {e: np.array([np.median(p) for p in tracks]) for e, tracks in pitch.items()}
    width = {e: np.mean([np.subtract(*np.percentile(p, [90, 10])) for p in tracks]) for e, tracks in pitch.items()}
    for aroused in ("happy", "angry", "surprised"):
        assert (level[aroused] > level["sad"] + 1).all()
        assert np.mean(level[aroused] - level["neutral"]) > 1.5
    assert width["surprised"] > width["neutral"] + 1
    assert width["happy"] > width["neutral"] + 1


def test_energy_rate_and_brightness_follow_arousal(clips: dict[str, list[np.ndarray]]) -> None:
    def level(clip: np.ndarray) -> float:
        return float(10 * np.log10(np.mean(clip**2)))

    def brightness(clip: np.ndarray) -> float:
        frequencies, power = signal.welch(clip, SAMPLING_RATE, nperseg=512)
        return float(10 * np.log10(power[frequencies > 1500].sum() / power[frequencies < 1000].sum()))

    def mean(measure: Callable[[np.ndarray], float], emotion: str) -> float:
        return float(np.mean([measure(clip) for clip in clips[emotion]]))

    assert mean(level, "angry") > mean(level, "neutral") + 4
    assert mean(level, "sad") < mean(level, "neutral") - 3
    assert mean(len, "fearful") < mean(len, "neutral") < mean(len, "sad")
    assert mean(brightness, "angry") > mean(brightness, "neutral") > mean(brightness, "sad")


def test_intensity_moves_away_from_neutral() -> None:
    def energy(intensity: float) -> float:
        return float(np.mean([np.mean(synthesise("angry", v, TEXT, intensity) ** 2) for v in VOICES]))

    assert energy(0.3) < energy(0.8) < energy(1.5)


def test_breath_makes_the_pulses_less_periodic() -> None:
    def periodicity(breath: float) -> float:
        source = pulses(np.full(SAMPLING_RATE, 100.0), SAMPLING_RATE, breath, 0.0, 0.0, np.random.default_rng(0))
        return float(np.corrcoef(source[1600:-160], source[1760:])[0, 1])

    assert periodicity(0.0) > 0.999
    assert periodicity(0.05) > periodicity(0.3) + 0.03
    assert periodicity(0.3) > periodicity(0.6) + 0.03


def test_the_pulses_have_the_pitch_asked_for() -> None:
    source = pulses(np.full(SAMPLING_RATE, 200.0), SAMPLING_RATE, 0.1, 0.0, 0.01, np.random.default_rng(0))
    spectrum = np.abs(np.fft.rfft(source * np.hanning(len(source))))
    assert np.argmax(spectrum[50:350]) + 50 == pytest.approx(200, abs=2)


def test_a_tract_at_rest_is_the_cascade_of_its_resonators() -> None:
    formants = np.array([[500.0, 1500.0, 2500.0]] * 2)
    source = np.random.default_rng(0).standard_normal(SAMPLING_RATE)
    trajectory = _tract.Trajectory(np.array([0.0, 1.0]), formants, 1.1)
    expected = source
    for formant, width in zip((500, 1500, 2500, 3500, 4500), (70, 100, 140, 220, 300), strict=True):
        radius = np.exp(-np.pi * width * 1.2 / SAMPLING_RATE)
        b, c = 2 * radius * np.cos(2 * np.pi * formant * 1.1 / SAMPLING_RATE), -(radius**2)
        expected = signal.lfilter([1 - b - c], [1, -b, -c], expected)
    filtered = _tract.through(source, SAMPLING_RATE, trajectory, 0.0, 0.2)
    assert filtered.shape == source.shape
    np.testing.assert_allclose(filtered, expected, atol=0.02 * np.abs(expected).max())


def test_tilt_is_in_decibels_per_octave() -> None:
    trajectory = _tract.Trajectory(np.array([0.0, 1.0]), np.array([[500.0, 1500.0, 2500.0]] * 2), 1.0)
    source = np.random.default_rng(0).standard_normal(4 * SAMPLING_RATE)
    flat, bright = (signal.welch(_tract.through(source, SAMPLING_RATE, trajectory, t, 0.0))[1] for t in (0.0, 3.0))
    ratio = 10 * np.log10(bright / flat)
    assert ratio[128] - ratio[32] == pytest.approx(6.0, abs=0.5)


@pytest.mark.parametrize("text", ["", "123", "b", "a", "Kids are talking", "ÄÖÜ"])
def test_any_text_has_a_syllable(text: str) -> None:
    assert syllables(text)


def test_different_sentences_have_different_syllables() -> None:
    assert len(syllables(TEXT)) in range(6, 10)
    assert syllables(TEXT) != syllables("Dogs are sitting by the door")
    assert syllables("say the word back")[:3] == syllables("say the word bite")[:3]


def test_speakers_differ_and_are_the_same_by_name() -> None:
    women, men = ([Voice.invent(f"s{i}", sex) for i in range(30)] for sex in ("female", "male"))
    assert Voice.invent("s3", "male") == men[3]
    assert len({v.pitch for v in women + men}) == 60
    assert np.mean([v.pitch for v in women]) > 1.5 * np.mean([v.pitch for v in men])
    assert np.mean([v.tract for v in women]) > 1.1 * np.mean([v.tract for v in men])
