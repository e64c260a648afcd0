"""How many processes are taken where nobody says it, and that what is said is kept to."""

import datasets
import numpy as np
import pytest

from ser_hf.base.errors import AudioError
from ser_hf.features import _workers as workers
from ser_hf.features import add_features
from ser_hf.features._compute import load_clips
from ser_hf.features._workers import chosen_workers, workers_for
from ser_hf.models import SerFeatureExtractor


@pytest.mark.parametrize(
    ("seconds", "cores", "device", "expected"),
    [
        (0.0, 2, "cpu", None),
        (480 * 3.7, 2, "cpu", None),
        (1440 * 3.7, 2, "cpu", None),
        (5760 * 3.7, 2, "cpu", 2),
        (5760 * 3.7, 1, "cpu", None),
        (10_000.0, 8, "cpu", 3),
        (1e7, 64, "cpu", 16),
        (1e7, 8, "cuda", None),
        (1e7, 8, "cuda:1", None),
    ],
)
def test_processes_are_as_many_as_pay(seconds, cores, device, expected):
    assert workers_for(seconds, cores, device) == expected


@pytest.fixture
def many_cores(monkeypatch):
    monkeypatch.setattr(workers, "cores_here", lambda: 4)
    monkeypatch.setattr(workers.sys, "platform", "linux")


def test_durations_are_counted_where_the_rows_have_them(many_cores):
    long = datasets.Dataset.from_dict({"duration": [3_000.0, 3_500.0, None]})
    assert chosen_workers(long, "cpu") == 2
    assert chosen_workers(datasets.Dataset.from_dict({"other": range(3)}), "cpu") is None
    assert chosen_workers(datasets.Dataset.from_dict({"other": range(5_000)}), "cpu") == 4


def test_a_system_that_starts_workers_anew_gets_none_unasked(many_cores, monkeypatch):
    monkeypatch.setattr(workers.sys, "platform", "darwin")
    assert chosen_workers(datasets.Dataset.from_dict({"duration": [1e6]}), "cpu") is None


def test_processes_of_one_launch_share_the_cores(monkeypatch):
    monkeypatch.setattr(workers.os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert workers.cores_here() == 2
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "what")
    assert workers.cores_here() == 8


@pytest.fixture
def noise(write_clip, tmp_path):
    return [write_clip(tmp_path / f"{i}.wav") for i in range(3)]


class Heavy(SerFeatureExtractor):
    """An extractor that has a network."""

    computed_by = ("ser_hf.models.pooling",)


@pytest.mark.parametrize(
    ("kind", "said", "taken"), [(SerFeatureExtractor, None, 3), (SerFeatureExtractor, 1, 1), (Heavy, None, None)]
)
def test_what_is_said_is_kept_to(noise, many_cores, monkeypatch, kind, said, taken):
    asked = []

    def mapped(rows, step, batch_size, num_proc):
        asked.append(num_proc)
        return rows

    monkeypatch.setattr("ser_hf.features.adding.with_features", mapped)
    rows = datasets.Dataset.from_dict(
        {"audio": [{"bytes": None, "path": str(path)} for path in noise], "duration": 3 * [3_000.0]}
    )
    add_features(rows, kind(duration=0.1), device="cpu", num_proc=said)
    assert asked == [taken]


def _clips(paths):
    rows = datasets.Dataset.from_dict({"audio": [{"bytes": None, "path": str(path)} for path in paths]})
    return [(f"row {i}", clip) for i, clip in enumerate(rows.with_format("arrow")[:]["audio"])]


def test_threads_decode_the_same_in_the_same_order(noise):
    paths = noise * 7
    (one, two) = (list(load_clips(_clips(paths), 16_000, threads)) for threads in (1, 2))
    assert [name for name, _ in two] == [str(path) for path in paths]
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(one, two, strict=True))


def test_threads_name_the_clip_that_cannot_be_used_after_those_before_it(noise, tmp_path):
    clips = load_clips(_clips([*noise, tmp_path / "gone.wav", *noise]), 16_000, 2)
    assert [name for name, _ in (next(clips) for _ in noise)] == list(map(str, noise))
    with pytest.raises(AudioError, match=r"gone\.wav does not exist"):
        next(clips)
