"""report_to: what trackers are told by networks and baselines, where it lies, and that it changes no number."""

import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from ser_hf.base.errors import RecipeError
from ser_hf.cli import main
from ser_hf.flows.train import train
from ser_hf.reporting import load_results
from ser_hf.training import load_recipe

SVM = """
corpora: [ravdess, savee]
protocol: speaker-kfold
folds: 2
features: functionals
n_mels: 26
model: svm
model_settings: {C: 1, gamma: 1}
"""


@pytest.fixture(scope="module")
def svm(tones_root, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("tracked") / "tiny_svm.yaml"
    path.write_text(f"{SVM}data_root: {tones_root}\n", encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch, tiny_run):
    """The current folder, in which nothing may be written; no variable of a tracker is set."""
    here = tmp_path / "here"
    here.mkdir()
    for name in ("write_report", "write_model_card"):  # which take long, and are of no tracker
        monkeypatch.setattr(f"ser_hf.flows.train.{name}", lambda _: None)
    monkeypatch.chdir(here)
    for name in ("TENSORBOARD_LOGGING_DIR", "WANDB_DIR", "WANDB_PROJECT", "WANDB_RUN_GROUP", "SER_HF_STUDY"):
        monkeypatch.delenv(name, raising=False)
    yield
    assert not list(here.iterdir())


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder))
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def scores(results: dict) -> dict[str, float]:
    uar = results["test"]["metrics"]["uar"]
    low, high = uar["speakers"]
    return {"test/uar": uar["value"], "test/uar_speakers_low": low, "test/uar_speakers_high": high}


def test_nothing_is_tracked_unless_asked_for(tiny_run, tiny_recipe):
    assert load_recipe(tiny_recipe).training.report_to == []
    assert not (tiny_run.folder / "tracking").exists()


def test_tensorboard_is_told_the_training_and_at_last_the_test(tiny_recipe, tiny_run, tmp_path):
    pytest.importorskip("tensorboard")
    results = train(load_recipe(tiny_recipe, ["--report_to", "tensorboard", "--output_dir", str(tmp_path / "run")]))
    assert results["test"] == load_results(tiny_run.folder)["test"], "tracking changes no number"
    told = scalars(tmp_path / "run/tracking")
    history = results["training"]["history"]
    for tag, key in (("train/loss", "loss"), ("eval/uar", "eval_uar"), ("eval/loss", "eval_loss")):
        assert [value for _, value in told[tag]] == pytest.approx([entry[key] for entry in history], rel=1e-4)
    last = told["eval/uar"][-1][0]
    for tag, value in scores(results).items():
        assert told[tag] == [(last, pytest.approx(value, rel=1e-6))]
    folders = {path.parent for path in tmp_path.rglob("events.out.tfevents*")}
    assert folders == {tmp_path / "run/tracking"}


def test_a_run_from_the_beginning_forgets_what_was_tracked(svm, tmp_path):
    pytest.importorskip("tensorboard")
    words = ["--fold", "1", "--report_to", "tensorboard", "--output_dir", str(tmp_path / "run")]
    results = [train(load_recipe(svm, [*words, "--overwrite", "true"])) for _ in range(2)][-1]
    told = scalars(tmp_path / "run/tracking")
    for tag, value in scores(results).items():
        assert told[tag] == [(0, pytest.approx(value, rel=1e-6))]
    assert told["eval/uar"] == [(0, pytest.approx(results["training"]["best_validation_uar"], rel=1e-6))]


def tracked(project: str) -> list[tuple[str, dict, dict[str, float]]]:
    """Name, parameters and last values of the runs in trackio's store."""
    trackio, storage = pytest.importorskip("trackio"), pytest.importorskip("trackio.sqlite_storage").SQLiteStorage
    found = []
    for run in trackio.Api().runs(project):
        rows = storage.get_logs(project, run.name, run_id=run.id)
        found.append((run.name, run.config, {key: value for row in rows for key, value in row.items()}))
    return sorted(found, key=lambda one: one[0])


def test_trackio_groups_the_folds_of_a_baseline(svm, tmp_path, capsys):
    pytest.importorskip("trackio")
    words = ["--fold", "all", "--report_to", "trackio", "--project", "folds", "--output_dir", str(tmp_path / "runs")]
    assert main(["train", str(svm), *words]) == 0
    assert "* Trackio" not in capsys.readouterr().out
    runs = tracked("folds")
    assert len(runs) == 2
    for fold, (name, parameters, told) in enumerate(runs, 1):
        assert name == f"tiny_svm-speaker-kfold-fold{fold}"
        expected = scores(load_results(tmp_path / f"runs/fold{fold}"))
        assert {key: told[key] for key in expected} == pytest.approx(expected)
        assert parameters["_Group"] == "tiny_svm-speaker-kfold"
        assert [parameters[key] for key in ("protocol", "fold", "features")] == ["speaker-kfold", fold, "functionals"]
        assert not {"learning_rate", "data_root", "output_dir"} & set(parameters)


def test_runs_of_one_name_are_not_one_run_in_trackio(tiny_recipe, tmp_path, monkeypatch):
    pytest.importorskip("trackio")
    monkeypatch.setenv("SER_HF_STUDY", "seeds")
    words = ["--report_to", "trackio", "--project", "twice", "--num_train_epochs", "1"]
    results = [
        train(load_recipe(tiny_recipe, [*words, "--seed", seed, "--output_dir", str(tmp_path / seed)]), group="other")
        for seed in ("1", "2")
    ]
    runs = sorted(tracked("twice"), key=lambda run: run[1]["seed"])
    assert len(runs) == 2
    for seed, (run, (name, parameters, told)) in enumerate(zip(results, runs, strict=True), 1):
        assert (name, parameters["_Group"], parameters["seed"]) == ("tiny-random", "seeds", seed)
        assert (parameters["learning_rate"], parameters["n_mels"]) == (2e-2, 32)
        assert parameters["model/num_parameters"] == run["model"]["parameters"]
        assert told["test/uar"] == pytest.approx(run["test"]["metrics"]["uar"]["value"])
        assert told["train/loss"] == pytest.approx(run["training"]["history"][0]["loss"], rel=1e-3)


