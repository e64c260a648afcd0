"""Fingerprints: copies of a recording have nearly the same one, takes of a sentence by one voice have not."""

import io
from collections.abc import Callable

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_hf.audio import decode
from ser_hf.audio.fingerprint import LONGEST, Agreement, compare, fingerprint, rhythm
from ser_hf.audio.voice import SAMPLING_RATE, Voice, synthesise

RATE = SAMPLING_RATE
COSINE = 0.35  # by which the search among many takes a pair for possible copies
VOICE = Voice.invent("somebody", "female")


def spoken(seed: int = 0, text: str = "Kids are talking by the door") -> np.ndarray:
    return synthesise("neutral", VOICE, text, seed=seed)


SPEECH = spoken()
WORDS = fingerprint(SPEECH, RATE)


def coded(samples: np.ndarray, rate: int, kind: str, subtype: str, **settings: object) -> tuple[np.ndarray, int]:
    """Through a codec and back."""
    file = io.BytesIO()
    soundfile.write(file, np.clip(samples, -1, 1), rate, format=kind, subtype=subtype, **settings)
    return decode(file.getvalue())


def noisy(samples: np.ndarray, decibels: float) -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal(len(samples))
    return samples + noise.astype(np.float32) * np.sqrt(np.mean(samples**2) / 10 ** (decibels / 10))


def trimmed(samples: np.ndarray, decibels: float = 30) -> np.ndarray:
    """From the first to the last block of 25 ms that is loud, as trimming functions do it."""
    blocks = np.add.reduceat(samples**2, np.arange(0, len(samples), 400))
    loud = np.flatnonzero(blocks > blocks.max() / 10 ** (decibels / 10))
    return samples[loud[0] * 400 : (loud[-1] + 1) * 400]


CHANGES: dict[str, Callable[[np.ndarray], tuple[np.ndarray, int]]] = {
    "8 kHz": lambda x: (soxr.resample(x, RATE, 8_000), 8_000),
    "24,414 Hz": lambda x: (soxr.resample(x, RATE, 24_414), 24_414),
    "44.1 kHz": lambda x: (soxr.resample(x, RATE, 44_100), 44_100),
    "96 kHz": lambda x: (soxr.resample(x, RATE, 96_000), 96_000),
    "FLAC": lambda x: coded(x, RATE, "FLAC", "PCM_16"),
    "OGG Vorbis": lambda x: coded(x, RATE, "OGG", "VORBIS"),
    "OGG Opus": lambda x: coded(x, RATE, "OGG", "OPUS"),
    "MP3": lambda x: coded(x, RATE, "MP3", "MPEG_LAYER_III"),
    "telephone": lambda x: coded(soxr.resample(x, RATE, 8_000), 8_000, "WAV", "ULAW"),
    "-20 dB": lambda x: (0.1 * x, RATE),
    "peak": lambda x: (x / np.abs(x).max(), RATE),
    "upside down": lambda x: (-x, RATE),
    "cut off": lambda x: (x[777:-1501], RATE),
    "trimmed": lambda x: (trimmed(x), RATE),
    "padded": lambda x: (np.pad(x, (5_937, 33_333)), RATE),
    "DC": lambda x: (x + np.float32(0.05), RATE),
    "30 dB noise": lambda x: (noisy(x, 30), RATE),
    "pre-emphasis": lambda x: (np.append(x[0], x[1:] - np.float32(0.97) * x[:-1]), RATE),
    "several": lambda x: coded(soxr.resample(0.3 * x[701:], RATE, 22_050), 22_050, "MP3", "MPEG_LAYER_III"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_copy_is_found(change):
    samples, rate = CHANGES[change](SPEECH)
    words = fingerprint(samples, rate)
    assert compare(WORDS, words).same_recording
    assert rhythm(WORDS) @ rhythm(words) > COSINE


def test_takes_are_told_apart():
    takes = [fingerprint(spoken(seed), RATE) for seed in range(12)]
    takes.append(fingerprint(spoken(text="Dogs are sitting by the door"), RATE))
    found = [compare(one, other) for i, one in enumerate(takes) for other in takes[:i]]
    assert not any(agreement.same_recording for agreement in found)
    assert min(agreement.errors for agreement in found) > 0.3


def test_what_a_fingerprint_is():
    assert WORDS.dtype == np.uint32
    assert WORDS[0]
    assert WORDS[-1]
    assert 0.5 * len(SPEECH) / RATE < len(WORDS) * 0.016 < len(SPEECH) / RATE
    assert compare(WORDS, WORDS) == Agreement(0, 0, np.count_nonzero(WORDS))
    assert np.linalg.norm(rhythm(WORDS)) == pytest.approx(1)


@settings(max_examples=20)
@given(st.floats(1e-3, 30))
def test_gain_changes_no_bit_that_counts(gain):
    assert compare(WORDS, fingerprint(np.float32(gain) * SPEECH, RATE)).errors < 0.005


@settings(max_examples=20)
@given(st.integers(0, 16_000))
def test_silence_before_a_sound_of_any_length(count):
    agreement = compare(WORDS, fingerprint(np.pad(SPEECH, (count, 0)), RATE))
    assert agreement.errors < 0.1
    assert agreement.same_recording


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0, np.float32),
        np.zeros(1, np.float32),
        np.zeros(2 * RATE, np.float32),
        np.full(2 * RATE, 0.5, np.float32),
        np.random.default_rng(0).uniform(-2e-5, 2e-5, 2 * RATE).astype(np.float32),
        SPEECH[: RATE // 4],
        np.eye(1, 2 * RATE, RATE, dtype=np.float32)[0],
    ],
    ids=["nothing", "one sample", "silence", "constant", "below 16 bits", "a quarter second", "a click"],
)
def test_too_little_to_go_by_matches_nothing(samples):
    words = fingerprint(samples, RATE)
    assert len(words) == 0
    assert not compare(words, words).same_recording
    assert not compare(words, WORDS).same_recording
    assert not rhythm(words).any()


