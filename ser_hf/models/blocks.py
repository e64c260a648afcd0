"""Batches worked on a few clips at a time, on a CPU by several threads, each clip by one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch

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


def _in_threads(work: Callable[[slice], None], slices: list[slice]) -> None:
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)  # for this thread, and for those that start now
        workers = min(threads, len(slices))
        if workers < 2:
            for clips in slices:
                work(clips)
        else:
            with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                list(pool.map(work, slices))
    finally:
        torch.set_num_threads(threads)
