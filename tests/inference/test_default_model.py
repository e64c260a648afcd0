"""The model of the package: a small folder made of a run, used without a word of where it lies, its terms said."""

import json
import logging
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ser_hf.base.errors import CheckpointError, SerHfError
from ser_hf.cli import main
from ser_hf.cli.predict import checkpoint_and_files
from ser_hf.inference import SerClassifier, default_model, export_small
from ser_hf.reporting import load_results
from ser_hf.reporting.hub import files_to_push
from ser_hf.training import load_checkpoint

FILES = {"README.md", "LICENSE", "config.json", "model.safetensors", "preprocessor_config.json", "results.json"}


@pytest.fixture(scope="module")
def small(tiny_run, tmp_path_factory) -> Path:
    return export_small(tiny_run.folder, tmp_path_factory.mktemp("small") / "default_model")


@pytest.fixture
def shipped(small, monkeypatch) -> Path:
    """The package as if this folder had come with it."""
    monkeypatch.setattr(default_model, "FOLDER", small)
    default_model.tell.cache_clear()
    return small


@pytest.fixture(scope="module")
def clips(tones_root) -> list[str]:
    return [str(path) for path in sorted(tones_root.rglob("*.wav"))[:4]]


def test_a_small_folder_is_the_run_in_half_precision_without_code(small, tiny_run):
    assert {path.name for path in small.iterdir()} == FILES
    weights, whole = load_file(small / "model.safetensors"), load_file(tiny_run.folder / "model.safetensors")
    assert weights.keys() == whole.keys()
    for name, tensor in weights.items():
        assert tensor.dtype == (torch.float16 if whole[name].is_floating_point() else whole[name].dtype)
        torch.testing.assert_close(tensor, whole[name].to(tensor.dtype), rtol=0, atol=0)
    for name in ("config.json", "preprocessor_config.json"):
        before, after = (json.loads((folder / name).read_text()) for folder in (tiny_run.folder, small))
        assert after == {key: value for key, value in before.items() if key != "auto_map"}
    assert load_results(small)["test"] == load_results(tiny_run.folder)["test"]


def test_half_weights_are_computed_with_in_single_precision(small, tiny_run, clips):
    model, _ = load_checkpoint(small, "cpu")
    weights = load_file(small / "model.safetensors")
    assert {t.dtype for t in model.state_dict().values() if t.is_floating_point()} == {torch.float32}
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, weights[name].to(tensor.dtype), rtol=0, atol=0)
    whole, half = (SerClassifier.from_pretrained(folder, "cpu")(clips) for folder in (tiny_run.folder, small))
    for one, other in zip(whole, half, strict=True):
        assert other == pytest.approx(one, abs=0.01)


def test_a_weight_beyond_half_precision_is_left_as_it_is(tiny_run, tmp_path):
    run = shutil.copytree(tiny_run.folder, tmp_path / "run", ignore=shutil.ignore_patterns("checkpoints"))
    model, _ = load_checkpoint(run, "cpu")
    name = next(name for name, t in model.state_dict().items() if name.endswith("running_var"))
    model.state_dict()[name].fill_(1e6)
    model.save_pretrained(run)
    weights = load_file(export_small(run, tmp_path / "small") / "model.safetensors")
    assert weights[name].dtype == torch.float32
    assert (weights[name] == 1e6).all()


def test_the_licence_stands_in_card_and_file_and_is_pushed(small):
    card = (small / "README.md").read_text(encoding="utf-8")
    assert "trust_remote_code=True" not in card
    text = (small / "LICENSE").read_text(encoding="utf-8")
    for corpus in load_results(small)["data"]["corpora"]:
        assert corpus["title"] in text
        assert f"Licence: {corpus['licence']}" in text
    assert {"LICENSE", "README.md", "results.json"} <= set(files_to_push(small))


def test_the_default_classifies_and_says_its_terms_once(shipped, clips, caplog):
    with caplog.at_level(logging.WARNING, "ser_hf"):
        classifier = SerClassifier.default("cpu")
        SerClassifier.default("cpu")
    assert [record.getMessage() for record in caplog.records] == [classifier.terms.notice]
    assert classifier(clips) == SerClassifier.from_pretrained(shipped, "cpu")(clips)
    assert SerClassifier.from_pretrained(shipped, "cpu").terms is None


def test_the_terms_are_those_of_the_results(small):
    results = load_results(small)
    results["data"]["corpora"] = [{**results["data"]["corpora"][0], "name": "ravdess", "licence": "CC BY-NC-SA 4.0"}]
    results["split"]["speaker_independent"] = True
    results["test"] |= {"n_clips": 240, "n_speakers": 4}
    results["test"]["metrics"]["uar"] = {"value": 0.617, "clips": [0.55, 0.68], "speakers": [0.52, 0.7]}
    found = default_model.terms(results)
    assert found.licence == "CC BY-NC-SA 4.0"
    assert found.notice == (
        "default model: trained on RAVDESS, CC BY-NC-SA 4.0, not for commercial use; UAR 62 % (52 to 70) on 240 clips "
        "of 4 new voices, chance 12.5 %"
    )
    results["split"]["speaker_independent"] = False
    assert "4 voices heard in training" in default_model.terms(results).notice


