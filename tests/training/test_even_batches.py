"""The clips of a step are dealt to processes evenly and once, as accelerate hands batches out."""

import itertools

import pytest
from accelerate.data_loader import BatchSamplerShard
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.training.even_batches import EvenBatches


class Backwards:
    """An order that an epoch turns round."""

    def __init__(self, clips: int) -> None:
        self.clips, self.epoch = clips, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return self.clips

    def __iter__(self):
        return iter(range(self.clips) if self.epoch % 2 == 0 else range(self.clips)[::-1])


def shares(deal: EvenBatches) -> list[list[list[int]]]:
    """The batches of each process, by accelerate."""
    shards = [BatchSamplerShard(deal, deal.processes, process) for process in range(deal.processes)]
    found = [list(shard) for shard in shards]
    assert [len(shard) for shard in shards] == [len(share) for share in found]
    return found


@given(clips=st.integers(0, 60), together=st.integers(1, 20), processes=st.integers(1, 7), drop=st.booleans())
def test_every_clip_once_and_evenly(clips, together, processes, drop):
    deal = EvenBatches(Backwards(clips), together, processes, drop)
    found = shares(deal)
    steps = list(zip(*found, strict=True))
    kept = []
    for step, batches in enumerate(steps):
        last = step == len(steps) - 1
        own = [batch for i, batch in enumerate(batches) if not deal.stands_in(i, last=last)]
        others = [batch for i, batch in enumerate(batches) if deal.stands_in(i, last=last)]
        assert all(batch == own[0][:1] for batch in others), "a process that stands in has one clip of the step"
        sizes = [len(batch) for batch in own]
        assert max(sizes) - min(sizes) <= 1
        kept += list(itertools.chain(*own))
    whole = clips - clips % together if drop else clips
    assert kept == list(range(whole))


def test_an_epoch_has_its_own_order():
    deal = EvenBatches(Backwards(5), 4, 2)
    assert shares(deal) == [[[0, 1], [4]], [[2, 3], [4]]]
    assert deal.stands_in(1, last=True)
    assert not deal.stands_in(1, last=False)
    deal.set_epoch(1)
    assert shares(deal) == [[[4, 3], [0]], [[2, 1], [0]]]
    EvenBatches([0, 1], 2, 2).set_epoch(1)  # an order without epochs


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_full_steps_are_dealt_as_accelerate_deals_them(processes):
    deal = EvenBatches(Backwards(12), 4 * processes, processes)
    if 12 % (4 * processes) == 0:
        stock = [[list(range(i, i + 4)) for i in range(4 * p, 12, 4 * processes)] for p in range(processes)]
        assert shares(deal) == stock
