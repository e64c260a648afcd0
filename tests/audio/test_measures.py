"""Loudness against its definition, and the blind signal-to-noise ratio against noise that was added."""

import numpy as np
import pytest

from ser_hf.audio import loudness_db, snr_db
from ser_hf.audio.measures import FLOOR_DB, MOST_SNR_DB

RATE = 16_000


def speech(seconds=3.0):
    """Bursts of a harmonic sound with pauses between, 60 % of the time."""
    t = np.arange(int(seconds * RATE)) / RATE
    return sum(np.sin(2 * np.pi * 150 * k * t) / k for k in range(1, 8)) * (t % 0.5 < 0.3) * 0.1


def test_a_sine_of_full_scale_has_minus_three_db():
    assert loudness_db(np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)) == pytest.approx(-3.01, abs=0.01)
    assert loudness_db(0.1 * speech()) == pytest.approx(loudness_db(speech()) - 20)


def test_silence_and_nothing_have_a_floor():
    assert loudness_db(np.zeros(100)) == loudness_db(np.zeros(0)) == FLOOR_DB


@pytest.mark.parametrize("level", [40, 30, 20, 10, 5])
def test_the_ratio_is_near_that_of_the_noise_that_was_added(level):
    clean, rng = speech(), np.random.default_rng(0)
    loud = np.sqrt(np.mean(clean[clean != 0] ** 2))
    noisy = clean + rng.normal(0, loud * 10 ** (-level / 20), len(clean))
    assert snr_db(noisy.astype(np.float32), RATE) == pytest.approx(level, abs=2.5)
    assert snr_db(0.1 * noisy, RATE) == pytest.approx(snr_db(noisy, RATE))


def test_extremes():
    assert snr_db(speech(), RATE) == MOST_SNR_DB
    assert snr_db(np.zeros(RATE), RATE) is None
    assert snr_db(np.ones(100), RATE) is None
    assert snr_db(np.random.default_rng(1).normal(size=RATE), RATE) < 5
