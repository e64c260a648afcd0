"""Time left is what the same took before."""

from pathlib import Path

import pytest

from ser_hf.studies.estimate import Estimate
from ser_hf.studies.grid import StudyRun
from ser_hf.studies.progress import Progress


def run_of(row: str, split: str = "a", source: str = "svm", words: tuple[str, ...] = ()) -> StudyRun:
    return StudyRun({"row": row, "split": split}, source, words, 1, None, Path(row, split))


def test_a_cell_counts_before_its_row_and_a_row_before_the_recipe():
    estimate = Estimate()
    estimate.add(run_of("x", "a"), 10)
    estimate.add(run_of("x", "a"), 20)
    estimate.add(run_of("x", "b"), 60)
    assert estimate.seconds(run_of("x", "a")) == 15
    assert estimate.seconds(run_of("x", "c")) == 30
    assert estimate.left([run_of("x", "a"), run_of("x", "b")], jobs=2) == pytest.approx(37.5)


def test_a_recipe_that_was_measured_is_scaled_by_its_epochs():
    whole = Estimate().seconds(run_of("y", source="cnn"))
    half = Estimate().seconds(run_of("y", source="cnn", words=("--num_train_epochs", "20")))
    assert whole is not None
    assert half == pytest.approx(whole / 2)


def test_nothing_known_is_no_estimate(tmp_path):
    (tmp_path / "own.yaml").write_text("{corpora: [ravdess], protocol: random, model: svm}", encoding="utf-8")
    run = run_of("z", source=str(tmp_path / "own.yaml"))
    assert Estimate().seconds(run) is None
    assert Estimate().left([run], 1) is None


def test_the_line_tells_done_failed_running_and_time_left():
    runs = [run_of("x", str(i)) for i in range(4)]
    with Progress(runs, done=3, jobs=1, estimate=Estimate()) as progress:
        progress.begin(0)
        assert progress.line().startswith("3 of 7 done, running: x, 0, seed 1")
        progress.end(0, 100.0, None)
        progress.begin(1)
        progress.end(1, 1.0, "broken")
        progress.begin(2)
        assert progress.line() == "4 of 7 done, 1 failed, running: x, 2, seed 1; about 3 min left"