def test_a_run_that_goes_on_is_the_same_run_in_trackio(tiny_recipe, tmp_path):
    pytest.importorskip("trackio")
    words = ["--report_to", "trackio", "--project", "goes-on", "--num_train_epochs", "2", "--output_dir", str(tmp_path)]
    train(load_recipe(tiny_recipe, words))
    (tmp_path / "results.json").unlink()
    shutil.rmtree(sorted((tmp_path / "checkpoints").iterdir(), key=lambda path: int(path.name.split("-")[1]))[-1])
    results = train(load_recipe(tiny_recipe, [*words, "--resume_from_checkpoint", "last"]))
    ((_, _, told),) = tracked("goes-on")
    assert told["test/uar"] == pytest.approx(results["test"]["metrics"]["uar"]["value"])


class Wandb(ModuleType):
    """As much of wandb as the Trainer's callback uses."""

    def __init__(self) -> None:
        super().__init__("wandb")
        self.__spec__ = SimpleNamespace(name="wandb")
        self.run, self.runs, self.config = None, [], None

    def init(self, **given) -> None:
        assert self.run is None
        self.run = SimpleNamespace(given=given, logs=[], summary={}, _label=lambda **_: None)
        self.runs.append(self.run)
        self.config = type("Config", (dict,), {"update": lambda c, d, **_: dict.update(c, d)})()

    def log(self, values: dict) -> None:
        self.run.logs.append(values)

    def finish(self) -> None:
        self.run = None


@pytest.fixture
def wandb(monkeypatch) -> Wandb:
    stub, config = Wandb(), ModuleType("wandb.sdk.lib.config_util")
    config.ConfigError = ValueError
    for name in ("wandb.sdk", "wandb.sdk.lib"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "wandb", stub)
    monkeypatch.setitem(sys.modules, "wandb.sdk.lib.config_util", config)
    return stub


def test_wandb_has_one_run_each_in_its_folder_and_group(tiny_recipe, svm, tmp_path, wandb):
    words = ["--report_to", "wandb", "--output_dir"]
    network = train(load_recipe(tiny_recipe, [*words, str(tmp_path / "a")]), group="study")
    baseline = train(load_recipe(svm, [*words, str(tmp_path / "b"), "--fold", "1", "--run_name", "mine"]))
    assert wandb.run is None
    assert [run.given for run in wandb.runs] == [
        {"project": "ser_hf", "name": "tiny-random", "group": "study", "dir": str(tmp_path / "a/tracking")},
        {"project": "ser_hf", "name": "mine", "group": None, "dir": str(tmp_path / "b/tracking")},
    ]
    for run, results in zip(wandb.runs, (network, baseline), strict=True):
        assert scores(results).items() <= run.logs[-1].items()
        assert sum("test/uar" in logs for logs in run.logs) == 1
    assert sum("eval/uar" in logs for logs in wandb.runs[0].logs) == 3


def test_a_run_that_fails_is_closed(tiny_recipe, tmp_path, wandb, monkeypatch):
    monkeypatch.setattr("ser_hf.flows.train.score", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train(load_recipe(tiny_recipe, ["--report_to", "wandb", "--output_dir", str(tmp_path / "run")]))
    assert (len(wandb.runs), wandb.run) == (1, None)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tensorboard", r"report_to: tensorboard is not installed; pip install 'ser_hf\[tracking\]', or leave it out$"),
        ("trackio", r"report_to: trackio is not installed; pip install 'ser_hf\[tracking\]', or leave it out$"),
        ("wandb", "report_to: wandb is not installed; pip install wandb, or leave it out$"),
        ("wandbb", "unknown report_to 'wandbb'.*did you mean 'wandb'"),
    ],
)
def test_a_tracker_that_is_not_there_is_told_before_anything_is_read(svm, tmp_path, monkeypatch, name, message):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(RecipeError, match=message):
        train(load_recipe(svm, ["--fold", "1", "--report_to", name, "--output_dir", str(tmp_path / "run")]))
    assert not (tmp_path / "run/recipe.yaml").exists()


def test_several_trackers_stand_in_a_recipe(tiny_recipe, tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(tiny_recipe.read_text() + "report_to: [tensorboard, trackio]\n")
    assert load_recipe(path).training.report_to == ["tensorboard", "trackio"]
    assert load_recipe(path, ["--report_to", "wandb", "trackio"]).training.report_to == ["wandb", "trackio"]
    assert load_recipe(path, ["--report_to", "none"]).training.report_to == []


def test_where_a_fold_was_tracked_does_not_count(svm, tmp_path, capsys):
    folder = str(tmp_path / "runs")
    assert main(["train", str(svm), "--fold", "all", "--output_dir", folder]) == 0
    words = ["--report_to", "none", "--project", "x", "--run_name", "y", "--logging_steps", "3"]
    assert main(["train", str(svm), "--fold", "all", "--output_dir", folder, *words]) == 0
    assert (
        main(["train", str(svm), "--fold", "all", "--output_dir", folder, "--logging_steps", "3", "--seed", "7"]) == 2
    )
    assert "fold1 is done, with seed: 42, and seed is now 7" in capsys.readouterr().err
