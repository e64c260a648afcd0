"""Batches worked on a few clips at a time, on a CPU by several threads, each clip by one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import lru_cache
from threading import Barrier
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")

CPU_FRAMES = 768
"""Frames (of 1,024 samples) that are worked on at once: fewer, and the time goes into calls for which Python's threads
wait in turn; more, and their spectra (3 MB) leave the cache."""

ACCELERATOR_FRAMES = 32768


def frames_at_once(device: torch.device) -> int:
    """Frames to work on at once."""
    return CPU_FRAMES if device.type == "cpu" else ACCELERATOR_FRAMES


def empty(shape: tuple[int, ...], device: torch.device) -> torch.Tensor:
    """A float32 tensor that every thread may write to, also where this one is in inference mode."""
    with torch.inference_mode(mode=False):
        return torch.empty(shape, dtype=torch.float32, device=device)


def for_blocks(work: Callable[[slice], None], n_clips: int, n_frames: int, device: torch.device) -> None:
    """Calls ``work`` with slices of a batch until all of it is done.

    On a CPU the slices are done side by side, by as many threads as torch may use, and no operation is divided between
    threads. Torch's own way is to divide every operation: its threads then wait for each other a dozen times a clip,
    and for milliseconds wherever another program takes a core from one of them.

    Args:
        work: called without gradients, perhaps by another thread.
        n_clips: clips in the batch.
        n_frames: frames of a clip.
        device: where ``work`` computes.
    """
    size = max(1, frames_at_once(device) // n_frames)
    slices = [slice(i, i + size) for i in range(0, n_clips, size)]
    if device.type == "cpu":
        _in_threads(torch.no_grad()(work), slices)
    else:
        with torch.no_grad():
            for clips in slices:
                work(clips)


@contextmanager
def ahead(work: Callable[[T], R], items: Iterable[T], threads: int) -> Iterator[list[Future[R]]]:
    """Has threads do ``work`` on every item, in each of which torch uses that one alone.

    The threads stay for the next call: new ones would make memory and plans of transforms anew. What was not begun when
    the block is left is let be, and what was is waited for.
    """
    pool = _pool(os.getpid(), threads)
    told = [pool.submit(work, item) for item in items]
    try:
        yield told
    finally:
        for one in told:
            one.cancel()
        wait(told)


@lru_cache(maxsize=2)
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    """Threads of this process: those of one that was forked off are not there."""
    before, pool, there = torch.get_num_threads(), ThreadPoolExecutor(threads, f"blocks-{process}"), Barrier(threads)

    def begin(_: int) -> None:
        torch.get_num_threads()  # has this thread take the number that holds for new ones, which it would do later
        torch.set_num_threads(1)
        there.wait()

    list(pool.map(begin, range(threads)))
    torch.set_num_threads(before)  # for threads that start after these
    return pool


def _in_threads(work: Callable[[slice], None], slices: list[slice]) -> None:
    threads = torch.get_num_threads()
    if threads > 1 and len(slices) > 1:
        with ahead(work, slices, threads) as told:
            for one in told:
                one.result()
        return
    try:
        torch.set_num_threads(1)
        for clips in slices:
            work(clips)
    finally:
        torch.set_num_threads(threads)
