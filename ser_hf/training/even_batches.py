"""The clips of a step, dealt to processes: every clip once an epoch, to as many processes as there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch.utils.data import Sampler


class EvenBatches(Sampler[list[int]]):
    """The batches of all processes, in turn; accelerate hands the batch ``i`` to the process ``i % processes``.

    Accelerate's own deal fills the last step of an epoch up with clips from its start, which are then trained on twice.
    Here the clips of every step are dealt evenly, in their order; some processes have one less than others. A process
    for which nothing is left stands in with the step's first clip, which must not count, see `stands_in`.

    Attributes:
        batch_size: None, by which accelerate knows that sizes differ.

    Args:
        sampler: of clips, the same in every process.
        together: clips of all processes in one batch.
        processes: how many there are.
        drop_last: leave out the last clips of an epoch where they are fewer than ``together``.
    """

    batch_size = None

    def __init__(self, sampler: Any, together: int, processes: int, drop_last: bool = False) -> None:
        self.sampler = sampler
        self.together = together
        self.processes = processes
        self.drop_last = drop_last

    def set_epoch(self, epoch: int) -> None:
        """Told by the trainer before every epoch."""
        if hasattr(self.sampler, "set_epoch"):
            self.sampler.set_epoch(epoch)

    def stands_in(self, process: int, *, last: bool) -> bool:
        """Whether a process has no clip of its own in a batch, the last one of an epoch or another."""
        left = 0 if self.drop_last or not last else len(self.sampler) % self.together
        return (left or self.together) <= process

    def __len__(self) -> int:
        whole, left = divmod(len(self.sampler), self.together)
        return self.processes * (whole + bool(left and not self.drop_last))

    def __iter__(self) -> Iterator[list[int]]:
        held: list[int] = []
        for clip in self.sampler:
            held.append(clip)
            if len(held) == self.together:
                yield from self._dealt(held)
                held = []
        if held and not self.drop_last:
            yield from self._dealt(held)

    def _dealt(self, clips: list[int]) -> Iterator[list[int]]:
        size, more = divmod(len(clips), self.processes)
        start = 0
        for process in range(self.processes):
            end = start + size + (process < more)
            yield clips[start:end] or clips[:1]
            start = end
