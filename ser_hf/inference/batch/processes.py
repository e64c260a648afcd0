"""The processes of ``accelerate launch``: each takes its share of the shards, the first one puts them together."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

_PAUSE = 0.2


@dataclass(frozen=True)
class Processes:
    """This process among others.

    Attributes:
        rank: its number.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    @classmethod
    def started(cls, device: str = "auto") -> Processes:
        """What the launcher says in ``WORLD_SIZE`` and ``RANK``; each process then has a GPU of its own.

        Args:
            device: as in `ser_hf.inference.open_model`.
        """
        if int(os.environ.get("WORLD_SIZE", "1")) <= 1:
            return cls()
        import torch
        from accelerate import PartialState  # chooses the GPU, and lets processes wait for each other

        state = PartialState(cpu=device == "cpu" or not torch.cuda.is_available())
        return cls(state.process_index, state.num_processes)

    @property
    def main(self) -> bool:
        """Whether it is the one that tells and puts together."""
        return self.rank == 0

    def has(self, shard: int) -> bool:
        """Whether a shard is this process's."""
        return shard % self.size == self.rank

    def meet(self) -> None:
        """Waits until all processes are here."""
        if self.size > 1:
            from accelerate import PartialState

            PartialState().wait_for_everyone()

    def leave(self) -> None:
        """Ends what `started` began."""
        if self.size > 1:
            from accelerate import PartialState

            PartialState().destroy_process_group()


def wait_until(there: Callable[[], bool]) -> None:
    """Looks again and again; the launcher ends all processes where one of them fails."""
    while not there():
        time.sleep(_PAUSE)
