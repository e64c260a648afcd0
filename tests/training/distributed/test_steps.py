"""Two processes train as one does: the same steps of the same clips, and each clip once."""

import json

import numpy as np
import pytest

CASES = ["uneven", "one left", "accumulated", "weighted sampler", "unfreezing", "stock", "whole"]
CLIPS = {"one left": 33, "stock": 35}
ONCE = [name for name in CASES if name != "weighted sampler"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("steps")


@pytest.fixture(scope="module")
def two(folder, launch, corpora_root):
    """What each of two processes found."""
    launch(2, "steps.py", str(folder), "all", str(corpora_root))
    return [json.loads((folder / f"all{process}.json").read_text()) for process in range(2)]


@pytest.fixture(scope="module")
def one(steps, tmp_path_factory):
    """What one process finds."""
    return steps.everything(tmp_path_factory.mktemp("one"), 1)


@pytest.mark.parametrize("name", [*CASES, "broken"])
def test_two_processes_have_the_losses_and_weights_of_one(one, two, name):
    for found in two:
        np.testing.assert_allclose(found[name]["losses"], one[name]["losses"], rtol=0, atol=1e-5)
        np.testing.assert_allclose(found[name]["weights"], one[name]["weights"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(two[0][name]["grad_norms"], one[name]["grad_norms"], rtol=1e-4)
    assert two[0][name]["weights"] == two[1][name]["weights"], "processes went ways of their own"


def test_accumulated_batches_have_the_losses_of_one_batch(one, two):
    for found in (one, *two):
        np.testing.assert_allclose(found["accumulated"]["losses"], one["whole"]["losses"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in CASES if name != "stock"])
def test_the_validation_counts_every_clip_once(one, two, name):
    """20 clips in batches of 8: the last ones of two processes are filled up with clips that were there already."""
    assert len(one[name]["validation"]) >= 2
    for now, alone in zip(two[0][name]["validation"], one[name]["validation"], strict=True):
        assert now == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize("name", ONCE)
def test_every_clip_is_trained_on_once_an_epoch(one, two, name):
    clips = CLIPS.get(name, 44)
    shares = [found[name]["seen"] for found in two]
    half = len(shares[0]) // 2
    assert len(shares[0]) == len(shares[1])
    for epoch in (slice(0, half), slice(half, None)):
        seen = sorted(clip for share in shares for batch in share[epoch] for clip in batch)
        standing_in = [1] if name == "one left" else []  # the second process, whose clip counts for nothing
        assert len(seen) == clips + len(standing_in)
        assert set(seen) == set(range(clips))
    orders = [shares[0][0], shares[0][half]]
    assert orders[0] != orders[1], "every epoch has an order of its own"


def test_the_last_step_is_shared_out_evenly(two):
    assert [[len(batch) for batch in found["uneven"]["seen"]] for found in two] == [[8, 8, 6, 8, 8, 6]] * 2
    assert [len(found["stock"]["seen"][2]) for found in two] == [2, 1]


def test_processes_that_build_one_cache_at_once_have_the_same_clips(two):
    assert two[0]["built"] == two[1]["built"]
    assert len(two[0]["built"]) == len(set(two[0]["built"])) == 48


def test_another_number_of_processes_goes_on_after_the_same_clips(steps, folder, one, two):
    """Two processes of 8 clips were broken off in their second epoch; one goes on, in which no more than 4 fit."""
    assert two[0]["broken"]["steps"] == 5
    found = steps.resumed(folder / "broken", 1, 4)
    assert [len(batch) for batch in found["seen"]] == [4] * 7, "28 clips are left of the second epoch"
    left = [clip for batch in one["whole"]["seen"][4:] for clip in batch]
    assert [clip for batch in found["seen"] for clip in batch] == left
    np.testing.assert_allclose(found["losses"], one["whole"]["losses"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(found["weights"], one["whole"]["weights"], rtol=0, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [2, 3])
def test_several_processes_go_on_after_the_same_clips(folder, launch, one, two, processes, tmp_path):
    import shutil

    shutil.copytree(folder / "broken", tmp_path / "broken")
    for path in (tmp_path / "broken" / "checkpoints").glob("checkpoint-[5-9]"):
        shutil.rmtree(path)
    launch(processes, "steps.py", str(tmp_path), "resume")
    shares = [json.loads((tmp_path / f"resume{i}.json").read_text())["resumed"] for i in range(processes)]
    seen = [sorted(clip for share in shares for clip in share["seen"][step]) for step in range(2)]
    assert seen == [sorted(batch) for batch in one["whole"]["seen"][4:]]
    sizes = {2: [[8, 6], [8, 6]], 3: [[6, 4], [5, 4], [5, 4]]}
    assert [[len(batch) for batch in share["seen"]] for share in shares] == sizes[processes]
    for share in shares:
        np.testing.assert_allclose(share["losses"], one["whole"]["losses"], rtol=0, atol=1e-5)
        np.testing.assert_allclose(share["weights"], one["whole"]["weights"], rtol=0, atol=1e-4)