@pytest.mark.parametrize("words", [[], ["--model", "default"]])
def test_predict_without_a_checkpoint_takes_the_default(shipped, clips, capsys, caplog, words):
    with caplog.at_level(logging.WARNING, "ser_hf"):
        assert main(["predict", *words, *clips, "--json", "--device", "cpu"]) == 0
    (notice,) = (record.getMessage() for record in caplog.records)
    assert notice == default_model.default_terms().notice
    plain = capsys.readouterr().out
    default_model.tell.cache_clear()
    assert main(["predict", str(shipped), *clips, "--json", "--device", "cpu"]) == 0
    assert main(["predict", *clips[:1], "--model", str(shipped), "--device", "cpu"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith(plain)
    assert shown.err == ""


def test_which_word_is_the_checkpoint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.wav").mkdir()
    (tmp_path / "recording").write_bytes(b"RIFF")
    (tmp_path / "model.onnx").write_bytes(b"")
    assert checkpoint_and_files(["gone.WAV"]) == ("default", ["gone.WAV"])
    assert checkpoint_and_files(["run.wav", "a.wav"]) == ("run.wav", ["a.wav"])
    assert checkpoint_and_files(["model.onnx", "recording"]) == ("model.onnx", ["recording"])
    assert checkpoint_and_files(["USER/NAME", "recording"]) == ("USER/NAME", ["recording"])
    assert checkpoint_and_files(["recording", "a.wav"], "USER/NAME") == ("USER/NAME", ["recording", "a.wav"])
    with pytest.raises(SerHfError, match=r"recording is a file, .*: --model default, or --model RUN"):
        checkpoint_and_files(["recording", "a.wav"])
    with pytest.raises(SerHfError, match="runs/one is taken for a checkpoint, and no audio file follows"):
        checkpoint_and_files(["runs/one"])


def test_an_install_without_one_says_so(monkeypatch, tmp_path, clips, capsys):
    monkeypatch.setattr(default_model, "FOLDER", tmp_path)
    with pytest.raises(CheckpointError, match="this install of ser_hf has no model of its own"):
        SerClassifier.default()
    assert main(["predict", *clips]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "name a checkpoint" in line


def test_what_cannot_be_exported_is_said(tiny_run, tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("")
    assert main(["export", str(tiny_run.folder), "--small", str(tmp_path)]) == 2
    assert "holds notes.txt, which no such folder has" in capsys.readouterr().err
    with pytest.raises(SerHfError, match="is the run itself, whose weights would be lost"):
        export_small(tiny_run.folder, tiny_run.folder)
    with pytest.raises(SerHfError, match="is a file; name a folder"):
        export_small(tiny_run.folder, tmp_path / "notes.txt")
    (tmp_path / "notes.txt").unlink()
    for _ in range(2):  # an earlier export is replaced
        assert main(["export", str(tiny_run.folder), "--small", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == FILES
    assert capsys.readouterr().out.splitlines() == [str(tmp_path)] * 2


@pytest.fixture(scope="module")
def everyone(tiny_recipe, tmp_path_factory) -> dict[str, Path]:
    """A run that learned from all of RAVDESS, two folds of its recipe, and one with other features."""
    place = tmp_path_factory.mktemp("everyone")
    folds = ("--corpora", "ravdess", "--protocol", "speaker-kfold", "--folds", "2", "--num_train_epochs", "1")
    across = ("--corpora", "ravdess", "savee", "--protocol", "cross-corpus", "--train_corpora", "ravdess")
    runs = {
        "all": (*across, "--num_train_epochs", "1"),
        "fold1": (*folds, "--fold", "1"),
        "fold2": (*folds, "--fold", "2"),
        "other": (*folds, "--fold", "2", "--n_mels", "24"),
    }
    for name, words in runs.items():
        assert main(["train", str(tiny_recipe), "--output_dir", str(place / name), *words]) == 0
    return {name: place / name for name in runs}


def test_folds_tell_the_score_of_a_model_that_heard_everyone(everyone, tmp_path, capsys):
    folds = [str(everyone["fold1"]), str(everyone["fold2"])]
    assert main(["export", str(everyone["all"]), "--small", str(tmp_path / "x"), "--folds", *folds]) == 0
    results, own = load_results(tmp_path / "x"), load_results(everyone["all"])
    assert results["test"]["n_clips"] == sum(load_results(Path(fold))["test"]["n_clips"] for fold in folds)
    assert [corpus["name"] for corpus in results["data"]["corpora"]] == ["ravdess"]
    assert results["elsewhere"] == own["test"]["per_corpus"]
    assert "on SAVEE, never heard in training, UAR" in results["caveat"]
    assert "each of which left its test speakers out" in (tmp_path / "x" / "README.md").read_text(encoding="utf-8")
    weights, whole = (load_file(folder / "model.safetensors") for folder in (tmp_path / "x", everyone["all"]))
    for name, tensor in weights.items():
        torch.testing.assert_close(tensor, whole[name].to(tensor.dtype), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("folds", "said"),
    [
        (["fold1", "other"], "n_mels is"),
        (["other"], "is by another recipe: its n_mels is 24, not 32"),
        (["fold1", "fold1"], "clips are in the tests of two runs"),
    ],
)
def test_folds_of_another_recipe_are_refused(everyone, tmp_path, folds, said, capsys):
    runs = [str(everyone[name]) for name in folds]
    assert main(["export", str(everyone["all"]), "--small", str(tmp_path / "x"), "--folds", *runs]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
