"""A resumed run has as many clips a step as it began with."""

import json
from types import SimpleNamespace

import pytest

from ser_hf.training.step_size import began_with, clips_per_step, keep_step


def arguments(each: int, processes: int, often: int = 1, resumed: int = 0, devices: int = 0) -> SimpleNamespace:
    """What `keep_step` reads and writes of training arguments."""

    class Arguments(SimpleNamespace):
        @property
        def train_batch_size(self) -> int:
            return self.per_device_train_batch_size * max(1, self.n_gpu)

    return Arguments(
        per_device_train_batch_size=each,
        gradient_accumulation_steps=often,
        world_size=processes,
        n_gpu=devices,
        process_index=0,
        clips_together=0,
        resumed_step=resumed,
    )


@pytest.mark.parametrize(
    ("began", "each", "processes", "expected"),
    [
        (16, 8, 1, (8, 2)),
        (16, 8, 3, (6, 1)),
        (16, 4, 3, (3, 2)),
        (16, 16, 1, (16, 1)),
        (48, 32, 1, (24, 2)),
        (7, 4, 1, (1, 7)),
        (7, 4, 2, (4, 1)),
        (3, 8, 4, (1, 1)),
    ],
)
def test_a_step_keeps_its_clips(began, each, processes, expected):
    args = arguments(each, processes, resumed=began)
    keep_step(args)
    assert (args.per_device_train_batch_size, args.gradient_accumulation_steps) == expected
    assert args.per_device_train_batch_size <= each
    assert clips_per_step(args) == began


def test_the_gpus_of_one_process_have_like_shares():
    args = arguments(8, 1, resumed=36, devices=2)
    keep_step(args)
    assert args.clips_together == 12
    assert args.per_device_train_batch_size == 6
    assert args.gradient_accumulation_steps == 3


@pytest.mark.parametrize("resumed", [0, 32])
def test_what_is_as_it_was_stays(resumed):
    args = arguments(8, 2, often=2, resumed=resumed)
    keep_step(args)
    assert (args.per_device_train_batch_size, args.gradient_accumulation_steps, args.clips_together) == (8, 2, 0)


def test_a_checkpoint_says_how_many(tmp_path):
    assert began_with(tmp_path) == 0
    (tmp_path / "loss_so_far.json").write_text(json.dumps({"loss": 0.1}))
    assert began_with(tmp_path) == 0, "one of an earlier version"
    (tmp_path / "loss_so_far.json").write_text(json.dumps({"clips_per_step": 48}))
    assert began_with(tmp_path) == 48
