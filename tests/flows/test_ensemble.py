"""Runs combined: the mean of what they say, the mean of their weights, and what must not be put together."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file

from ser_hf.base.errors import CheckpointError, SerHfError, SplitError
from ser_hf.cli import main
from ser_hf.flows.ensemble import ensemble
from ser_hf.flows.evaluate import evaluate
from ser_hf.inference import SerClassifier, export_onnx, export_small, plot_attention
from ser_hf.reporting import load_results
from ser_hf.reporting.hub import files_to_push
from ser_hf.reporting.results_table import add_row, results_row
from ser_hf.training import load_checkpoint, read_split

SVM = ["--model_settings", "C=1", "gamma=1"]


@pytest.fixture(scope="module")
def make(tones_root, tmp_path_factory):
    """A function that trains by the command line on the tones, and gives the run folder."""

    def run(recipe: str, *words: str) -> Path:
        folder = tmp_path_factory.mktemp("members") / Path(recipe).stem
        assert main(["train", recipe, "--output_dir", str(folder), "--data_root", str(tones_root), *words]) == 0
        return folder

    return run


@pytest.fixture(scope="module")
def network(tiny_run) -> Path:
    return tiny_run.folder


@pytest.fixture(scope="module")
def second(make, tiny_recipe) -> Path:
    """The same network from another seed."""
    return make(str(tiny_recipe), "--seed", "7", "--num_train_epochs", "1")


@pytest.fixture(scope="module")
def svm(make) -> Path:
    """A machine that compares the clips of a speaker, of the split of the network."""
    return make("svm", *SVM, "speaker_normalisation=true")


@pytest.fixture(scope="module")
def transformer(make, save_transformer, tmp_path_factory) -> Path:
    start = save_transformer("wav2vec2", tmp_path_factory.mktemp("wav2vec2"))
    words = ["--max_steps", "1", "--per_device_train_batch_size", "2", "--protocol", "random"]
    return make("wav2vec2", *words, "--model_settings", f"pretrained={start}")


@pytest.fixture(scope="module")
def together(network, svm, transformer, tmp_path_factory) -> Path:
    """One of each kind, the network counting twice; only to be read."""
    folder = tmp_path_factory.mktemp("together") / "ensemble"
    words = ["ensemble", *map(str, (network, svm, transformer)), "--output", str(folder), "--shares", "2", "1", "1"]
    assert main(words) == 0
    return folder


def shares_of(run: Path) -> tuple[list[str], np.ndarray]:
    table = pq.read_table(run / "predictions.parquet")
    names = [name for name in table.column_names if name.startswith("p_")]
    return table["clip_id"].to_pylist(), np.stack([table[name].to_numpy() for name in names], axis=1)


def copied(run: Path, place: Path, **changes: object) -> Path:
    """A copy of a run with other values in results.json, under dotted names."""
    shutil.copytree(run, place, ignore=shutil.ignore_patterns("checkpoints", "plots"))
    results = json.loads((place / "results.json").read_text(encoding="utf-8"))
    for key, value in changes.items():
        *outer, last = key.split("__")
        block = results
        for name in outer:
            block = block[name]
        block[last] = value
    (place / "results.json").write_text(json.dumps(results), encoding="utf-8")
    return place


def with_split(run: Path, place: Path, change) -> Path:
    folder = copied(run, place)
    split = read_split(folder)
    change(split)
    (folder / "split.json").write_text(json.dumps(split), encoding="utf-8")
    return folder


def test_the_score_is_of_the_mean_of_what_the_members_said(together, network, svm, transformer):
    clips, mean = shares_of(together)
    parts = []
    for run in (network, svm, transformer):
        ids, shares = shares_of(run)
        parts.append(shares[[ids.index(clip) for clip in clips]])
    np.testing.assert_allclose(mean, (2 * parts[0] + parts[1] + parts[2]) / 4, atol=1e-6)
    results = load_results(together)
    rows = pq.read_table(together / "predictions.parquet").to_pylist()
    right = sum(row["label"] == row["predicted"] for row in rows) / len(rows)
    assert results["test"]["metrics"]["accuracy"]["value"] == pytest.approx(right)
    assert results["test"]["metrics"]["uar"]["speakers"] is not None
    assert read_split(together)["test"] == read_split(network)["test"]
    assert "adaptation" in load_results(svm)["test"]
    assert "adaptation" not in results["test"], "it is of one machine alone"
    members = results["model"]["members"]
    assert [one["share"] for one in members] == [0.5, 0.25, 0.25]
    assert results["model"]["parameters"] == sum(one["parameters"] for one in members)
    assert results["recipe"] == "tiny.yaml (2) + baselines/svm.yaml (1) + pretrained/wav2vec2.yaml (1)"


def test_the_folder_is_a_checkpoint_that_says_the_same_of_the_recordings(together, tones_root, tmp_path):
    results, folder = evaluate(together, data_root=tones_root, output=tmp_path / "again")
    clips, mean = shares_of(together)
    again, heard = shares_of(folder)
    assert again == clips
    np.testing.assert_allclose(heard, mean, atol=1e-4)
    assert results["name"] == f"{load_results(together)['name']} on test"
    results, _ = evaluate(together, ["tess"], data_root=tones_root, output=tmp_path / "tess")
    assert results["test"]["n_clips"] == 28
    with pytest.raises(SplitError, match="clips were used in training"):
        evaluate(together, ["savee"], data_root=tones_root, output=tmp_path / "x")


def test_clips_are_classified_by_the_mean_of_the_members(together, network, svm, transformer, tones_root, capsys):
    clips = sorted((tones_root / "ravdess").rglob("Actor_01/*.wav"))
    classifier = SerClassifier.from_pretrained(together, device="cpu")
    assert classifier.one_speaker_a_call, "the machine compares clips of a speaker"
    said = [SerClassifier.from_pretrained(run, device="cpu")(clips) for run in (network, svm, transformer)]
    for i, scores in enumerate(classifier(clips)):
        for name, share in scores.items():
            mean = (2 * said[0][i][name] + said[1][i][name] + said[2][i][name]) / 4
            assert share == pytest.approx(mean, abs=1e-5)
    assert main(["predict", str(together), *map(str, clips), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0]["scores"] == pytest.approx(classifier(clips)[0], abs=1e-6)


def test_card_and_report_show_the_members_and_carry_their_caveats(together, network):
    card = (together / "README.md").read_text(encoding="utf-8")
    assert "library_name: ser_hf" in card
    assert "| tiny-random | cnn\\_blstm\\_attention |" in card.replace("cnn_blstm_attention", "cnn\\_blstm\\_attention")
    assert "| **together** | ensemble |" in card
    assert "uses unlabelled speech of the test speakers" in card
    assert "give it several of one speaker at once" in card
    assert "SerClassifier.from_pretrained" in card
    assert "AutoModelForAudioClassification" not in card
    caveat = load_results(together)["caveat"]
    assert caveat == "speaker-normalised: uses unlabelled speech of the test speakers"
    report = (together / "report.html").read_text(encoding="utf-8")
    assert "mean of probabilities of" in report
    assert "tiny-random (50.0 %)" in report
    assert caveat.capitalize() in report


def test_all_that_is_needed_is_sent_to_the_hub_and_no_more(together, tmp_path):
    sent = set(files_to_push(together))
    needed = {"config.json", "README.md", "results.json", "report.html"}
    needed |= {f"members/{i}/{name}" for i in (1, 2, 3) for name in ("config.json", "preprocessor_config.json")}
    needed |= {"members/1/model.safetensors", "members/2/model.skops", "members/3/model.safetensors"}
    assert needed <= sent
    assert all(
        name in needed or Path(name).suffix in (".py", ".png") or Path(name).name == "recipe.yaml" for name in sent
    )
    broken = tmp_path / "broken"
    shutil.copytree(together, broken)
    (broken / "members/2/model.skops").unlink()
    with pytest.raises(CheckpointError, match=r"members/2 has no model\.safetensors"):
        files_to_push(broken)


def test_what_asks_for_a_network_refuses_in_one_line(together, svm, tones_root, tmp_path, tiny_recipe):
    with pytest.raises(SerHfError, match="is an ensemble; only networks are exported"):
        export_onnx(together, tmp_path / "x.onnx")
    for run, said in ((together, "an ensemble"), (svm, "a baseline of scikit-learn")):
        with pytest.raises(SerHfError, match=f"is {said}; only networks have weights to make smaller"):
            export_small(run, tmp_path / "small")
    clip = next(tones_root.rglob("*.wav"))
    with pytest.raises(SerHfError, match="ensemble has no attention"):
        plot_attention(SerClassifier.from_pretrained(together), clip, tmp_path / "x.png")
    words = ["train", str(tiny_recipe), "--init_from", str(together), "--output_dir", str(tmp_path / "x")]
    assert main(words) == 2


def test_a_damaged_ensemble_is_refused(together, tmp_path):
    def broken(change) -> Path:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        shutil.copytree(together, folder)
        change(folder)
        return folder

    def other_labels(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        config["id2label"]["0"], config["id2label"]["1"] = config["id2label"]["1"], config["id2label"]["0"]
        config["label2id"] = {name: int(i) for i, name in config["id2label"].items()}
        (folder / "config.json").write_text(json.dumps(config))

    def other_shares(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "shares": [1, 1, -1]}))

    def itself(folder: Path) -> None:
        shutil.rmtree(folder / "members/2")
        (folder / "members/2").symlink_to(folder)

    for change, said in (
        (
            lambda f: (f / "members/2/model.pkl").write_bytes(b"x"),
            r"members/2 holds model\.pkl: such files are pickles",
        ),
        (lambda f: shutil.rmtree(f / "members/3"), r"no checkpoint folder .*members/3"),
        (other_labels, r"members/1 knows the classes neutral, calm, .*the ensemble's are calm, neutral"),
        (other_shares, "expected one positive number for each of 3 members"),
        (itself, "members/2 is an ensemble itself"),
    ):
        with pytest.raises(CheckpointError, match=said):
            load_checkpoint(broken(change))


def test_weights_are_averaged_into_a_network_that_is_scored_anew(network, second, tones_root, tmp_path, capsys):
    folder = tmp_path / "soup"
    words = ["--output", str(folder), "--by", "weights", "--shares", "3", "1", "--data_root", str(tones_root)]
    assert main(["ensemble", str(network), str(second), *words]) == 0
    assert "UAR" in capsys.readouterr().out
    one, two, mean = (load_file(run / "model.safetensors") for run in (network, second, folder))
    for name, tensor in mean.items():
        expected = 0.75 * one[name].double() + 0.25 * two[name].double() if tensor.is_floating_point() else one[name]
        np.testing.assert_allclose(tensor, expected, rtol=1e-6, atol=1e-7)
    results, _ = evaluate(folder, data_root=tones_root, output=tmp_path / "again")
    assert results["test"] == load_results(folder)["test"]
    assert load_results(folder)["recipe"] == "weights of tiny.yaml (3) + tiny.yaml (1)"
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "The mean of the weights of 2 models" in card
    assert "AutoModelForAudioClassification" in card
    assert results_row(load_results(folder))["smoke_flags"] == ""


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("svm", "is a baseline of scikit-learn; only the weights of networks are averaged"),
        (
            "transformer",
            "differs from .* in model_type .*wav2vec2 and cnn_blstm.*--by probabilities takes any",
        ),
    ],
)
def test_weights_of_other_architectures_are_not_averaged(request, network, other, said, tones_root, tmp_path):
    with pytest.raises(CheckpointError, match=said):
        ensemble([network, request.getfixturevalue(other)], tmp_path / "x", by="weights", data_root=tones_root)
    assert not (tmp_path / "x").exists()


def test_runs_of_other_splits_are_refused(network, svm, make, tmp_path):
    other = make("svm", *SVM, "--split_seed", "5")
    said = (
        rf"{other} has another split than {network}: .* was trained or chosen on \d+ of the \d+ test clips of .*e\.g\."
    )
    with pytest.raises(SplitError, match=said):
        ensemble([network, other], tmp_path / "x")

    def shorter(split: dict) -> None:
        del split["test"]["clips"][0]

    def renamed(split: dict) -> None:
        split["test"]["recordings"][0] = "0" * 16

    for number, (change, said) in enumerate(
        (
            (shorter, "was tested on other clips than"),
            (renamed, "of the same names as .* and of other recordings"),
        )
    ):
        with pytest.raises(SplitError, match=said):
            ensemble([network, with_split(svm, tmp_path / f"svm{number}", change)], tmp_path / "x")
    for number, (change, said) in enumerate(
        (({"split__fold": 2}, "its fold is 2, not None"), ({"split__protocol": "kfold"}, "its protocol is kfold"))
    ):
        with pytest.raises(SplitError, match=said):
            ensemble([network, copied(svm, tmp_path / f"rule{number}", **change)], tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_clip_that_one_learned_from_is_no_validation_of_all(network, svm, tmp_path):
    moved = []

    def mixed(split: dict) -> None:
        moved.append(split["validation"]["clips"].pop())
        split["train"]["clips"].append(moved[0])

    ensemble([network, with_split(svm, tmp_path / "mixed", mixed)], tmp_path / "x")
    split = json.loads((tmp_path / "x" / "split.json").read_text(encoding="utf-8"))
    assert moved[0] in split["train"]["clips"]
    assert moved[0] not in split["validation"]["clips"]


def test_what_cannot_be_combined_is_told_in_one_line(network, svm, together, tones_root, tmp_path, capsys):
    def refused(*words: object) -> str:
        assert main(["ensemble", *map(str, words)]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        return said

    out = ("--output", tmp_path / "x")
    assert "needs two or more different runs" in refused(network, *out)
    assert "needs two or more different runs" in refused(network, network, *out)
    assert "--shares 1 2 3: expected one positive number for each of the 2 runs" in refused(
        network, svm, *out, "--shares", 1, 2, 3
    )
    assert "--data_root is for --by weights" in refused(network, svm, *out, "--data_root", tones_root)
    assert "already holds a results.json" in refused(network, svm, "--output", together)
    assert "is an ensemble itself; name the runs" in refused(network, together, *out)
    assert "results.json is missing" in refused(network, tmp_path, *out)
    names = ["calm", "neutral", *load_results(svm)["data"]["classes"][2:]]
    rows = [{**row, "class": n} for row, n in zip(load_results(svm)["test"]["per_class"], names, strict=True)]
    strange = copied(svm, tmp_path / "strange", data__classes=names, test__per_class=rows)
    assert f"{strange} has the classes calm, neutral" in refused(network, strange, *out)
    assert not (tmp_path / "x").exists()


def test_folds_of_one_ensemble_are_pooled_into_one_row(make, tmp_path):
    table, folders = tmp_path / "results.csv", []
    for fold in ("1", "2"):
        words = ["--protocol", "kfold", "--folds", "2", "--fold", fold]
        runs = [make("svm", *SVM, *words), make("svm_mfcc", *SVM, *words)]
        folders.append(ensemble(runs, tmp_path / fold)[1])
    add_row(folders, table)
    add_row(folders[:1], table)
    single, both = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
    assert both["recipe"] == single["recipe"] == "baselines/svm.yaml + baselines/svm_mfcc.yaml"
    assert [(row["fold"], row["test_clips"]) for row in (single, both)] == [("1", "60"), ("1-2", "120")]
    rows = [row for folder in folders for row in pq.read_table(folder / "predictions.parquet").to_pylist()]
    right = sum(row["label"] == row["predicted"] for row in rows) / 120
    assert float(both["accuracy"]) == pytest.approx(right, abs=1e-4)
    assert both["smoke_flags"] == ""
    other = ensemble([runs[0], runs[1]], tmp_path / "3", shares=[2, 1], name=both["recipe"])[1]
    with pytest.raises(SerHfError, match=r"no folds of one experiment: shares is \[1.0, 1.0\] and \[2.0, 1.0\]"):
        add_row([folders[0], other], table)


def test_a_name_of_ones_own_is_kept(network, svm, tmp_path):
    results, _ = ensemble([network, svm], tmp_path / "x", name="both")
    assert (results["name"], results["recipe"]) == ("both-random", "both")


def test_a_balanced_training_split_is_no_other_split(network, make, tmp_path):
    fewer = make("svm", *SVM, "--balance", "undersample")
    results, folder = ensemble([network, fewer], tmp_path / "x")
    one, two, both = (set(read_split(run)["train"]["clips"]) for run in (network, fewer, folder))
    assert two < one == both
    assert "balance" not in results["data"]
    assert "caveat" not in results
