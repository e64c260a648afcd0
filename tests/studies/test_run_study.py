"""A study is run once; what was done is kept, what failed stops nothing, and the same runs give the same bytes."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ser_hf.base.alone import alone
from ser_hf.cli import main
from ser_hf.reporting import load_results

TABLES = ("table.csv", "table.md", "table.tex", "table.html")
DIES = """
import os, signal, sys
import ser_hf.studies.writing as writing
write = writing.write_text
def dies(path, text):
    if path.name == "table.html":
        path.with_name("killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    write(path, text)
writing.write_text = dies
from ser_hf.cli import main
sys.exit(main(sys.argv[1:]))
"""
"""The command line, ended in the middle of the writing of the table."""


def lines_of(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "table.csv").read_text(encoding="utf-8").splitlines()))


def tables(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in TABLES}


def runs_of(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob("*/*/results.json"))


def test_every_cell_is_a_line_and_every_fold_a_run(done):
    lines = lines_of(done)
    assert [line["row"] for line in lines] == ["SVM", "SVM, wide", "network"]
    assert {line["runs"] for line in lines} == {"2"}
    assert {line["test_clips"] for line in lines} == {"120"}
    assert {line["speaker_independent"] for line in lines} == {"True"}
    assert [run.relative_to(done).as_posix() for run in runs_of(done)] == [
        f"{row}/seed42-fold{fold}" for row in ("network", "svm", "svm-wide") for fold in (1, 2)
    ]
    costs = list(csv.DictReader((done / "costs.csv").read_text(encoding="utf-8").splitlines()))
    assert [line["row"] for line in costs] == ["SVM", "SVM, wide", "network"]
    assert all(float(line["minutes"]) >= 0 and line["hardware"] for line in costs)


def test_the_page_links_the_reports_and_asks_for_nothing_else(done):
    page = (done / "index.html").read_text(encoding="utf-8")
    for run in runs_of(done):
        assert f'href="{run.relative_to(done).as_posix()}/report.html"' in page
    assert "src=" not in page
    assert "http" not in page.replace("https://doi.org", "")
    assert "Tones, not voices." in page
    assert "nobody (2026)" in page


def test_a_second_call_runs_nothing_and_writes_the_same(study_file, done, caplog):
    before, times = tables(done), [(run / "results.json").stat().st_mtime_ns for run in runs_of(done)]
    assert main(["study", str(study_file), "--output", str(done)]) == 0
    assert tables(done) == before
    assert [(run / "results.json").stat().st_mtime_ns for run in runs_of(done)] == times
    assert "6 of 6 runs are done" in caplog.messages


def test_a_dry_run_lists_runs_states_and_time_and_makes_nothing(study_file, done, tmp_path, capsys):
    assert main(["study", str(study_file), "--output", str(tmp_path / "new"), "--dry_run"]) == 0
    said = capsys.readouterr().out
    assert said.count("to do ") == 6
    assert "6 runs: 6 to do" in said
    assert not (tmp_path / "new").exists()
    assert main(["study", str(study_file), "--output", str(done), "--dry_run"]) == 0
    assert "6 runs: 6 done" in capsys.readouterr().out


def test_what_a_run_lacks_that_ended_after_its_score_is_written(study_file, done, tmp_path):
    folder = tmp_path / "out"
    shutil.copytree(done, folder)
    run, other = folder / "svm" / "seed42-fold1", folder / "network" / "seed42-fold2"
    (other / "README.md").unlink()
    (other / "report.html").unlink()
    shutil.rmtree(other / "plots")
    (run / "took.json").unlink()
    (run / ".took.json.a1b2c3d4.json").write_text('{"sec', encoding="utf-8")
    assert main(["study", str(study_file), "--output", str(folder)]) == 0
    seconds = load_results(run)["training"]["seconds"]
    assert json.loads((run / "took.json").read_text(encoding="utf-8")) == {"seconds": seconds}
    assert not list(run.glob(".took*"))
    whole = done / "network" / "seed42-fold2"
    assert (other / "README.md").read_text("utf-8") == (whole / "README.md").read_text("utf-8")
    assert {p.name for p in other.rglob("*.png")} == {p.name for p in whole.rglob("*.png")}
    assert "</html>" in (other / "report.html").read_text("utf-8")
    assert tables(folder) == tables(done)


@pytest.mark.slow  # a killed study that goes on ends with the same table as well, below
def test_the_same_seed_twice_gives_the_same_table(study_file, done, tmp_path):
    assert main(["study", str(study_file), "--output", str(tmp_path), "--jobs", "2"]) == 0
    assert tables(tmp_path) == tables(done)


def test_other_settings_for_a_finished_run_are_refused_before_anything_is_run(write_study, done, tmp_path, capsys):
    other = write_study(tmp_path, **{"gamma: 10": "gamma: 20"})
    assert main(["study", str(other), "--output", str(done)]) == 2
    assert "svm-wide/seed42-fold1 is done, with model_settings" in capsys.readouterr().err


def test_the_folder_of_another_study_is_refused(study_file, done, tmp_path, capsys):
    (tmp_path / "other.yaml").write_text("rows: [svm]", encoding="utf-8")
    assert main(["study", str(tmp_path / "other.yaml"), "--output", str(done)]) == 2
    assert f"{done} is the folder of the study small, not of other" in capsys.readouterr().err


def test_a_second_study_in_the_same_folder_at_once_is_refused(study_file, tmp_path, capsys):
    with alone(tmp_path):
        assert main(["study", str(study_file), "--output", str(tmp_path)]) == 2
    assert f"{tmp_path} is in use by process {os.getpid()}" in capsys.readouterr().err


def test_what_fails_is_told_and_stops_nothing_and_is_tried_again(write_study, done, tmp_path, capsys):
    folder = tmp_path / "out"
    broken = write_study(tmp_path, **{"{gamma: 10}": "{kernel: no}"})
    for row in ("svm", "network"):
        shutil.copytree(done / row, folder / row)
    assert main(["study", str(broken), "--output", str(folder)]) == 1
    said = capsys.readouterr().err
    assert said.count("failed: SVM, wide, fold ") == 2
    assert "kernel" in said
    assert [line["row"] for line in lines_of(folder)] == ["SVM", "network"]
    assert "failed: SVM, wide, fold 1" in (folder / "table.md").read_text(encoding="utf-8")
    assert json.loads((folder / "svm-wide/seed42-fold1/failed.json").read_text(encoding="utf-8"))["error"]
    mended = write_study(tmp_path)
    assert main(["study", str(mended), "--output", str(folder)]) == 0
    assert tables(folder) == tables(done)
    assert not list(folder.glob("**/failed.json"))


def test_recipes_are_scored_on_all_folds_of_a_corpus_as_one_row(study_file, tones_root, tmp_path, capsys):
    words = ["--corpora", "savee", "--protocol", "loso", "--data_root", str(tones_root), "--output", str(tmp_path)]
    assert main(["score", str(study_file.parent / "svm.yaml"), *words]) == 0
    said = capsys.readouterr().out
    (line,) = lines_of(tmp_path)
    assert (line["row"], line["corpus"], line["protocol"], line["runs"]) == ("svm", "savee", "loso", "4")
    assert "| svm   | savee" in said


def begun(words: list[str], program: list[str] | None = None) -> subprocess.Popen:
    command = [sys.executable, *(program or ["-m", "ser_hf.cli"]), "study", *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def killed_when(process: subprocess.Popen, there, seconds: float = 120) -> None:
    """Kills the process, and it alone, as soon as ``there()``."""
    end = time.monotonic() + seconds
    while not there():
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_killed_in_a_run_and_at_the_table_it_ends_with_the_same_table(study_file, done, tmp_path):
    for row in ("svm", "svm-wide"):
        shutil.copytree(done / row, tmp_path / row)
    words = [str(study_file), "--output", str(tmp_path), "--jobs", "1"]
    whole = tmp_path / "network" / "seed42-fold1"
    killed_when(begun(words), lambda: [*whole.glob("checkpoints/checkpoint-*/trainer_state.json")])
    assert not (whole / "results.json").exists()
    assert begun(words, ["-c", DIES]).wait(timeout=300) == -signal.SIGKILL
    assert (tmp_path / "killed").exists()
    assert not (tmp_path / "table.csv").exists()
    assert main(["study", *words]) == 0
    assert tables(tmp_path) == tables(done)


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["local", "ray"])
def test_killed_at_three_moments_it_ends_with_the_same_table(launcher, study_file, done, tmp_path):
    if launcher == "ray":
        pytest.importorskip("ray")
    words = [str(study_file), "--output", str(tmp_path), "--launcher", launcher, "--jobs", "1"]
    killed_when(begun(words), lambda: len(runs_of(tmp_path)) >= 2)  # between runs, or at the start of the next
    whole = tmp_path / "network" / "seed42-fold1"
    killed_when(begun(words), lambda: [*whole.glob("checkpoints/checkpoint-*/trainer_state.json")])  # in a run
    assert not (whole / "results.json").exists()
    last = begun(words, ["-c", DIES])  # while the table is written
    assert last.wait(timeout=300) == -signal.SIGKILL
    assert (tmp_path / "killed").exists()
    assert not (tmp_path / "table.csv").exists()
    assert main(["study", *words]) == 0
    assert tables(tmp_path) == tables(done)
    assert [load_results(run)["test"]["metrics"] for run in runs_of(tmp_path)] == [
        load_results(run)["test"]["metrics"] for run in runs_of(done)
    ]
