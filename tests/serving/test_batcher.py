"""Clips of many requests scored together: everybody gets their own, nobody pays for a neighbour."""

import asyncio
import threading
import time

import numpy as np
import pytest

from ser_hf.inference import Scores
from ser_hf.serving.batcher import Batcher

from .conftest import Pitch


class Counting(Pitch):
    """Gives the first sample of a clip as its first probability; slow, and refuses clips that begin with 99."""

    def __init__(self, seconds=0.0, alone=False):
        self.batches, self.seconds, self.one_speaker_a_call = [], seconds, alone
        self.threads = set()

    def score(self, waveforms):
        self.batches.append(len(waveforms))
        self.threads.add(threading.get_ident())
        time.sleep(self.seconds)
        if any(samples[0] == 99 for samples in waveforms):
            raise RuntimeError("99")
        return Scores(np.array([[samples[0], len(samples)] for samples in waveforms], np.float32))


def run(model, work, **options):
    async def main():
        batcher = Batcher(model, **options)
        batcher.start()
        try:
            return await work(batcher)
        finally:
            await batcher.close()

    return asyncio.run(main())


def clip(value, size=1):
    return np.full(size, value, np.float32)


def test_what_comes_together_is_scored_together_and_given_back_in_its_place():
    model, sizes = Counting(0.01), []

    async def work(batcher):
        return await asyncio.gather(*(batcher.score([clip(i), clip(i + 0.5, 2)]) for i in range(20)))

    for i, scores in enumerate(run(model, work, most=8, delay=0.05, seen=sizes.append)):
        np.testing.assert_array_equal(scores.probabilities, [[i, 1], [i + 0.5, 2]])
    assert sizes == model.batches == [8] * 5
    assert len(model.threads) == 1


def test_a_lone_clip_waits_no_longer_than_the_delay():
    async def work(batcher):
        start = time.perf_counter()
        await batcher.score([clip(1)])
        return time.perf_counter() - start

    assert 0.04 < run(Counting(), work, delay=0.05) < 1


def test_a_clip_that_fails_spoils_no_other():
    async def work(batcher):
        return await asyncio.gather(*(batcher.score([clip(i)]) for i in (6, 7, 8, 99, 10, 11)), return_exceptions=True)

    found = run(Counting(), work, delay=0.05)
    assert isinstance(found[3], RuntimeError)
    assert [float(scores.probabilities[0, 0]) for scores in found[:3] + found[4:]] == [6, 7, 8, 10, 11]


def test_what_was_given_up_is_not_scored():
    model = Counting(0.1)

    async def work(batcher):
        first = asyncio.ensure_future(batcher.score([clip(1)]))
        await asyncio.sleep(0.05)  # it is being scored
        second, third = (asyncio.ensure_future(batcher.score([clip(i)] * 5)) for i in (2, 3))
        await asyncio.sleep(0)
        second.cancel()
        return await asyncio.gather(first, third)

    run(model, work, delay=0.001)
    assert model.batches == [1, 5]


def test_a_model_that_compares_clips_scores_every_request_alone():
    model = Counting(alone=True)

    async def work(batcher):
        await asyncio.gather(*(batcher.score([clip(i)] * (i + 1)) for i in range(3)))

    run(model, work, delay=0.05)
    assert model.batches == [1, 2, 3]


def test_closing_gives_up_what_waits():
    async def main():
        batcher = Batcher(Counting(0.05))
        batcher.start()
        works = [asyncio.ensure_future(batcher.score([clip(i)])) for i in range(3)]
        await asyncio.sleep(0.02)
        late = asyncio.ensure_future(batcher.score([clip(4)]))
        await asyncio.sleep(0)
        await batcher.close()
        return await asyncio.gather(*works, late, return_exceptions=True)

    with pytest.raises(asyncio.CancelledError):
        raise asyncio.run(main())[-1]
