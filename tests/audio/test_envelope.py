"""The outline of a waveform, whatever blocks it comes in."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.audio.envelope import Envelope


@given(st.lists(st.integers(0, 70), max_size=20), st.sampled_from([2, 8, 16]))
def test_parts_are_the_extremes_of_equal_stretches(sizes, most):
    samples = np.random.default_rng(len(sizes)).normal(size=sum(sizes)).astype(np.float32)
    envelope, at = Envelope(most), 0
    for size in sizes:
        envelope.add(samples[at : at + size])
        at += size
    parts, edges = envelope.parts(), envelope.edges(len(samples))
    assert len(edges) == len(parts) + 1
    assert len(parts) <= most + 1
    assert (edges[0], edges[-1]) == (0, len(samples))
    for (low, high), start, end in zip(parts, edges[:-1], edges[1:], strict=True):
        assert (low, high) == (samples[start:end].min(), samples[start:end].max())
    if len(samples) > most:
        assert len(parts) >= most // 2
