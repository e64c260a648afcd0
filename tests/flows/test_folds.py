"""--fold all: every fold is run once, in a folder of its own, and all are scored together."""

import csv
import json
from pathlib import Path

import pytest

from ser_hf.cli import main
from ser_hf.reporting import load_results
from ser_hf.reporting.results_table import add_row

SVM = """
corpora: [ravdess, savee]
protocol: speaker-kfold
folds: 3
fold: 2
features: functionals
n_mels: 26
model: svm
model_settings: {C: 1, gamma: 1}
"""


@pytest.fixture(scope="module")
def recipe(tones_root, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("folds") / "tiny_svm.yaml"
    path.write_text(f"{SVM}data_root: {tones_root}\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def done(recipe, tmp_path_factory) -> Path:
    """The folder of the three runs; only to be read."""
    folder = tmp_path_factory.mktemp("runs") / "svm"
    assert main(["train", str(recipe), "--fold", "all", "--output_dir", str(folder)]) == 0
    return folder


def results_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("fold*/results.json"))


def refused(words: list[str], capsys) -> str:
    assert main(["train", *words]) == 2
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_every_clip_is_tested_once_and_a_second_call_does_nothing(recipe, done, capsys):
    runs = results_of(done)
    assert [load_results(run.parent)["split"]["fold"] for run in runs] == [1, 2, 3]
    assert sum(load_results(run.parent)["test"]["n_clips"] for run in runs) == 120
    before = [run.stat().st_mtime_ns for run in runs]
    assert main(["train", str(recipe), "--fold=all", "--output_dir", str(done)]) == 0
    said = capsys.readouterr().out
    assert "tiny_svm-speaker-kfold\n120 test clips, 12 speakers" in said
    assert f"runs: {done}/fold1 {done}/fold2 {done}/fold3" in said
    assert [run.stat().st_mtime_ns for run in runs] == before


def test_a_default_that_is_said_aloud_is_the_same_run(recipe, done):
    words = ["--fold", "all", "--output_dir", str(done), "--seed", "42", "--validation_size", "0.1"]
    before = [run.stat().st_mtime_ns for run in results_of(done)]
    assert main(["train", str(recipe), *words]) == 0
    assert [run.stat().st_mtime_ns for run in results_of(done)] == before


def test_the_runs_are_one_row_of_the_table(done, tmp_path):
    add_row([run.parent for run in results_of(done)], tmp_path / "results.csv")
    (row,) = csv.DictReader((tmp_path / "results.csv").read_text(encoding="utf-8").splitlines())
    assert (row["recipe"], row["fold"], row["test_clips"]) == ("tiny_svm.yaml", "1-3", "120")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--model_settings", "C=2"],
            "fold1 is done, with model_settings: ['C=1', 'gamma=1'], and model_",
        ),
        (["--validation_size", "0.2"], "fold1 is done, with validation_size: 0.1, and validation_size is now 0.2"),
        (
            ["--folds", "4"],
            "fold1 is done, with folds: 3, and folds is now 4; choose another --output_dir",
        ),
    ],
)
def test_a_fold_of_other_settings_is_refused_before_anything_runs(recipe, done, words, said, capsys):
    error = refused([str(recipe), "--fold", "all", "--output_dir", str(done), *words], capsys)
    assert said in error
    assert len(results_of(done)) == 3


def test_a_missing_fold_alone_is_run(recipe, done, tmp_path):
    for run in results_of(done)[1:]:
        place = tmp_path / run.parent.name
        place.mkdir()
        for name in ("results.json", "predictions.parquet"):
            (place / name).write_bytes((run.parent / name).read_bytes())
    assert main(["train", str(recipe), "--fold", "all", "--output_dir", str(tmp_path), "--num_proc", "1"]) == 0
    first, again = (json.loads((folder / "fold1/results.json").read_bytes()) for folder in (done, tmp_path))
    assert again["test"] == first["test"]
    assert not (tmp_path / "fold2/model.skops").exists()


def test_a_folder_that_the_file_names_holds_a_folder_for_each(recipe, done, tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text(f"{recipe.read_text(encoding='utf-8')}output_dir: {tmp_path / 'runs'}\n", encoding="utf-8")
    assert main(["train", str(own), "--fold", "all", "--folds", "2"]) == 0
    assert len(results_of(tmp_path / "runs")) == 2


def test_folds_of_a_network_go_on_from_the_last_checkpoint_where_there_is_one(tiny_recipe, tmp_path):
    words = ["--protocol", "speaker-kfold", "--folds", "2", "--num_train_epochs", "1", "--output_dir", str(tmp_path)]
    assert main(["train", str(tiny_recipe), "--fold", "all", *words, "--resume_from_checkpoint", "last"]) == 0
    (tmp_path / "fold2/results.json").unlink()
    weights = (tmp_path / "fold2/model.safetensors").read_bytes()
    assert main(["train", str(tiny_recipe), "--fold", "all", *words, "--resume_from_checkpoint", "last"]) == 0
    assert (tmp_path / "fold2/model.safetensors").read_bytes() == weights


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--protocol", "random"], "--fold all: protocol random has no folds; leave it out"),
        (["--push_to_hub", "true"], "--fold all makes a run of each; leave out push_to_hub"),
        (
            ["--resume_from_checkpoint", "runs/x"],
            "runs/x is of one fold; with --fold all say --resume_from",
        ),
    ],
)
def test_what_all_folds_together_cannot_be(recipe, tmp_path, words, said, capsys):
    error = refused([str(recipe), "--fold", "all", "--output_dir", str(tmp_path / "x"), *words], capsys)
    assert said in error
    assert not (tmp_path / "x").exists()


def test_all_folds_are_asked_for_on_the_command_line_alone(tmp_path, capsys):
    own = tmp_path / "own.yaml"
    own.write_text(SVM.replace("fold: 2", "fold: all"), encoding="utf-8")
    error = refused([str(own)], capsys)
    assert error.endswith("own.yaml: fold is a number in a file; `ser-hf train RECIPE --fold all` runs each")


def test_statistics_and_results_see_the_training_speakers_that_are_left(recipe, tmp_path):
    words = ["train", str(recipe), "--train_speakers", "3", "--output_dir", str(tmp_path)]
    assert main(words) == 0
    results = load_results(tmp_path)
    assert results["data"]["splits"]["train"]["speakers"] == 3
    assert len(results["data"]["train_speakers"]["kept"]) == 3
    split = json.loads((tmp_path / "split.json").read_text(encoding="utf-8"))
    assert split["train"]["speakers"] == results["data"]["train_speakers"]["kept"]
