"""One hash for one recording, whatever carries it; another for every other recording."""

import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ser_hf.audio import audio_hash

SAMPLES = hnp.arrays(np.float32, st.integers(0, 300), elements=st.floats(-1, 1, width=32))


@given(samples=SAMPLES, rate=st.integers(1, 192_000))
def test_it_is_xxh3_of_the_samples_seeded_by_the_rate(samples, rate):
    """The value stands in published manifests, so it must not change."""
    plain = np.where(samples == 0, np.float32(0), samples).astype("<f4").tobytes()
    assert audio_hash(samples, rate) == f"{xxhash.xxh3_64_intdigest(plain, seed=rate):016x}"


@given(samples=SAMPLES)
def test_how_the_samples_lie_in_memory_does_not_matter(samples):
    expected = audio_hash(samples, 16_000)
    wide = np.zeros((len(samples), 2), np.float32)
    wide[:, 0] = samples
    assert audio_hash(wide[:, 0], 16_000) == expected
    assert audio_hash(samples.astype(np.float64), 16_000) == expected
    assert audio_hash(samples.astype(">f4"), 16_000) == expected
    negative = np.where(samples == 0, np.float32(-0.0), samples)
    assert audio_hash(negative, 16_000) == expected


@given(samples=SAMPLES.filter(len), data=st.data())
def test_another_sample_length_or_rate_is_another_recording(samples, data):
    known = {audio_hash(samples, 16_000)}
    changed = samples.copy()
    at = data.draw(st.integers(0, len(samples) - 1))
    changed[at] = np.nextafter(changed[at], np.float32(2))
    others = [(changed, 16_000), (samples[:-1], 16_000), (np.append(samples, np.float32(0)), 16_000), (samples, 16_001)]
    for other in others:
        assert audio_hash(*other) not in known


def test_the_samples_are_left_as_they_are():
    samples = np.array([-0.0, 0.5], np.float32)
    samples.setflags(write=False)
    assert len(audio_hash(samples, 16_000)) == 16
    assert np.signbit(samples[0])


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_nothing_is_a_recording_too(rate):
    assert audio_hash(np.zeros(0, np.float32), rate) != audio_hash(np.zeros(1, np.float32), rate)
