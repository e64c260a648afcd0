"""Blocks of a batch, and the threads they are done by."""

import threading

import pytest
import torch

from ser_hf.models.blocks import CPU_FRAMES, empty, for_blocks

CPU = torch.device("cpu")


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("n_clips", [0, 1, 2, 7, 8, 9, 40])
@pytest.mark.parametrize("n_frames", [1, CPU_FRAMES // 2, CPU_FRAMES, 10 * CPU_FRAMES])
def test_every_clip_is_done_once(threads: int, n_clips: int, n_frames: int) -> None:
    done = empty((n_clips,), CPU).zero_()

    def work(clips: slice) -> None:
        done[clips] += 1

    for_blocks(work, n_clips, n_frames, CPU)
    assert torch.equal(done, torch.ones(n_clips))
    assert torch.get_num_threads() == threads


def test_blocks_share_the_threads_and_operations_do_not(threads: int) -> None:
    both = threading.Barrier(threads, timeout=20)  # passes only if as many blocks are worked on at a time
    workers, numbers = set(), set()

    def work(clips: slice) -> None:
        workers.add(threading.get_ident())
        numbers.add((torch.get_num_threads(), torch.is_grad_enabled()))
        both.wait()

    for_blocks(work, 12, CPU_FRAMES, CPU)
    assert len(workers) == threads
    assert numbers == {(1, False)}


def test_an_error_comes_through_and_leaves_the_threads(threads: int) -> None:
    def work(clips: slice) -> None:
        if clips.start >= 3:
            raise ValueError(f"clip {clips.start}")

    with pytest.raises(ValueError, match="clip 3"):
        for_blocks(work, 20, CPU_FRAMES, CPU)
    assert torch.get_num_threads() == threads


def test_threads_write_in_inference_mode(threads: int) -> None:
    with torch.inference_mode():
        result = empty((20, 4), CPU)
        for_blocks(lambda clips: result[clips].fill_(clips.start), 20, CPU_FRAMES, CPU)
    assert torch.equal(result[:, 0], torch.arange(20.0))
    assert not result.is_inference()