def test_a_short_sound_must_agree_more_closely():
    assert Agreement(0.15, 0.2, 80).same_recording
    assert not Agreement(0.15, 0.2, 40).same_recording
    assert Agreement(0.05, 0.1, 40).same_recording
    assert not Agreement(0.1, 0.3, 200).same_recording, "alike but for the end"


@settings(max_examples=50)
@given(st.lists(st.integers(0, 2**32 - 1), max_size=300), st.lists(st.integers(0, 2**32 - 1), max_size=300))
def test_any_words_compare_both_ways(one, other):
    first, second = np.array(one, np.uint32), np.array(other, np.uint32)
    there, back = compare(first, second), compare(second, first)
    assert there.errors == pytest.approx(back.errors)
    assert 0 <= there.errors <= 1
    assert 0 <= there.worst <= 1
    assert np.isfinite(rhythm(first)).all()


def test_different_lengths_are_different_recordings():
    assert compare(WORDS, WORDS[: len(WORDS) // 2]).errors == 1
    assert compare(WORDS[: 9 * len(WORDS) // 10], WORDS).same_recording


def test_a_long_recording_is_known_by_its_beginning():
    rng = np.random.default_rng(0)
    long = rng.standard_normal(int((LONGEST + 5) * 4_000)).astype(np.float32)
    words = fingerprint(long, 4_000)
    assert len(words) == pytest.approx(LONGEST / 0.016, abs=20)
    assert compare(words, fingerprint(long[: int(LONGEST * 4_000)], 4_000)).errors < 0.001


REPEATED = [
    ("Actor_07/03-01-03-01-02-01-07", "Actor_07/03-01-03-01-02-02-07", True),
    ("Actor_23/03-01-03-02-01-01-23", "Actor_23/03-01-03-02-01-02-23", False),
    ("Actor_02/03-01-05-01-01-01-02", "Actor_02/03-01-05-01-01-02-02", False),
    ("Actor_01/03-01-01-01-01-01-01", "Actor_01/03-01-01-01-01-02-01", False),
]
"""Repetitions of one sentence in RAVDESS: the pair that is one recording, and the nearest of the others."""


@pytest.mark.real
@pytest.mark.parametrize(("one", "other", "same"), REPEATED)
def test_repetitions_are_other_recordings(shared_data, one, other, same):
    first, second = (fingerprint(*decode(shared_data / "ravdess" / f"{name}.flac")) for name in (one, other))
    assert compare(first, second).same_recording is same


@pytest.mark.real
@pytest.mark.parametrize("emotion", ["OAF_angry", "YAF_neutral"])
def test_words_behind_one_carrier_sentence_are_other_recordings(shared_data, emotion):
    files = sorted((shared_data / "tess" / emotion).iterdir())[::8]
    words = [fingerprint(*decode(file)) for file in files]
    assert not any(compare(one, other).same_recording for i, one in enumerate(words) for other in words[:i])


@pytest.mark.real
@pytest.mark.parametrize(
    ("original", "copy"),
    [
        ("ravdess/Actor_01/03-01-01-01-01-01-01.wav", "ravdess/Actor_01/03-01-01-01-01-01-01.flac"),
        ("ravdess/Actor_05/03-01-02-01-02-02-05.wav", "ravdess/Actor_05/03-01-02-01-02-02-05.flac"),  # stereo
        ("savee/DC_a01.wav", "savee/AudioData/DC/a01.flac"),
        ("tess/OAF_angry/OAF_back_angry.wav", "tess/OAF_angry/OAF_back_angry.flac"),
        ("tess/OAF_neutral/OA_bite_neutral.wav", "tess/OAF_neutral/OA_bite_neutral.flac"),
    ],
)
def test_an_original_and_its_copy_at_16_khz(shared_data, original, copy):
    first, second = (fingerprint(*decode(path)) for path in (shared_data / "originals" / original, shared_data / copy))
    assert compare(first, second).errors < 0.02


@pytest.mark.real
def test_copies_of_real_clips_are_found(shared_data):
    names = ["ravdess/Actor_01/03-01-01-01-01-01-01", "savee/AudioData/DC/a01", "tess/OAF_angry/OAF_back_angry"]
    for name in names:
        samples, rate = decode(shared_data / f"{name}.flac")
        assert rate == RATE
        words = fingerprint(samples, rate)
        missed = [
            k for k, change in CHANGES.items() if not compare(words, fingerprint(*change(samples))).same_recording
        ]
        assert missed == [], name
